#include "harness/gate/resume.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "harness/core/error.hpp"
#include "harness/gate/session.hpp"

namespace churn::gate {
namespace {

std::uint64_t first_start_ns(store::Store& store, std::int64_t run_id) {
  std::uint64_t first_ns = 0;
  store.each_invocation(run_id, false, [&](store::Invocation const& each) {
    if (first_ns == 0 || each.started_ns < first_ns) first_ns = each.started_ns;
  });
  return first_ns;
}

void refuse_if_changed(std::string const& path, std::uint64_t began_ns) {
  if (path.empty()) return;
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    throw UserError(path + " is gone since the gate began; measure anew");
  }
  auto const changed_ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                          static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  if (changed_ns <= began_ns) return;
  throw UserError(path + " has changed since the gate began; measure anew");
}

bool says_more_than_sides(Wish const& typed) {
  run::Wish const& axes = typed.axes;
  Wish const none;
  return axes.matrix || axes.allocators || axes.collectors || axes.workloads || axes.threads ||
         axes.filter || axes.seed || axes.time_limit_seconds ||
         typed.cell_budget_seconds != none.cell_budget_seconds ||
         to_limits(typed.rule) != to_limits(none.rule);
}

}  // namespace

std::int64_t gate_to_resume(store::Store& store) {
  auto const runs = store.runs();
  for (auto each = runs.rbegin(); each != runs.rend(); ++each) {
    if (each->kind == "gate" && !each->finished) return each->id;
  }
  return store.gate(0).run_id;
}

GatePlan stored_plan(store::Store& store, std::int64_t run_id) {
  store::Gate const gate = store.gate(run_id);
  GatePlan result;
  result.plan = run::plan_from_json(store.run(run_id).plan);
  result.baseline = gate.baseline;
  result.candidate = gate.candidate;
  result.rule = from_limits(gate.limits);
  if (auto const found = gate.limits.find(budget_limit); found != gate.limits.end()) {
    result.cell_budget_seconds = found->second;
  }
  std::map<std::int64_t, std::size_t> places;
  for (store::Cell const& cell : store.cells(run_id)) places.emplace(cell.id, places.size());
  if (places.size() != result.plan.cells.size()) {
    throw UserError("run " + std::to_string(run_id) +
                    " was interrupted before it began to measure; measure anew");
  }
  for (store::GateCell const& row : store.gate_cells(run_id)) {
    Pairing pairing{row.name, {}, places.at(row.candidate_cell_id)};
    if (row.baseline_cell_id) pairing.baseline = places.at(*row.baseline_cell_id);
    result.pairings.push_back(std::move(pairing));
  }
  result.commands = std::any_of(result.plan.cells.begin(), result.plan.cells.end(), [](auto& cell) {
    return cell.key.workload.name == command_workload;
  });
  return result;
}

void check_same_sides(Wish const& typed, GatePlan const& stored) {
  if (says_more_than_sides(typed)) {
    throw UserError(
        "--resume goes on with the plan in the store; leave out everything but --db and the sides");
  }
  auto const same = [](std::string const& side, std::string const& kept) {
    return side.empty() || side == kept;
  };
  if (same(typed.baseline, stored.baseline) && same(typed.candidate, stored.candidate) &&
      same(typed.baseline_build, stored.baseline) &&
      same(typed.baseline_command, stored.baseline) &&
      same(typed.candidate_command, stored.candidate)) {
    return;
  }
  throw UserError("the gate in the store compares " + stored.candidate + " with " +
                  stored.baseline + "; leave out the sides to go on with it, or --resume");
}

void check_unchanged(GatePlan const& plan, store::Store& store, std::int64_t run_id) {
  if (plan.commands) return;  // a shell's words: what they run is not known
  std::uint64_t const began_ns = first_start_ns(store, run_id);
  if (began_ns == 0) return;
  for (run::PlannedCell const& cell : plan.plan.cells) {
    refuse_if_changed(cell.program, began_ns);
    refuse_if_changed(cell.library, began_ns);
  }
}

}  // namespace churn::gate
