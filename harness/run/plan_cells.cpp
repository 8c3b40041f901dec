#include "harness/run/plan_cells.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/core/error.hpp"
#include "harness/core/nearest.hpp"
#include "harness/core/quantity.hpp"
#include "harness/run/compiled_traces.hpp"
#include "harness/run/names.hpp"

namespace churn::run {
namespace {

constexpr std::string_view default_allocator = "glibc", default_collector = "refcount";
constexpr std::string_view collector_that_releases = "manual";

bool is_managed(std::string_view workload) { return workload.starts_with("managed/"); }

std::string in_words(std::uint32_t threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

std::uint32_t most_mutators(ProgramDescription const& program) {
  auto const found = program.traits.find("max_mutators");
  if (found == program.traits.end() || found->second < 0) return most_threads;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(found->second, most_threads));
}

void refuse_environment(store::Named const& named, std::string const& whose) {
  for (auto const& [key, value] : named.settings) {
    if (!is_environment(key)) continue;
    throw UserError(key + " of " + whose +
                    " is upper-case, so it would go to the environment; a "
                    "workload has lower-case parameters only");
  }
}

// The loader and churn itself read these; a cell under another preload would prove the wrong back
// end.
void refuse_reserved(store::Named const& named) {
  for (auto const& [key, value] : named.settings) {
    if (!key.starts_with("LD_") && !key.starts_with("CHURN_")) continue;
    throw UserError(key + " of " + named.name +
                    " cannot be set: variables that begin with LD_ or CHURN_ are churn's own");
  }
}

std::vector<std::string> names_of(std::vector<Parameter> const& parameters) {
  std::vector<std::string> names;
  for (auto const& each : parameters) names.push_back(each.name);
  return names;
}

std::string listed(std::vector<std::string> const& names) {
  std::string text;
  for (auto const& each : names) text += (text.empty() ? "" : ", ") + each;
  return text.empty() ? "none" : text;
}

std::int64_t checked_value(Parameter const& parameter, std::string const& text,
                           std::string const& whose) {
  std::string const shown = parameter.name + "=" + text + " of " + whose;
  if (!parameter.words.empty()) {
    auto const found = std::find(parameter.words.begin(), parameter.words.end(), text);
    if (found != parameter.words.end()) return found - parameter.words.begin();
    throw UserError(shown + " is none of " + listed(parameter.words) + " (" + parameter.summary +
                    ")");
  }
  auto const value = parse_quantity(text);
  if (!value) {
    throw UserError(shown + " is not a whole number; write it like 250, 10k, 4M or 64Mi");
  }
  if (*value < parameter.minimum || *value > parameter.maximum) {
    throw UserError(shown + " is out of bounds: from " + std::to_string(parameter.minimum) +
                    " to " + std::to_string(parameter.maximum) + " (" + parameter.summary + ")");
  }
  return *value;
}

// As it is written in a setting. pre: the value was checked
std::string spelled(Parameter const& parameter, std::int64_t value) {
  if (parameter.words.empty()) return std::to_string(value);
  return parameter.words[static_cast<std::size_t>(value)];
}

}  // namespace

std::string did_you_mean(std::string const& name, std::vector<std::string> const& known) {
  std::vector<std::string> close = nearest(name, known);
  for (auto const& each : known) {  // the kind left out: larson for malloc/larson
    if (close.empty() && each.ends_with("/" + name)) close.push_back(each);
  }
  std::string text;
  for (std::size_t i = 0; i < close.size(); ++i) {
    text += (i == 0 ? "; did you mean " : i + 1 == close.size() ? " or " : ", ") + close[i];
  }
  return text.empty() ? text : text + "?";
}

std::map<std::string, std::int64_t> filled_in(std::vector<Parameter> const& parameters,
                                              store::Named const& named, std::string const& whose) {
  std::map<std::string, std::int64_t> values;
  for (auto const& each : parameters) values[each.name] = each.standard;
  for (auto const& [key, text] : named.settings) {
    if (is_environment(key)) continue;
    auto const found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](auto const& each) { return each.name == key; });
    if (found == parameters.end()) {
      std::vector<std::string> const known = names_of(parameters);
      throw UserError(whose + " has no parameter " + key + did_you_mean(key, known) +
                      " (its parameters: " + listed(known) + ")");
    }
    values[key] = checked_value(*found, text, whose);
  }
  return values;
}

