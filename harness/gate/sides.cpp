#include "harness/gate/sides.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/gate/relink.hpp"
#include "harness/run/names.hpp"

namespace churn::gate {
namespace {

constexpr char default_matrix[] = "quick";
constexpr char keeps_all[] =
    "it never gives memory back, so how much it can run depends on memory and not on the rule";

enum class Axis { allocator, collector, build };

bool is_collector(std::string const& name, run::Surroundings const& here) {
  return std::any_of(here.programs.begin(), here.programs.end(), [&](auto const& each) {
    return !each.collector.empty() && each.collector == name;
  });
}

bool is_allocator(std::string const& name, run::Surroundings const& here) {
  auto const& all = here.catalogue->all();
  return std::any_of(all.begin(), all.end(), [&](auto const& each) { return each.name == name; });
}

// A path is a collector's program if it is called like one, else a malloc library.
Axis axis_of(std::string const& side, run::Surroundings const& here) {
  std::string const name = run::parse_name(side).name;
  if (is_allocator(name, here)) return Axis::allocator;
  if (is_collector(name, here)) return Axis::collector;
  std::size_t const slash = name.find_last_of('/');
  if (slash == std::string::npos) {
    throw UserError("there is neither an allocator nor a collector \"" + name +
                    "\"; `churn list` shows all, and a path needs a slash");
  }
  return name.substr(slash + 1).starts_with("churn-cell-") ? Axis::collector : Axis::allocator;
}

store::CellKey without(Axis axis, store::CellKey key) {
  if (axis == Axis::allocator) key.allocator = {};
  if (axis == Axis::collector) key.collector = {};
  return key;
}

std::string name_of(Axis axis, store::CellKey const& key) {
  if (axis == Axis::build) return store::spelled(key);
  std::string text;
  bool const managed = !key.collector.name.empty();
  if (axis == Axis::collector) text = store::spelled(key.allocator) + "/";
  if (axis == Axis::allocator && managed) text = store::spelled(key.collector) + "/";
  text += store::spelled(key.workload) + "@" + std::to_string(key.threads);
  if (key.heap_limit_bytes != 0) text += " in " + std::to_string(key.heap_limit_bytes) + " bytes";
  return text;
}

bool says_nothing(run::Wish const& wish) {
  return !wish.matrix && !wish.allocators && !wish.collectors && !wish.workloads && !wish.threads &&
         !wish.cell;
}

// The cells of a matrix, but for the axis, in which that axis varies.
std::set<store::CellKey> varied(Axis axis, run::Wish wish, run::Surroundings const& here) {
  wish.filter.reset();
  std::map<store::CellKey, std::set<store::CellKey>> found;
  for (auto const& cell : run::make_plan(wish, here).cells) {
    if (cell.why_not.empty()) found[without(axis, cell.key)].insert(cell.key);
  }
  std::set<store::CellKey> result;
  for (auto const& [key, cells] : found) {
    if (cells.size() > 1) result.insert(key);
  }
  return result;
}

class Planner {
 public:
  Planner(Wish const& wish, run::Surroundings const& here, run::Surroundings const* there)
      : wish_(wish), here_(here), there_(there) {
    result_.baseline = wish.baseline;
    result_.candidate = wish.candidate;
    result_.cell_budget_seconds = wish.cell_budget_seconds;
    result_.rule = wish.rule;
  }

