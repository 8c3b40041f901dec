// What:  a gate's verdict from what is stored of it alone: its limits and its pairs.
// Why:   the same function gives the verdict when the gate ends and whenever it is asked again, so
//        that a verdict can be checked long after, by somebody else.
// Errors: UserError where the run is no gate.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/gate/judge.hpp"
#include "results/store/store.hpp"

namespace churn::gate {

struct Replay {
  store::Gate gate;
  store::Run run;
  Rule rule;
  std::vector<store::GateCell> cells;
  std::vector<CellEvidence> evidence;
  Judgement judgement;  // of `cells`, in their order
  // As rows.
  std::vector<store::GateLook> looks;
  std::vector<store::GateVerdict> verdicts;
  // Of each cell with a regression; decides nothing.
  std::vector<std::vector<store::GateExplanation>> explanations;
};

// 0: the newest gate.
Replay replay(store::Store& store, std::int64_t run_id);

// What the store holds of an earlier judgement and this one contradicts; empty: they agree, or
// there was none.
std::string disagreement(store::Store& store, Replay const& replay);

}  // namespace churn::gate
