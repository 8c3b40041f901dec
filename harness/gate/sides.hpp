// What:  from two sides as they are typed to the pairs of cells that a gate compares.
// Sides: two allocators, or two collectors (names with settings, or paths); the same cells of
//        another build; or two commands.
// Rules: a cell is compared where both sides can run it. Without a matrix or an axis the cells are
//        those of `quick` in which the axis of the sides varies. What the other build lacks is new.
//        What never gives memory back is left out: how much of it fits depends on the sides.
// Errors: UserError, before anything is measured: sides of different kinds, a side that is unknown,
//        nothing that both can run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/gate/rule.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/planning.hpp"

namespace churn::gate {

struct Wish {
  run::Wish axes;                   // matrix, axes, filter, seed, limits, command
  std::string baseline, candidate;  // names; with another build: empty
  std::string baseline_build;       // a build directory, or empty
  std::string baseline_command, candidate_command;
  double cell_budget_seconds = 20;
  Rule rule;
  // False: the default, which for two builds in the order that they were linked in is wider.
  bool tolerance_given = false, detect_given = false;
};

// Two builds of the same source differ by up to that, by where the linker put their loops.
inline constexpr double build_tolerance = 0.02, build_detect = 0.05;

// The workload of cells that are commands.
inline constexpr char command_workload[] = "command";

// Two of the plan's cells; no baseline: new.
struct Pairing {
  std::string name;  // without what the sides differ in
  std::optional<std::size_t> baseline;
  std::size_t candidate = 0;
};

struct GatePlan {
  run::Plan plan;  // its cells are the sides, its command, seed and limits the gate's
  std::vector<Pairing> pairings;
  std::string baseline, candidate;  // for people
  double cell_budget_seconds = 20;
  Rule rule;
  bool commands = false;              // the cells are commands: `program` is what a shell runs
  std::vector<std::string> left_out;  // cells that cannot be compared, with the reason
};

// `there` is what the other build has; null without one.
GatePlan plan_gate(Wish const& wish, run::Surroundings const& here, run::Surroundings const* there);

}  // namespace churn::gate