  GatePlan run() {
    refuse_mixtures();
    widen_for_builds();
    check(result_.rule);
    if (!wish_.candidate_command.empty()) return commands();
    run::Wish axes = wish_.axes;
    bool const by_default = says_nothing(axes);
    if (by_default) axes.matrix = default_matrix;
    axis_ = wish_.baseline_build.empty() ? axis_of(wish_.baseline, here_) : Axis::build;
    if (axis_ != Axis::build && axis_of(wish_.candidate, here_) != axis_) {
      throw UserError(wish_.baseline + " and " + wish_.candidate +
                      " are an allocator and a collector; a gate compares two of a kind");
    }
    std::optional<std::set<store::CellKey>> wanted;
    if (by_default && axis_ != Axis::build) wanted = varied(axis_, axes, here_);
    run::Plan const candidate = plan_of(wish_.candidate, axes, here_);
    axes.seed = candidate.seed;  // both sides get the same input
    if (axis_ == Axis::build) {
      result_.baseline = wish_.baseline_build;
      result_.candidate = "this build";
      pair_up(same_cells(candidate), candidate, wanted);
    } else {
      pair_up(plan_of(wish_.baseline, axes, here_), candidate, wanted);
    }
    check_layouts();
    return std::move(result_);
  }

 private:
  void refuse_mixtures() const {
    bool const commands = !wish_.baseline_command.empty() || !wish_.candidate_command.empty();
    bool const names = !wish_.baseline.empty() || !wish_.candidate.empty();
    bool const build = !wish_.baseline_build.empty();
    if (commands + names + build != 1) {
      throw UserError(
          "a gate has two sides: --baseline and --candidate, or --baseline-build, or "
          "--baseline-command and --candidate-command");
    }
    if (commands && (wish_.baseline_command.empty() || wish_.candidate_command.empty())) {
      throw UserError("--baseline-command and --candidate-command go together");
    }
    if (names && (wish_.baseline.empty() || wish_.candidate.empty())) {
      throw UserError("--baseline and --candidate go together");
    }
    if (commands && wish_.rule.layouts > 0) {
      throw UserError("--rebuild links churn's own programs again, and no commands");
    }
    if (commands && wish_.rule.tails > 0) {
      throw UserError("--tails needs the batches of churn's own workloads; commands have none");
    }
    if (commands && !says_nothing(wish_.axes)) {
      throw UserError("two commands are one cell; leave out --matrix and the axes");
    }
  }

  void widen_for_builds() {
    if (wish_.baseline_build.empty()) return;
    result_.rule.builds = 1;
    if (result_.rule.layouts > 0) return;
    if (!wish_.tolerance_given) result_.rule.tolerance = build_tolerance;
    if (!wish_.detect_given)
      result_.rule.detect = std::max(build_detect, result_.rule.tolerance * 2);
  }

  void check_layouts() const {
    if (result_.rule.layouts == 0) return;
    for (auto const& cell : result_.plan.cells) {
      if (!build_directory_of(cell.program).empty()) continue;
      throw UserError("--rebuild: " + cell.program +
                      " cannot be linked again, since no build.ninja lies above it; give a build "
                      "directory, or leave out --rebuild and accept a tolerance of 2 %");
    }
  }

  run::Plan plan_of(std::string const& side, run::Wish axes, run::Surroundings const& where) const {
    if (axis_ == Axis::allocator && axes.allocators) {
      throw UserError("the sides are allocators already; leave out --allocator");
    }
    if (axis_ == Axis::collector && axes.collectors) {
      throw UserError("the sides are collectors already; leave out --collector");
    }
    if (axis_ == Axis::allocator) axes.allocators = side;
    if (axis_ == Axis::collector) axes.collectors = side;
    // A malloc workload has no collector: such stars of a matrix are not for these sides.
    run::Plan plan = run::make_plan(axes, where);
    std::erase_if(plan.cells, [&](auto const& cell) {
      return axis_ == Axis::collector && cell.key.collector.name.empty();
    });
    return plan;
  }

  // The candidate's cells as the other build has them: one by one, since a plan that names what it
  // lacks would be refused as a whole.
  run::Plan same_cells(run::Plan const& candidate) const {
    CHURN_CHECK(there_ != nullptr);
    run::Plan result;
    for (auto const& cell : candidate.cells) {
      run::Wish one;
      one.cell = store::spelled(cell.key);
      one.seed = candidate.seed;
      try {
        run::Plan const found = run::make_plan(one, *there_);
        result.cells.insert(result.cells.end(), found.cells.begin(), found.cells.end());
      } catch (UserError const&) {
        // It knows no such name or parameter, or cannot run the cell: the cell is new.
      }
    }
    return result;
  }