Star CellPlanner::expanded(Star const& star) const {
  auto const expand = [](std::vector<store::Named> const& axis,
                         std::vector<std::string> const& all) {
    std::vector<store::Named> result;
    for (auto const& each : axis) {
      if (each.name != everything) {
        result.push_back(each);
        continue;
      }
      if (!each.settings.empty()) throw UserError("* stands for everything and takes no settings");
      for (auto& name : all) result.push_back({name, {}});
    }
    return result;
  };
  std::vector<std::string> allocators, collectors;
  std::set<std::string> workloads;
  for (auto const& each : surroundings_.catalogue->all()) allocators.push_back(each.name);
  for (auto const& each : surroundings_.programs) {
    if (!each.collector.empty()) collectors.push_back(each.collector);
    for (auto const& workload : each.workloads) workloads.insert(workload.name);
  }
  Star result = star;
  result.allocators = expand(star.allocators, allocators);
  result.collectors = expand(star.collectors, collectors);
  result.workloads = expand(star.workloads, {workloads.begin(), workloads.end()});
  if (result.allocators.empty()) result.allocators = {{std::string(default_allocator), {}}};
  if (result.collectors.empty()) result.collectors = {{std::string(default_collector), {}}};
  return result;
}

void CellPlanner::plan(Star const& star, std::vector<PlannedCell>& cells) {
  std::set<store::CellKey> known;
  for (auto const& each : cells) known.insert(each.key);
  for (auto const& workload_name : star.workloads) {
    Workload const workload = this->workload(workload_name);
    bool const managed = is_managed(workload.key.name);
    std::vector<Collector> collectors;
    if (managed) {
      for (auto const& each : star.collectors) collectors.push_back(collector(each));
    } else {
      collectors.push_back({&program_of(""), {}, {}, {}});
    }
    std::vector<std::uint32_t> threads = star.threads;
    if (threads.empty()) threads = {workload.description->min_threads};
    for (std::uint32_t const count : threads) {
      for (auto const& named : star.allocators) {
        Allocator const& allocator = this->allocator(named);
        for (auto const& collector : collectors) {
          PlannedCell planned =
              cell(allocator, collector, workload, count, managed ? star.heap_limit_bytes : 0);
          if (!known.insert(planned.key).second) continue;
          planned.memory_life = star.memory_life && !managed;
          planned.block = block_of(planned, cells);
          cells.push_back(std::move(planned));
        }
      }
    }
  }
}

CellPlanner::Allocator const& CellPlanner::allocator(store::Named const& named) {
  if (auto const found = allocators_.find(named); found != allocators_.end()) {
    return found->second;
  }
  refuse_reserved(named);
  Allocator result{named, {}, {}};
  auto const& all = surroundings_.catalogue->all();
  auto const info = std::find_if(all.begin(), all.end(),
                                 [&](auto const& each) { return each.name == named.name; });
  if (info != all.end() && !info->available) {
    result.resolved.info = *info;
    result.why_not = info->why_not;
  } else {
    result.resolved = surroundings_.catalogue->resolve(named.name, named.settings);
  }
  return allocators_.emplace(named, std::move(result)).first->second;
}

ProgramDescription const& CellPlanner::program_of(std::string const& collector) {
  std::vector<std::string> known;
  for (auto const& each : surroundings_.programs) {
    if (each.collector == collector) return each;
    if (!each.collector.empty()) known.push_back(each.collector);
  }
  if (collector.find('/') == std::string::npos) {
    throw UserError("there is no collector \"" + collector + "\"" + did_you_mean(collector, known) +
                    " (`churn list collectors` shows all)");
  }
  auto found = programs_elsewhere_.find(collector);
  if (found == programs_elsewhere_.end()) {
    found = programs_elsewhere_.emplace(collector, describe_program(collector)).first;
  }
  if (found->second.collector.empty()) {
    throw UserError(collector + " is a cell program without a collector");
  }
  return found->second;
}

