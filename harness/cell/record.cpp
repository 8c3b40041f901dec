#include "harness/cell/record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/core/protocol.hpp"

namespace churn::cell {
namespace {

using Json = nlohmann::ordered_json;

int record_file = -1;

bool write_all(char const* text, std::size_t length) noexcept {
  while (length > 0) {
    ssize_t const written = write(record_file, text, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text += written;
    length -= static_cast<std::size_t>(written);
  }
  return true;
}

// The short record of `stop`: by hand, since the allocator may be what has just failed.
void write_stopped(Outcome outcome, char const* reason) noexcept {
  char escaped[1536];
  std::size_t used = 0;
  for (char const* at = reason; *at != '\0' && used + 7 < sizeof escaped; ++at) {
    auto const byte = static_cast<unsigned char>(*at);
    if (byte < 0x20 || byte >= 0x7f) {
      used += static_cast<std::size_t>(std::snprintf(escaped + used, 7, "\\u%04x", byte));
      continue;
    }
    if (byte == '"' || byte == '\\') escaped[used++] = '\\';
    escaped[used++] = *at;
  }
  escaped[used] = '\0';
  char text[2048];
  int const length =
      std::snprintf(text, sizeof text, "{\"protocol\":%u,\"outcome\":\"%s\",\"reason\":\"%s\"}\n",
                    protocol_version, name_of(outcome).data(), escaped);
  write_all(text, static_cast<std::size_t>(length));
}

Json pauses(Histogram const& histogram) {
  Json buckets = Json::array();
  for (std::size_t i = 0; i < Histogram::buckets; ++i) {
    if (histogram.count_in(i) == 0) continue;
    buckets.push_back({Histogram::upper_bound(i), histogram.count_in(i)});
  }
  return {{"count", histogram.count()},         {"p50_ns", histogram.quantile(0.5)},
          {"p99_ns", histogram.quantile(0.99)}, {"max_ns", histogram.max()},
          {"total_ns", histogram.total()},      {"buckets", std::move(buckets)}};
}

// A collection has a price of its own; only over many objects is one object's share of it told.
constexpr std::uint64_t least_objects_to_divide_by = 10'000;

Json collector_stats(Measurement const& measured) {
  Json result;
  std::uint64_t collections_in_samples = 0;
  std::array<std::uint64_t, generations> collections{}, reclaimed{};
  for (std::size_t i = 0; i < generations; ++i) {
    collections[i] = measured.after.collections[i] - measured.before.collections[i];
    reclaimed[i] = measured.after.reclaimed_objects[i] - measured.before.reclaimed_objects[i];
    collections_in_samples += collections[i];
  }
  result["collections"] = collections;
  result["collections_in_samples"] = collections_in_samples;
  result["pause"] = pauses(measured.after.pauses.since(measured.before.pauses));
  // Zero: this collector has never stopped the world, so there is no such time.
  if (measured.after.time_to_safepoint_max_ns != 0) {
    result["time_to_safepoint_max_ns"] = measured.after.time_to_safepoint_max_ns;
  }
  // A window that is longer than what was measured says nothing.
  std::array<std::uint64_t, pause_windows_ns.size()> const& paused = measured.after.most_paused_ns;
  for (std::size_t i = 0; i < paused.size(); ++i) {
    if (measured.timed_ns < pause_windows_ns[i]) break;
    result["most_paused"].push_back({pause_windows_ns[i], paused[i]});
  }
  if (std::uint64_t const cpu_ns =
          measured.after.collector_cpu_ns - measured.before.collector_cpu_ns) {
    result["collector_cpu_ns"] = cpu_ns;
  }
  if (program.collector->traits.conservative) {
    result["falsely_retained_objects"] = measured.at_end.falsely_retained_objects;
  }
  if (!program.collector->traits.reports_objects) return result;
  if (measured.full_collection_objects >= least_objects_to_divide_by) {
    result["full_collection"] = {{"ns", measured.full_collection_ns},
                                 {"objects", measured.full_collection_objects}};
  }
  result["reclaimed_objects"] = reclaimed;
  result["allocated_objects"] =
      measured.after.allocated_objects - measured.before.allocated_objects;
  result["unreclaimed_at_end_objects"] = measured.at_end.present_objects();
  result["unreclaimed_at_end_bytes"] = measured.at_end.present_bytes();
  return result;
}

void add_times(Json& record, Measurement const& measured) {
  record["clock_setup_ns"] = measured.clock_setup_ns;
  record["setup_ns"] = measured.setup_ns;
  record["sample_ns"] = measured.sample_ns;
  record["sample_cpu_ns"] = measured.sample_cpu_ns;
  record["rss_time_line"] = measured.rss_time_line;
  record["user_ns"] = measured.usage.user_ns;
  record["system_ns"] = measured.usage.system_ns;
  record["minor_faults"] = measured.usage.minor_faults;
  record["major_faults"] = measured.usage.major_faults;
  record["rss_start_bytes"] = measured.rss_start_bytes;
  if (measured.peak_rss_bytes) record["peak_rss_bytes"] = *measured.peak_rss_bytes;
  if (measured.slowest_batch_ns) record["slowest_batch_ns"] = *measured.slowest_batch_ns;
  for (Figure const& each : measured.figures) record["workload_figures"][each.metric] = each.value;
  if (measured.managed) record["collector_stats"] = collector_stats(measured);
}

}  // namespace

void open_record(std::string const& path) {
  record_file = path == "-" ? STDOUT_FILENO
                            : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (record_file < 0) {
    throw UserError("cannot write the record to " + path + ": " + std::strerror(errno));
  }
  set_stop_hook(write_stopped);
}

void write_record(Request const& request, Proof const& proof, Measurement const& measured) {
  Json record{{"protocol", protocol_version}, {"outcome", name_of(Outcome::ok)}, {"reason", ""}};
  record["mode"] = name_of(request.mode);
  record["workload"] = request.workload;
  record["collector"] = program.collector == nullptr ? "" : program.collector->name;
  record["threads"] = request.context.threads;
  record["units"] = request.units;
  record["samples"] = request.samples;
  record["ops_per_unit"] = measured.ops_per_unit;
  char checksum[24];
  std::snprintf(checksum, sizeof checksum, "%016llx",
                static_cast<unsigned long long>(measured.checksum));
  record["checksum"] = checksum;
  record["proof"] = proof.files;
  if (request.mode == Mode::time || request.mode == Mode::turns) add_times(record, measured);
  if (request.extra.any()) record["extra_units"] = measured.extra_units;
  if (request.mode == Mode::turns) {
    record["turn_ns"] = measured.turn_ns;
    record["parked_cpu_ns"] = measured.parked_cpu_ns;
    if (measured.run_delay_ns) record["run_delay_ns"] = *measured.run_delay_ns;
    if (measured.rss_after_free_bytes) {
      record["rss_after_free_0s_bytes"] = *measured.rss_after_free_bytes;
    }
    if (!measured.batch_ns.empty()) record["batch_ns"] = measured.batch_ns;
    if (measured.managed) {
      record["sample_collections"] = measured.sample_collections;
      record["sample_full_collections"] = measured.sample_full_collections;
    }
  }
  if (request.mode == Mode::count) {
    record["peak_live_bytes"] = measured.count.peak_live_bytes;
    record["total_bytes"] = measured.count.total_bytes;
    record["total_bytes_warm"] = measured.total_bytes_warm;
    record["calls"] = measured.count.calls;
  }
  if (request.mode == Mode::split) {
    record["sample_cpu_ns"] = measured.sample_cpu_ns;
    record["minor_faults"] = measured.usage.minor_faults;
    record["first_touch"] = {{"ns", measured.first_touch_ns},
                             {"pages", measured.first_touch_pages}};
  }
  if (request.mode == Mode::presence) {
    Json objects = Json::array(), bytes = Json::array();
    for (Presence const& each : measured.present) {
      objects.push_back(each.objects);
      bytes.push_back(each.bytes);
    }
    record["present_objects"] = std::move(objects);
    record["present_bytes"] = std::move(bytes);
  }
  if (request.mode == Mode::life) {
    record["rss_before_free_bytes"] = measured.rss_before_free_bytes;
    record["rss_after_free"] = measured.rss_after_free;
  }
  if (request.mode == Mode::pilot) {
    record["slice_units"] = measured.slice_units;
    record["slice_ns"] = measured.slice_ns;
  }
  std::string const text = record.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n';
  if (!write_all(text.data(), text.size())) {
    throw UserError(std::string("cannot write the record: ") + std::strerror(errno));
  }
}

}  // namespace churn::cell
