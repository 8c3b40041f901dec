#include "harness/cell/request.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "harness/core/error.hpp"
#include "harness/core/protocol.hpp"

namespace churn::cell {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t most_samples = 100'000;
constexpr std::uint64_t most_watch_ms = 60'000;
constexpr std::uint64_t most_units = std::uint64_t{1} << 40;

std::string read_all(std::string const& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path);
  if (!file) throw UserError("cannot read the request " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json const& member(Json const& object, char const* key) {
  auto const found = object.find(key);
  if (found == object.end()) throw UserError(std::string("the request has no key \"") + key + "\"");
  return *found;
}

std::uint64_t whole_number(Json const& object, char const* key, std::uint64_t standard,
                           std::uint64_t least, std::uint64_t most) {
  auto const found = object.find(key);
  if (found == object.end()) return standard;
  if (!found->is_number_unsigned() || *found < least || *found > most) {
    throw UserError(std::string("the request's \"") + key + "\" is " + found->dump() +
                    "; it takes a whole number from " + std::to_string(least) + " to " +
                    std::to_string(most));
  }
  return found->get<std::uint64_t>();
}

std::vector<Setting> settings(Json const& object, char const* key) {
  std::vector<Setting> result;
  auto const found = object.find(key);
  if (found == object.end()) return result;
  for (auto const& [name, value] : found->items()) {
    if (!value.is_number_integer()) {
      throw UserError("the request's parameter " + name + " is " + value.dump() +
                      "; it takes a whole number");
    }
    result.push_back({name, value.get<std::int64_t>()});
  }
  return result;
}

Mode parse_mode(std::string const& text) {
  std::string known;
  for (Mode const mode : modes) {
    if (name_of(mode) == text) return mode;
    known += (known.empty() ? "" : ", ") + std::string(name_of(mode));
  }
  throw UserError("the request's mode is \"" + text + "\"; there are " + known);
}

void check_protocol(Json const& json) {
  if (member(json, "protocol") == protocol_version) return;
  throw UserError("the request speaks protocol " + json["protocol"].dump() + ", this program " +
                  std::to_string(protocol_version) + ": build both from the same version of churn");
}

void check_threads(Entry const& entry, std::uint32_t threads) {
  WorkloadInfo const& info = *entry.info;
  if (threads >= info.min_threads && threads <= info.max_threads && threads % info.min_threads == 0)
    return;
  throw UserError(std::string(info.name) + " runs on " + std::to_string(info.min_threads) + " to " +
                  std::to_string(info.max_threads) + " threads in steps of " +
                  std::to_string(info.min_threads) + ", not on " + std::to_string(threads));
}

void read_library(Json const& json, Request& request) {
  auto const library = json.find("library");
  if (library == json.end()) return;
  request.prove = true;
  if (library->is_null()) return;
  request.library = LibraryFile{member(*library, "path").get<std::string>(),
                                member(*library, "device").get<std::uint64_t>(),
                                member(*library, "inode").get<std::uint64_t>()};
}

void read_turns(Json const& json, Request& request) {
  Json const& turns = member(json, "turns");
  request.turns.count = whole_number(turns, "count", 0, 1, most_samples);
  request.turns.place = static_cast<std::uint32_t>(whole_number(turns, "place", 0, 0, 1));
  request.turns.page = member(turns, "page").get<std::string>();
  request.turns.batches = turns.value("batches", false);
  if (request.samples % request.turns.count == 0) return;
  throw UserError("the request's samples (" + std::to_string(request.samples) +
                  ") are no multiple of its turns (" + std::to_string(request.turns.count) + ")");
}

// What runs, of all that a heap does.
Parts read_parts(Json const& json) {
  Parts parts{false, false, false};
  Json const& names = member(json, "parts");
  for (Json const& each : names) {
    std::string const name = each.get<std::string>();
    bool* const part = name == "allocation"    ? &parts.allocation
                       : name == "barriers"    ? &parts.barriers
                       : name == "reclamation" ? &parts.reclamation
                                               : nullptr;
    if (part == nullptr) {
      throw UserError("the request's \"parts\" have \"" + name +
                      "\"; there are allocation, barriers and reclamation");
    }
    *part = true;
  }
  if (parts.reclamation && !(parts.allocation && parts.barriers)) {
    throw UserError(
        "the request's \"parts\" have reclamation, which needs allocation and barriers");
  }
  return parts;
}

void read_extra(Json const& json, Request& request) {
  auto const found = json.find("extra");
  if (found == json.end()) return;
  constexpr std::uint64_t most_per_mille = 10'000;
  request.extra.per_mille =
      static_cast<std::uint32_t>(whole_number(*found, "per_mille", 0, 0, most_per_mille));
  request.extra.bytes = whole_number(*found, "bytes", 0, 0, std::uint64_t{1} << 40);
  std::string const shape =
      found->value("shape", std::string(name_of(ExtraShape::every_operation)));
  if (parse_extra_shape(shape, request.extra.shape)) return;
  throw UserError("the request's extra work has the shape \"" + shape + "\", which there is not");
}

Request from_json(Json const& json) {
  check_protocol(json);
  Request request;
  request.mode = parse_mode(json.value("mode", "time"));
  request.workload = member(json, "workload").get<std::string>();
  request.entry = &find_entry(request.workload);
  request.context.seed = whole_number(json, "seed", 1, 0, ~std::uint64_t{0});
  request.context.threads = static_cast<std::uint32_t>(whole_number(json, "threads", 1, 1, 1024));
  check_threads(*request.entry, request.context.threads);
  request.context.settings =
      filled_in(request.entry->info->parameters, settings(json, "parameters"), request.workload);
  request.context.file = json.value("file", "");
  if (!request.context.file.empty() && !request.entry->info->reads_file) {
    throw UserError(request.workload + " reads no file");
  }
  request.heap.heap_limit_bytes =
      whole_number(json, "heap_limit_bytes", 0, 0, std::uint64_t{1} << 46);
  if (program.collector != nullptr) {
    request.heap.settings =
        filled_in(program.collector->parameters, settings(json, "collector_parameters"),
                  program.collector->name);
  }
  request.samples = whole_number(json, "samples", 20, 1, most_samples);
  request.units = whole_number(json, "units", request.samples, 1, most_units);
  if (request.units % request.samples != 0) {
    throw UserError("the request's units (" + std::to_string(request.units) +
                    ") are no multiple of its samples (" + std::to_string(request.samples) + ")");
  }
  request.warmup_units = whole_number(json, "warmup_units", 0, 0, most_units);
  request.target_ns = whole_number(json, "target_ns", 30'000'000, 1, 60'000'000'000);
  read_library(json, request);
  request.cpus = json.value("cpus", std::vector<int>());
  if (request.mode == Mode::turns) read_turns(json, request);
  if (request.mode == Mode::split) request.heap.parts = read_parts(json);
  read_extra(json, request);
  request.dirty_heap = json.value("dirty_heap", false);
  request.keep_one_of =
      static_cast<std::uint32_t>(whole_number(json, "keep_one_of", 0, 0, 1'000'000));
  request.watch_ms = json.value("watch_ms", std::vector<std::uint64_t>{0});
  if (!std::is_sorted(request.watch_ms.begin(), request.watch_ms.end()) ||
      request.watch_ms.empty() || request.watch_ms.back() > most_watch_ms) {
    throw UserError("the request's \"watch_ms\" are not ascending from 0 to 60000");
  }
  return request;
}

}  // namespace

std::string_view name_of(Mode mode) noexcept {
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

std::vector<Setting> filled_in(std::span<ParameterInfo const> declared,
                               std::vector<Setting> const& given, std::string_view owner) {
  std::vector<Setting> result;
  for (auto const& parameter : declared) {
    result.push_back({std::string(parameter.name), parameter.standard});
  }
  for (auto const& each : given) {
    auto const at = std::find_if(declared.begin(), declared.end(),
                                 [&](ParameterInfo const& info) { return info.name == each.name; });
    if (at == declared.end()) {
      throw UserError(std::string(owner) + " has no parameter " + each.name);
    }
    if (each.value < at->minimum || each.value > at->maximum) {
      throw UserError(std::string(owner) + " takes " + each.name + " from " +
                      std::to_string(at->minimum) + " to " + std::to_string(at->maximum) +
                      ", not " + std::to_string(each.value));
    }
    result[static_cast<std::size_t>(at - declared.begin())].value = each.value;
  }
  return result;
}

Entry const& find_entry(std::string_view workload) {
  for (Entry const& entry : program.entries) {
    if (std::string(program.kind()).append(entry.info->name) != workload) continue;
    if (entry.make != nullptr) return entry;
    throw UserError(std::string(workload) + " does not apply here: " + std::string(entry.why_not));
  }
  throw UserError("this program has no workload " + std::string(workload) +
                  "; --describe lists them");
}

Request read_request(std::string const& path) {
  try {
    return from_json(Json::parse(read_all(path)));
  } catch (Json::exception const& problem) {
    throw UserError("the request " + path + " is not as the protocol says: " + problem.what());
  }
}

}  // namespace churn::cell