CellPlanner::Collector CellPlanner::collector(store::Named const& named) {
  refuse_reserved(named);
  Collector result{&program_of(named.name), {named.name, {}}, {}, {}};
  result.parameters = filled_in(result.program->parameters, named, named.name);
  for (auto const& each : result.program->parameters) {
    std::int64_t const value = result.parameters.at(each.name);
    if (value != each.standard) result.key.settings[each.name] = spelled(each, value);
  }
  for (auto const& [key, value] : named.settings) {
    if (!is_environment(key)) continue;
    result.environment[key] = value;
    result.key.settings[key] = value;
  }
  bool const varies = std::any_of(
      result.program->varies_with.begin(), result.program->varies_with.end(),
      [&](std::string const& variable) { return result.environment.contains(variable); });
  if (varies) result.program = &variant(*result.program, result.environment);
  return result;
}

// What a collector promises in an environment, it says itself in that environment.
ProgramDescription const& CellPlanner::variant(
    ProgramDescription const& program, std::map<std::string, std::string> const& environment) {
  auto const key = std::pair(program.path, environment);
  auto found = variants_.find(key);
  if (found == variants_.end()) {
    found = variants_.emplace(key, describe_program(program.path, environment)).first;
  }
  return found->second;
}

CellPlanner::Workload CellPlanner::workload(store::Named const& named) {
  std::string const base = without_file(named.name);
  std::vector<std::string> known;
  for (auto const& program : surroundings_.programs) {
    for (auto const& each : program.workloads) {
      if (each.name != base) {
        if (std::find(known.begin(), known.end(), each.name) == known.end()) {
          known.push_back(each.name);
        }
        continue;
      }
      refuse_environment(named, named.name);
      Workload result{
          &each, {named.name, {}}, filled_in(each.parameters, named, named.name), {}, 0};
      for (auto const& [key, value] : result.parameters) {
        auto const found = std::find_if(each.parameters.begin(), each.parameters.end(),
                                        [&](auto const& known) { return known.name == key; });
        result.key.settings[key] = spelled(*found, value);
      }
      if (base != named.name) read_file_of(result, named.name.substr(base.size() + 1));
      return result;
    }
  }
  throw UserError("there is no workload \"" + named.name + "\"" + did_you_mean(named.name, known) +
                  " (`churn list workloads` shows all)");
}

// A path of the user's, or the name of a trace that comes with churn.
void CellPlanner::read_file_of(Workload& workload, std::string const& file) {
  if (!workload.description->reads_file) {
    throw UserError(workload.description->name + " reads no file; leave out \":" + file + "\"");
  }
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path path = fs::absolute(file, error);
  if (!fs::exists(path, error) && file.find('/') == std::string::npos) {
    bool const is_trace = workload.description->name == trace_workload;
    fs::path const ours = fs::path(surroundings_.traces) / (file + (is_trace ? ".trace" : ".csv"));
    if (fs::exists(ours, error)) path = ours;
  }
  workload.file = path.lexically_normal();
  if (workload.description->name != trace_workload) return;
  auto found = lanes_.find(workload.file);
  if (found == lanes_.end()) {
    found = lanes_.emplace(workload.file, CompiledTraces::threads_of(workload.file)).first;
  }
  workload.most_threads = found->second;
}

PlannedCell CellPlanner::cell(Allocator const& allocator, Collector const& collector,
                              Workload const& workload, std::uint32_t threads,
                              std::uint64_t heap_bytes) const {
  ProgramDescription const& program = *collector.program;
  PlannedCell result;
  result.key = {allocator.key, collector.key, workload.key, threads, heap_bytes};
  result.oversubscribed = threads > surroundings_.cores;
  result.program = program.path;
  result.library = allocator.resolved.info.library;
  result.environment = allocator.resolved.environment;
  result.environment.insert(collector.environment.begin(), collector.environment.end());
  result.parameters = workload.parameters;
  result.collector_parameters = collector.parameters;
  result.op = workload.description->op;
  result.file = workload.file;
  result.why_unranked = workload.description->why_unranked;
  if (is_managed(workload.key.name)) {
    // Objects in cycles never die where nobody looks for cycles, unless the workload releases them.
    bool const leaks = workload.description->makes_cycles && !program.has("cycles") &&
                       !program.has("manual_release");
    result.reclaims = program.has("reclaims") && !leaks;
  }
  bool const from_malloc = program.collector.empty() || program.has("cells_from_malloc");
  if (from_malloc && !allocator.resolved.info.reuses) result.reclaims = false;
  choose_reference(result, workload);
  result.garbage_is_known = is_managed(workload.key.name) && result.reference_counts_live &&
                            program.has("reports_objects") && !program.has("manual_release");
  result.why_no_split = why_no_split(result, program);
  result.why_not = why_not(result, allocator, collector, workload);
  return result;
}

