// What:  what a gate would have said of a cell, many times over: each draw takes consecutive stored
//        pairs from a random place on, as a gate takes them one after the other, and sends them all
//        the way through the rule.
// Why:   a rate of 0.1 % needs thousands of gates to be seen; measured one by one they would take
//        days. Consecutive, since pairs of the same minute have more in common than others.
// When not: as a proof that a rate is nought: the draws share the pairs. Their limits are those of
//        the draws, given the pairs; gates that were run through have limits of their own.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/gate/cell_gate.hpp"

namespace churn::gate {

struct Outcomes {
  std::uint64_t draws = 0, regressions = 0, passes = 0, inconclusive = 0, unmeasured = 0;
  std::uint64_t in_time = 0;  // regressions within the limit
  double mean_seconds = 0;    // of all draws
  // Of those that were called regressions; 0 without any. 99: in 99 of 100 it took no longer.
  double mean_found_seconds = 0, found_seconds_99 = 0;
};

// Over all of `found`, none of which is empty of pairs; limit_seconds 0: none.
Outcomes sum_up(std::vector<CellOutcome> const& found, double limit_seconds);

// `response`: of the baseline against itself, doing more; used where the protocol needs it.
// pre: there is a pair, and one of the response where it is needed
Outcomes resample(CellGate const& gate, std::vector<TimedEvidence> const& pairs,
                  std::vector<TimedEvidence> const& response, std::uint64_t draws,
                  std::uint64_t seed, double limit_seconds);

}  // namespace churn::gate
