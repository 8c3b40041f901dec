#include "harness/run/planning.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <random>
#include <set>

#include "harness/core/error.hpp"
#include "harness/core/quantity.hpp"
#include "harness/run/memory_life.hpp"
#include "harness/run/names.hpp"
#include "harness/run/plan_cells.hpp"

namespace churn::run {
namespace {

constexpr char default_matrix[] = "quick";
// Beside its timed slices an invocation warms up, sets up and ends; back ends slower than the
// block's pilot cell take longer over the same units. From runs of the matrices that come with
// churn.
constexpr double invocation_per_timed_second = 1.3, invocation_overhead_seconds = 0.05;
constexpr double preparation_per_timed_second = 2.5, preparation_overhead_seconds = 0.3;
// Once more for floating garbage, where it is known: watched_work is a third of an invocation.
constexpr double watching_per_invocation = 0.4;
// Five invocations of a third of the work in each round, some of which take a new page for each old
// one.
constexpr double splitting_per_invocation = 2.5;
constexpr double least_seconds_per_invocation = 0.02;
constexpr std::uint32_t least_rounds_in_budget = 3;

std::vector<std::uint32_t> parse_threads(std::string const& text) {
  std::vector<std::uint32_t> result;
  std::size_t begin = 0;
  while (true) {
    std::size_t const comma = std::min(text.find(',', begin), text.size());
    std::string const part = text.substr(begin, comma - begin);
    auto const value = parse_quantity(part, 1, most_threads);
    if (!value) {
      throw UserError("--threads " + text + ": \"" + part + "\" is not a number from 1 to " +
                      std::to_string(most_threads));
    }
    result.push_back(static_cast<std::uint32_t>(*value));
    if (comma == text.size()) return result;
    begin = comma + 1;
  }
}

std::vector<store::Named> parse_option(char const* option, std::string const& text) {
  try {
    if (text == everything) return {{std::string(everything), {}}};
    return parse_names(text);
  } catch (UserError const& error) {
    throw UserError(std::string(option) + " " + error.what());
  }
}

bool names_an_axis(Wish const& wish) {
  return wish.allocators || wish.collectors || wish.workloads || wish.threads ||
         !wish.heaps.empty();
}

Matrix single_cell(Wish const& wish) {
  if (wish.matrix || names_an_axis(wish)) {
    throw UserError("--cell names everything already; leave out --matrix and the axes");
  }
  store::CellKey const key = parse_cell(*wish.cell);
  Matrix matrix;
  Star star;
  star.allocators = {key.allocator};
  if (!key.collector.name.empty()) star.collectors = {key.collector};
  star.workloads = {key.workload};
  if (key.threads != 0) star.threads = {key.threads};
  star.heap_limit_bytes = key.heap_limit_bytes;
  matrix.stars.push_back(std::move(star));
  return matrix;
}

// Without a workload: all, and with a collector or a heap limit all that are managed.
std::vector<store::Named> default_workloads(Wish const& wish, Surroundings const& surroundings) {
  std::set<store::Named> result;
  for (auto const& program : surroundings.programs) {
    bool const managed = !program.collector.empty();
    if ((wish.collectors || !wish.heaps.empty()) && !managed) continue;
    for (auto const& each : program.workloads) {
      if (!each.reads_file) result.insert({each.name, {}});  // it has nothing to read here
    }
  }
  return {result.begin(), result.end()};
}

// The matrix with the axes that were named in place of its own.
Matrix chosen_matrix(Wish const& wish, Surroundings const& surroundings) {
  if (wish.cell) return single_cell(wish);
  Matrix matrix;
  if (wish.matrix || !names_an_axis(wish)) {
    matrix = find_matrix(wish.matrix.value_or(default_matrix));
  } else {
    matrix.stars.emplace_back();
    matrix.stars.back().workloads = default_workloads(wish, surroundings);
  }
  for (Star& star : matrix.stars) {
    if (wish.allocators) star.allocators = parse_option("--allocator", *wish.allocators);
    if (wish.collectors) star.collectors = parse_option("--collector", *wish.collectors);
    if (wish.workloads) star.workloads = parse_option("--workload", *wish.workloads);
    if (wish.threads) star.threads = parse_threads(*wish.threads);
  }
  return matrix;
}

bool any_runs(std::vector<PlannedCell const*> const& cells) {
  return std::any_of(cells.begin(), cells.end(),
                     [](auto const* each) { return each->why_not.empty(); });
}

// What was named by hand must have something to run: `belongs` picks a name's cells.
template <class Belongs>
void demand(std::vector<PlannedCell> const& cells, std::string const& name, Belongs&& belongs) {
  std::vector<PlannedCell const*> own;
  for (auto const& each : cells) {
    if (belongs(each)) own.push_back(&each);
  }
  if (own.empty() || any_runs(own)) return;
  throw UserError(name + " has nothing to run: " + store::spelled(own.front()->key) + ": " +
                  own.front()->why_not);
}

bool is_managed(store::Named const& workload) { return workload.name.starts_with("managed/"); }

void demand_managed(Matrix const& matrix, std::string const& option) {
  std::string malloc_workload;
  for (Star const& star : matrix.stars) {
    for (auto const& each : star.workloads) {
      if (is_managed(each) || each.name == everything) return;
      malloc_workload = each.name;
    }
  }
  throw UserError(option + " is for managed workloads; " + malloc_workload +
                  " calls malloc and free itself and has no managed heap");
}

void demand_what_was_named(Wish const& wish, Matrix const& matrix,
                           std::vector<PlannedCell> const& cells) {
  if (wish.collectors) demand_managed(matrix, "--collector");
  if (!wish.heaps.empty()) demand_managed(matrix, "--heap");
  if (matrix.stars.empty()) return;
  Star const& star = matrix.stars.front();
  if (wish.cell || wish.allocators) {
    for (auto const& named : star.allocators) {
      demand(cells, named.name, [&](auto const& cell) { return cell.key.allocator == named; });
    }
  }
  if (wish.cell || wish.collectors) {
    for (auto const& named : star.collectors) {
      demand(cells, named.name,
             [&](auto const& cell) { return cell.key.collector.name == named.name; });
    }
  }
  if (wish.cell || wish.workloads) {
    for (auto const& named : star.workloads) {
      demand(cells, named.name,
             [&](auto const& cell) { return cell.key.workload.name == named.name; });
    }
  }
  if (wish.cell || wish.threads) {
    for (std::uint32_t const count : star.threads) {
      demand(cells, "--threads " + std::to_string(count),
             [&](auto const& cell) { return cell.key.threads == count; });
    }
  }
}

void keep_shard(Shard const& shard, std::vector<PlannedCell>& cells) {
  std::erase_if(cells,
                [&](auto const& each) { return each.block % shard.count != shard.index - 1; });
}

void keep_filtered(std::string const& filter, std::vector<PlannedCell>& cells) {
  std::string const example = cells.empty() ? "" : store::spelled(cells.front().key);
  bool const is_pattern = filter.find_first_of("*?[") != std::string::npos;
  std::erase_if(cells, [&](auto const& each) {
    std::string const text = store::spelled(each.key);
    if (is_pattern) return fnmatch(filter.c_str(), text.c_str(), 0) != 0;
    return text.find(filter) == std::string::npos;
  });
  if (cells.empty()) {
    throw UserError("--filter " + filter + " leaves no cell; cells are spelled like " + example);
  }
}

bool is_split(PlannedCell const& cell) { return cell.why_not.empty() && cell.why_no_split.empty(); }

void demand_a_split(std::vector<PlannedCell> const& cells) {
  if (std::any_of(cells.begin(), cells.end(), is_split)) return;
  std::string text = "--overhead-split: no cell can be split";
  for (auto const& each : cells) {
    std::string const& why = each.why_not.empty() ? each.why_no_split : each.why_not;
    if (&each == &cells.front()) text += "; " + store::spelled(each.key) + ": " + why;
  }
  throw UserError(text);
}

void look_at_life(std::vector<PlannedCell>& cells) {
  bool any = false;
  for (auto& each : cells) {
    each.memory_life = each.key.collector.name.empty();
    any |= each.memory_life;
  }
  if (!any) {
    throw UserError("--memory-life: it is asked of malloc, and no cell is of a malloc workload");
  }
}

// As a report looks for it.
bool is_baseline(std::string const& baseline, PlannedCell const& cell) {
  std::string const allocator = store::spelled(cell.key.allocator);
  std::string const collector = store::spelled(cell.key.collector);
  return baseline == allocator || baseline == collector || baseline == allocator + "/" + collector;
}

// glibc where several allocators stand against each other, refcount where only collectors do; else
// the first of them.
std::string default_baseline(std::vector<PlannedCell> const& cells) {
  std::set<std::string> allocators, collectors;
  for (auto const& each : cells) {
    allocators.insert(store::spelled(each.key.allocator));
    if (!each.key.collector.name.empty()) collectors.insert(store::spelled(each.key.collector));
  }
  if (allocators.size() == 1 && collectors.size() > 1) {
    return collectors.contains("refcount") ? "refcount" : *collectors.begin();
  }
  return allocators.contains("glibc") || allocators.empty() ? "glibc" : *allocators.begin();
}

void check_baseline(std::string const& baseline, std::vector<PlannedCell> const& cells) {
  std::set<std::string> names;
  for (auto const& each : cells) {
    if (is_baseline(baseline, each)) return;
    names.insert(store::spelled(each.key.allocator));
    if (!each.key.collector.name.empty()) names.insert(store::spelled(each.key.collector));
  }
  throw UserError("the baseline \"" + baseline + "\" is not among what is measured" +
                  did_you_mean(baseline, {names.begin(), names.end()}));
}

// More rounds say more than longer ones, so time is added as rounds and only taken away as seconds
// once no round can go.
void fit_budget(double budget_seconds, bool rounds_given, Plan& plan) {
  if (!rounds_given) plan.rounds = least_rounds_in_budget;
  double const full = plan.seconds_per_invocation;
  plan.seconds_per_invocation = 0;
  double const fixed = estimated_seconds(plan);
  plan.seconds_per_invocation = full;
  double const scale = (budget_seconds - fixed) / (estimated_seconds(plan) - fixed);
  if (scale * full < least_seconds_per_invocation) {
    char text[160];
    std::snprintf(
        text, sizeof text,
        "the budget of %g s is too small for %zu cells: about %.0f s is the least; name "
        "fewer cells",
        budget_seconds, plan.cells.size(),
        std::ceil(fixed + (estimated_seconds(plan) - fixed) * least_seconds_per_invocation / full));
    throw UserError(text);
  }
  if (scale < 1 || rounds_given) {
    plan.seconds_per_invocation = std::min(full * scale, most_seconds);
    return;
  }
  while (plan.rounds < most_rounds) {
    ++plan.rounds;
    if (estimated_seconds(plan) <= budget_seconds) continue;
    --plan.rounds;
    return;
  }
}

// Half of what there is: the harness, page cache and a second process need the rest.
std::uint64_t default_memory_cap(std::uint64_t memory_bytes) { return memory_bytes / 2; }

}  // namespace

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

Shard parse_shard(std::string const& text) {
  std::size_t const slash = text.find('/');
  auto const index = parse_quantity(text.substr(0, slash), 1, UINT32_MAX);
  auto const count = slash == std::string::npos
                         ? std::nullopt
                         : parse_quantity(text.substr(slash + 1), 1, UINT32_MAX);
  if (!index || !count || *index > *count) {
    throw UserError("--shard " + text + " is not I/N with I from 1 to N, as in 1/4");
  }
  return {static_cast<std::uint32_t>(*index), static_cast<std::uint32_t>(*count)};
}

double parse_duration_seconds(std::string const& text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string const unit(end, text.data() + text.size());
  double factor = 0;
  if (unit == "ms") factor = 1e-3;
  if (unit == "s") factor = 1;
  if (unit == "m" || unit == "min") factor = 60;
  if (unit == "h") factor = 3600;
  double const seconds = value * factor;
  if (error != std::errc() || factor == 0 || !(seconds > 0) || seconds > 30 * 86400.0) {
    throw UserError("\"" + text + "\" is not a length of time; write 90s, 5m or 1.5h");
  }
  return seconds;
}

double estimated_seconds(Plan const& plan) {
  std::set<std::uint64_t> blocks;
  double cells = 0, watched = 0, split = 0, lives = 0;
  for (auto const& each : plan.cells) {
    if (!each.why_not.empty()) continue;
    cells += 1;
    watched += each.garbage_is_known;
    lives += each.memory_life;
    split += plan.overhead_split && each.why_no_split.empty();
    blocks.insert(each.block);
  }
  double const timed = plan.seconds_per_invocation;
  double const invocation = timed * invocation_per_timed_second + invocation_overhead_seconds;
  double const preparation = timed * preparation_per_timed_second + preparation_overhead_seconds;
  return ((cells + split * splitting_per_invocation) * plan.rounds +
          watched * watching_per_invocation) *
             invocation +
         static_cast<double>(blocks.size()) * preparation + lives * memory_life_seconds;
}

Plan make_plan(Wish const& wish, Surroundings const& surroundings) {
  Matrix const matrix = chosen_matrix(wish, surroundings);
  Plan plan;
  plan.command = wish.command;
  plan.matrix = matrix.name;
  plan.rounds = wish.rounds.value_or(matrix.rounds);
  plan.seconds_per_invocation = matrix.seconds;
  plan.samples = matrix.samples;
  plan.seed = wish.seed ? *wish.seed : random_seed();
  plan.memory_cap_bytes =
      wish.memory_cap_bytes.value_or(default_memory_cap(surroundings.memory_bytes));
  plan.time_limit_seconds = wish.time_limit_seconds.value_or(plan.time_limit_seconds);
  plan.overhead_split = wish.overhead_split;
  plan.dirty_heap = wish.dirty_heap;
  CellPlanner planner(surroundings);
  for (Star const& star : matrix.stars) planner.plan(planner.expanded(star), plan.cells);
  demand_what_was_named(wish, matrix, plan.cells);
  bool const own = wish.baseline.has_value();
  plan.baseline = own                       ? *wish.baseline
                  : matrix.baseline.empty() ? default_baseline(plan.cells)
                                            : matrix.baseline;
  // An axis that was replaced may have lost the matrix's baseline; a report then chooses another.
  if (own || !names_an_axis(wish)) check_baseline(plan.baseline, plan.cells);
  if (!own && names_an_axis(wish) &&
      std::none_of(plan.cells.begin(), plan.cells.end(),
                   [&](auto const& each) { return is_baseline(plan.baseline, each); })) {
    plan.baseline = default_baseline(plan.cells);
  }
  keep_shard(wish.shard, plan.cells);
  if (wish.filter) keep_filtered(*wish.filter, plan.cells);
  if (wish.overhead_split) demand_a_split(plan.cells);
  if (wish.memory_life) look_at_life(plan.cells);
  if (wish.budget_seconds) {
    double const heaps = static_cast<double>(std::max<std::size_t>(wish.heaps.size(), 1));
    fit_budget(*wish.budget_seconds / heaps, wish.rounds.has_value(), plan);
  }
  return plan;
}

}  // namespace churn::run