  void pair_up(run::Plan const& baseline, run::Plan const& candidate,
               std::optional<std::set<store::CellKey>> const& wanted) {
    result_.plan = candidate;
    result_.plan.cells.clear();
    result_.plan.memory_cap_bytes = candidate.memory_cap_bytes / 2;  // two processes at a time
    std::map<store::CellKey, run::PlannedCell const*> others;
    for (auto const& cell : baseline.cells) others[without(axis_, cell.key)] = &cell;
    for (auto const& cell : candidate.cells) {
      store::CellKey const key = without(axis_, cell.key);
      if (wanted && !wanted->contains(key)) continue;
      auto const other = others.find(key);
      bool const is_new =
          axis_ == Axis::build && (other == others.end() || !other->second->why_not.empty());
      std::string const why_not =
          is_new ? why_not_alone(cell)
                 : why_not_both(cell, other == others.end() ? nullptr : other->second);
      if (!why_not.empty()) {
        result_.left_out.push_back(name_of(axis_, cell.key) + ": " + why_not);
        continue;
      }
      add(cell, is_new ? nullptr : other->second);
    }
    if (!result_.pairings.empty()) return;
    throw UserError(
        "there is no cell that both sides can run" +
        (result_.left_out.empty() ? std::string() : "; for one, " + result_.left_out.front()));
  }

  static std::string why_not_alone(run::PlannedCell const& cell) {
    if (!cell.why_not.empty()) return cell.why_not;
    return cell.reclaims ? "" : keeps_all;
  }
  static std::string why_not_both(run::PlannedCell const& cell, run::PlannedCell const* other) {
    if (other == nullptr) return "the baseline has no such cell";
    std::string const own = why_not_alone(cell);
    return own.empty() ? why_not_alone(*other) : own;
  }

  void add(run::PlannedCell const& candidate, run::PlannedCell const* baseline) {
    Pairing pairing{name_of(axis_, candidate.key), {}, 0};
    auto& cells = result_.plan.cells;
    if (baseline != nullptr) {
      pairing.baseline = cells.size();
      cells.push_back(*baseline);
    }
    pairing.candidate = cells.size();
    cells.push_back(candidate);
    result_.pairings.push_back(std::move(pairing));
  }

  GatePlan commands() {
    run::Wish seeded;
    seeded.cell = "glibc/malloc/larson";  // only for the limits and the seed of a plan
    seeded.seed = wish_.axes.seed;
    seeded.memory_cap_bytes = wish_.axes.memory_cap_bytes;
    seeded.time_limit_seconds = wish_.axes.time_limit_seconds;
    seeded.command = wish_.axes.command;
    result_.plan = run::make_plan(seeded, here_);
    result_.plan.cells.clear();
    result_.plan.baseline.clear();
    for (std::string const& command : {wish_.baseline_command, wish_.candidate_command}) {
      run::PlannedCell cell;
      cell.key.allocator.name = command;
      cell.key.workload.name = command_workload;
      cell.program = command;
      cell.op = "one run of the command";
      result_.plan.cells.push_back(std::move(cell));
    }
    result_.pairings.push_back({"command", 0, 1});
    result_.commands = true;
    result_.baseline = wish_.baseline_command;
    result_.candidate = wish_.candidate_command;
    return std::move(result_);
  }

  Wish const& wish_;
  run::Surroundings const& here_;
  run::Surroundings const* there_;
  Axis axis_ = Axis::allocator;
  GatePlan result_;
};

}  // namespace

GatePlan plan_gate(Wish const& wish, run::Surroundings const& here,
                   run::Surroundings const* there) {
  return Planner(wish, here, there).run();
}

}  // namespace churn::gate
