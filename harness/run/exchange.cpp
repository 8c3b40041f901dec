#include "harness/run/exchange.hpp"

#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "harness/core/metrics.hpp"
#include "harness/core/protocol.hpp"
#include "harness/run/spawn.hpp"

namespace churn::run {
namespace {

using Json = nlohmann::json;

// What is wrong with a record; becomes its reason.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

char const* name_of(Mode mode) noexcept {
  switch (mode) {
    case Mode::time:
      return "time";
    case Mode::count:
      return "count";
    case Mode::pilot:
      return "pilot";
    case Mode::presence:
      return "presence";
    case Mode::turns:
      return "turns";
    case Mode::split:
      return "split";
    case Mode::life:
      return "life";
  }
  return "";
}

std::vector<std::string> names_of(Parts const& parts) {
  std::vector<std::string> names;
  if (parts.allocation) names.push_back("allocation");
  if (parts.barriers) names.push_back("barriers");
  if (parts.reclamation) names.push_back("reclamation");
  return names;
}

Json const& member(Json const& object, char const* key) {
  auto const found = object.find(key);
  if (found == object.end()) throw Malformed(std::string("it has no \"") + key + '"');
  return *found;
}

std::uint64_t as_whole(Json const& value, char const* key) {
  if (!value.is_number_unsigned()) {
    throw Malformed(std::string("its \"") + key + "\" is not a whole number");
  }
  return value.get<std::uint64_t>();
}

std::uint64_t whole(Json const& object, char const* key) {
  return as_whole(member(object, key), key);
}

std::string text(Json const& object, char const* key) {
  Json const& value = member(object, key);
  if (!value.is_string()) throw Malformed(std::string("its \"") + key + "\" is not a text");
  return value.get<std::string>();
}

Json const& array(Json const& object, char const* key) {
  Json const& value = member(object, key);
  if (!value.is_array()) throw Malformed(std::string("its \"") + key + "\" is not a list");
  return value;
}

std::vector<std::uint64_t> wholes(Json const& object, char const* key, std::uint64_t length) {
  Json const& values = array(object, key);
  if (values.size() != length) {
    throw Malformed(std::string("its \"") + key + "\" has " + std::to_string(values.size()) +
                    " entries, not " + std::to_string(length));
  }
  std::vector<std::uint64_t> result;
  result.reserve(values.size());
  for (Json const& value : values) result.push_back(as_whole(value, key));
  return result;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs(Json const& object, char const* key) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
  for (Json const& value : array(object, key)) {
    if (!value.is_array() || value.size() != 2) {
      throw Malformed(std::string("its \"") + key + "\" is not a list of pairs");
    }
    result.emplace_back(as_whole(value[0], key), as_whole(value[1], key));
  }
  return result;
}

void require_same(Json const& record, char const* key, std::uint64_t asked) {
  std::uint64_t const given = whole(record, key);
  if (given == asked) return;
  throw Malformed(std::string("its \"") + key + "\" is " + std::to_string(given) + ", asked was " +
                  std::to_string(asked));
}

double total(std::vector<std::uint64_t> const& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

class RecordReader {
 public:
  RecordReader(Json const& json, Asked const& asked, Record& record)
      : json_(json), asked_(asked), record_(record) {}

  // pre: the record's outcome is ok
  void read() {
    if (text(json_, "mode") != name_of(asked_.mode)) throw Malformed("it is of another mode");
    if (text(json_, "workload") != asked_.workload) throw Malformed("it is of another workload");
    require_same(json_, "threads", asked_.threads);
    record_.checksum = text(json_, "checksum");
    record_.ops_per_unit = whole(json_, "ops_per_unit");
    if (record_.ops_per_unit == 0) throw Malformed("its \"ops_per_unit\" is 0");
    if (asked_.mode != Mode::pilot) {
      require_same(json_, "units", asked_.work.units);
      require_same(json_, "samples", asked_.work.samples);
    }
    switch (asked_.mode) {
      case Mode::time:
        return read_times();
      case Mode::count:
        return read_count();
      case Mode::pilot:
        return read_pilot();
      case Mode::turns:
        read_times();
        return read_turns();
      case Mode::presence:
        record_.present_objects = wholes(json_, "present_objects", asked_.work.samples);
        record_.present_bytes = wholes(json_, "present_bytes", asked_.work.samples);
        return;
      case Mode::split:
        return read_split();
      case Mode::life:
        return read_life();
    }
  }

 private:
  void read_turns() {
    record_.turn_ns = wholes(json_, "turn_ns", asked_.turns.count);
    for (char const* const key : {"parked_cpu_ns", "run_delay_ns", "rss_after_free_0s_bytes"}) {
      copy_figure(json_, key, key);
    }
    if (json_.contains("batch_ns")) {
      record_.batch_ns = wholes(json_, "batch_ns", asked_.work.units * asked_.threads);
    }
    if (!json_.contains("collector_stats")) return;
    record_.sample_collections = wholes(json_, "sample_collections", asked_.work.samples);
    record_.sample_full_collections = wholes(json_, "sample_full_collections", asked_.work.samples);
  }

  void read_times() {
    record_.clock_setup_ns = whole(json_, "clock_setup_ns");
    record_.sample_ns = wholes(json_, "sample_ns", asked_.work.samples);
    record_.sample_cpu_ns = wholes(json_, "sample_cpu_ns", asked_.work.samples);
    record_.rss_time_line = pairs(json_, "rss_time_line");
    record_.figures["cpu_per_op_ns"] = total(record_.sample_cpu_ns) / ops();
    record_.figures["system_per_op_ns"] = static_cast<double>(whole(json_, "system_ns")) / ops();
    // Its times would be those of other work than was asked for.
    if (asked_.extra.any()) {
      record_.figures["extra_units"] = static_cast<double>(whole(json_, "extra_units"));
    }
    for (char const* const key :
         {"minor_faults", "rss_start_bytes", "peak_rss_bytes", "slowest_batch_ns"}) {
      copy_figure(json_, key, key);
    }
    if (auto const own = json_.find("workload_figures"); own != json_.end()) {
      if (!own->is_object()) throw Malformed("its \"workload_figures\" is not an object");
      for (auto const& [name, value] : own->items()) {
        if (find_metric(name) == nullptr) throw Malformed("it has a figure \"" + name + '"');
        record_.figures[name] = static_cast<double>(as_whole(value, name.c_str()));
      }
    }
    if (auto const stats = json_.find("collector_stats"); stats != json_.end()) {
      if (!stats->is_object()) throw Malformed("its \"collector_stats\" is not an object");
      read_collector(*stats);
    }
  }

  void read_collector(Json const& stats) {
    for (char const* const key : {"collections_in_samples", "unreclaimed_at_end_objects",
                                  "unreclaimed_at_end_bytes", "time_to_safepoint_max_ns"}) {
      copy_figure(stats, key, key);
    }
    copy_figure(stats, "falsely_retained_objects", "falsely_retained_objects");
    if (stats.contains("collector_cpu_ns")) {
      record_.figures["collector_cpu_per_op_ns"] =
          static_cast<double>(whole(stats, "collector_cpu_ns")) / ops();
    }
    if (auto const full = stats.find("full_collection"); full != stats.end()) {
      if (whole(*full, "objects") == 0) throw Malformed("its \"full_collection\" has no objects");
      record_.figures["full_collection_per_object_ns"] =
          static_cast<double>(whole(*full, "ns")) / static_cast<double>(whole(*full, "objects"));
    }
    read_utilization(stats);
    copy_generations(stats, "collections", "collections_gen", "");
    copy_generations(stats, "reclaimed_objects", "reclaimed_gen", "_objects");
    auto const pause = stats.find("pause");
    if (pause == stats.end() || whole(*pause, "count") == 0) return;  // no pause has no length
    for (char const* const key : {"p50_ns", "p99_ns", "max_ns", "total_ns"}) {
      copy_figure(*pause, key, std::string("pause_") + key);
    }
    record_.histograms.push_back({"pause_ns", pairs(*pause, "buckets")});
  }

  // Of all threads.
  double ops() const noexcept {
    return static_cast<double>(record_.ops_per_unit) * static_cast<double>(asked_.work.units) *
           asked_.threads;
  }

  void read_utilization(Json const& stats) {
    if (!stats.contains("most_paused")) return;
    for (auto const& [window_ns, paused_ns] : pairs(stats, "most_paused")) {
      if (window_ns == 0 || paused_ns > window_ns) {
        throw Malformed("its \"most_paused\" has more pause than window");
      }
      record_.figures["mmu_" + std::to_string(window_ns / 1'000'000) + "ms"] =
          1 - static_cast<double>(paused_ns) / static_cast<double>(window_ns);
    }
  }

  void copy_figure(Json const& from, char const* key, std::string const& name) {
    if (from.contains(key)) record_.figures[name] = static_cast<double>(whole(from, key));
  }

  void copy_generations(Json const& stats, char const* key, char const* before, char const* after) {
    if (!stats.contains(key)) return;
    std::vector<std::uint64_t> const values = wholes(stats, key, 3);
    for (std::size_t i = 0; i < values.size(); ++i) {
      record_.figures[before + std::to_string(i) + after] = static_cast<double>(values[i]);
    }
  }

  void read_count() {
    record_.peak_live_bytes = whole(json_, "peak_live_bytes");
    record_.total_bytes = whole(json_, "total_bytes");
    record_.total_bytes_warm = whole(json_, "total_bytes_warm");
    copy_figure(json_, "calls", "allocation_calls");
    if (record_.total_bytes_warm > record_.total_bytes) {
      throw Malformed("it counts more bytes while warming up than in all");
    }
  }

  void read_split() {
    record_.sample_cpu_ns = wholes(json_, "sample_cpu_ns", asked_.work.samples);
    Json const& touch = member(json_, "first_touch");
    std::uint64_t const pages = whole(touch, "pages");
    if (pages == 0) throw Malformed("its \"first_touch\" is of no pages");
    record_.first_touches_ns = static_cast<double>(whole(json_, "minor_faults")) *
                               static_cast<double>(whole(touch, "ns")) / static_cast<double>(pages);
  }

  void read_life() {
    copy_figure(json_, "rss_before_free_bytes", "rss_before_free_bytes");
    std::string const before = asked_.keep_one_of == 0 ? "rss_after_free_" : "rss_after_most_free_";
    for (auto const& [ms, bytes] : pairs(json_, "rss_after_free")) {
      std::string const when =
          ms % 1000 == 0 ? std::to_string(ms / 1000) + "s_bytes" : std::to_string(ms) + "ms_bytes";
      if (find_metric(before + when) == nullptr) {
        throw Malformed("its \"rss_after_free\" was not read when it should be");
      }
      record_.figures[before + when] = static_cast<double>(bytes);
    }
  }

  void read_pilot() {
    record_.slice_units = whole(json_, "slice_units");
    record_.slice_ns = whole(json_, "slice_ns");
    if (record_.slice_units == 0) throw Malformed("its \"slice_units\" is 0");
  }

  Json const& json_;
  Asked const& asked_;
  Record& record_;
};

// What is stored beside the samples: all but the arrays that have tables of their own.
std::string without_arrays(Json json) {
  for (char const* const key : {"sample_ns", "sample_cpu_ns", "rss_time_line", "turn_ns",
                                "sample_collections", "sample_full_collections", "batch_ns"}) {
    json.erase(key);
  }
  if (auto const stats = json.find("collector_stats"); stats != json.end() && stats->is_object()) {
    if (auto const pause = stats->find("pause"); pause != stats->end() && pause->is_object()) {
      pause->erase("buckets");
    }
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Record from_json(Json const& json, Asked const& asked) {
  if (!json.is_object()) throw Malformed("it is not an object");
  if (std::uint64_t const spoken = whole(json, "protocol"); spoken != protocol_version) {
    throw Malformed("it speaks protocol " + std::to_string(spoken) + ", this churn " +
                    std::to_string(protocol_version));
  }
  Record record;
  std::string const outcome = text(json, "outcome");
  if (!parse_outcome(outcome, record.outcome)) {
    throw Malformed("its outcome is \"" + outcome + '"');
  }
  record.reason = text(json, "reason");
  record.rest = without_arrays(json);
  if (record.outcome == Outcome::ok) RecordReader(json, asked, record).read();
  return record;
}

}  // namespace

std::string to_request(Asked const& asked) {
  Json json{{"protocol", protocol_version},
            {"mode", name_of(asked.mode)},
            {"workload", asked.workload},
            {"parameters", asked.parameters},
            {"collector_parameters", asked.collector_parameters},
            {"threads", asked.threads},
            {"heap_limit_bytes", asked.heap_limit_bytes},
            {"seed", asked.seed},
            {"units", asked.work.units},
            {"samples", asked.work.samples},
            {"warmup_units", asked.work.warmup_units},
            {"library", nullptr},
            {"cpus", asked.cpus}};
  if (!asked.file.empty()) json["file"] = asked.file;
  if (asked.mode == Mode::pilot) json["target_ns"] = asked.target_ns;
  if (asked.dirty_heap) json["dirty_heap"] = true;
  if (asked.mode == Mode::life) {
    json["keep_one_of"] = asked.keep_one_of;
    json["watch_ms"] = {0, 100, 1000, 5000};
  }
  if (asked.mode == Mode::split) json["parts"] = names_of(asked.parts);
  if (asked.mode == Mode::turns) {
    json["turns"] = {
        {"count", asked.turns.count}, {"place", asked.turns.place}, {"page", child_shared_path}};
    if (asked.turns.batches) json["turns"]["batches"] = true;
  }
  if (asked.extra.any()) {
    json["extra"] = {{"per_mille", asked.extra.per_mille},
                     {"shape", name_of(asked.extra.shape)},
                     {"bytes", asked.extra.bytes}};
  }
  if (asked.library) {
    json["library"] = {{"path", asked.library->path},
                       {"device", asked.library->device},
                       {"inode", asked.library->inode}};
  }
  return json.dump() + '\n';
}

Record read_record(std::string const& text, Asked const& asked) {
  Record malformed;
  try {
    return from_json(Json::parse(text), asked);
  } catch (Json::exception const&) {
    malformed.reason = "its record is not JSON, or was cut off";
  } catch (Malformed const& problem) {
    malformed.reason = std::string("its record cannot be used: ") + problem.what();
  }
  return malformed;
}

std::string record_of_words(std::string const& words) {
  return Json{{"words", words}}.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace churn::run
