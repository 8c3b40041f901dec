// What:  a gate from its first pair to its verdict: cells in random order, pairs until each
//        question has an answer or the budget is spent, alarms measured again, canaries between.
// Keeps: a pair is stored as soon as it is there, one transaction each; the verdict once all are.
//        An interrupted gate has no verdict.
// Budget: of one cell and one stage, in seconds; a cell with an alarm may use it twice. No pair is
//        begun that cannot bring the next look within it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/gate/judge.hpp"
#include "harness/gate/measurer.hpp"
#include "harness/gate/sides.hpp"
#include "results/store/store.hpp"

namespace churn::gate {

struct Moment {
  std::size_t cells_done = 0, cells = 0, pairs = 0;
  bool fresh = false;  // an alarm is being measured again
  std::string cell;
};

struct Means {
  Measurer* measurer = nullptr;
  std::function<void(Moment const&)> show = [](Moment const&) {};
};

// Among the stored limits; no verdict depends on it.
inline constexpr char budget_limit[] = "cell_budget_seconds";

// Adds the gate's rows to a run that was begun with the plan's cells in their order.
void begin_gate(GatePlan const& plan, store::Store& store, std::int64_t run_id);

// Goes on with what is stored of the run. False: interrupted. What was found is in the store, see
// replay.hpp.
bool run_gate(Means const& means, GatePlan const& plan, store::Store& store, std::int64_t run_id);

}  // namespace churn::gate