std::string CellPlanner::why_no_split(PlannedCell const& cell, ProgramDescription const& program) {
  if (!is_managed(cell.key.workload.name)) return "there is no collector";
  auto const reason = program.no_split.find(cell.key.workload.name);
  if (reason != program.no_split.end()) return reason->second;
  if (cell.key.threads != 1) return "it is measured with one thread";
  return "";
}

std::string CellPlanner::why_not(PlannedCell const& cell, Allocator const& allocator,
                                 Collector const& collector, Workload const& workload) const {
  ProgramDescription const& program = *collector.program;
  WorkloadDescription const& shape = *workload.description;
  std::uint32_t const threads = cell.key.threads;
  if (!allocator.why_not.empty()) return allocator.why_not;
  auto const known = std::find_if(program.workloads.begin(), program.workloads.end(),
                                  [&](auto const& each) { return each.name == shape.name; });
  if (known == program.workloads.end()) return program.path + " has no workload " + shape.name;
  if (auto const reason = program.not_applicable.find(shape.name);
      reason != program.not_applicable.end()) {
    return reason->second;
  }
  if (!program.collector.empty() && !program.has("cells_from_malloc") &&
      allocator.key != store::Named{std::string(default_allocator), {}}) {
    return collector.key.name +
           " takes no cells from malloc, so the allocator makes no "
           "difference; it is measured with " +
           std::string(default_allocator);
  }
  if (workload.most_threads != 0 && threads > workload.most_threads) {
    return workload.key.name + " has no more than " + in_words(workload.most_threads) + " at once";
  }
  if (threads < shape.min_threads || threads > shape.max_threads ||
      threads % shape.min_threads != 0) {
    std::string text = shape.name + " runs with " + std::to_string(shape.min_threads);
    if (shape.max_threads > shape.min_threads) {
      text += " to " + std::to_string(shape.max_threads);
    }
    text += shape.max_threads == 1 ? " thread" : " threads";
    if (shape.min_threads > 1) text += ", a multiple of " + std::to_string(shape.min_threads);
    return text + ", not with " + in_words(threads);
  }
  if (!program.collector.empty() && threads > most_mutators(program)) {
    return collector.key.name + " takes at most " + std::to_string(most_mutators(program)) +
           (most_mutators(program) == 1 ? " mutator" : " mutators") + ", not " + in_words(threads);
  }
  return "";
}

// The counting pass needs a program that gives the right checksum, and best one that frees each
// object when it dies, so that what is live is known.
void CellPlanner::choose_reference(PlannedCell& cell, Workload const& workload) const {
  cell.reference_program = cell.program;
  if (!is_managed(workload.key.name)) return;
  auto const fits = [&](ProgramDescription const& program) {
    bool const knows =
        std::any_of(program.workloads.begin(), program.workloads.end(),
                    [&](auto const& each) { return each.name == workload.key.name; });
    return knows && !program.collector.empty() && program.has("cells_from_malloc") &&
           !program.not_applicable.contains(workload.key.name) &&
           cell.key.threads <= most_mutators(program);
  };
  ProgramDescription const* chosen = nullptr;
  int best = 0;
  for (auto const& program : surroundings_.programs) {
    if (!fits(program)) continue;
    int rank = 1;
    if (program.has("reclaims")) rank = 2;
    if (program.collector == default_collector) rank = 3;
    if (program.collector == collector_that_releases && workload.description->disposes) rank = 4;
    if (rank > best) {
      best = rank;
      chosen = &program;
    }
  }
  cell.reference_counts_live = best == 4;
  if (chosen != nullptr) cell.reference_program = chosen->path;
}

std::uint64_t CellPlanner::block_of(PlannedCell const& cell,
                                    std::vector<PlannedCell> const& cells) const {
  std::uint64_t next = 0;
  for (auto const& each : cells) {
    if (each.key.workload == cell.key.workload && each.key.threads == cell.key.threads &&
        each.key.heap_limit_bytes == cell.key.heap_limit_bytes) {
      return each.block;
    }
    next = std::max(next, each.block + 1);
  }
  return next;
}

}  // namespace churn::run
