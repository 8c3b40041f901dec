// What:  the whole way of one cell through a gate, pair by pair, whoever brings them: a machine, a
//        store, or chance. Looks, the second stage on fresh pairs, Holm over all cells.
// Why:   calibration needs the rule itself and no likeness of it: Pace, look_at and judge are what
//        a session runs.
// Differs from a session: canaries cost time here and have no say.
// Thread-safety: as the source of pairs.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "harness/gate/judge.hpp"

namespace churn::gate {

struct TimedEvidence {
  Evidence evidence;
  double seconds = 0;  // that the pair took
};

struct CellGate {
  Rule const& rule;
  double budget_seconds = 20;
  std::size_t cells = 200;     // of the whole gate; the others have nothing to hide
  double prepare_seconds = 0;  // before the first pair
  std::string_view protocol = {};
};

struct CellOutcome {
  Verdict verdict = Verdict::inconclusive;
  std::uint64_t pairs = 0;
  double seconds = 0;
};

// The next pair of a stage, 1 or 2, or one of the response's, 3; none ends everything.
inline constexpr std::uint32_t response_stage_number = 3;
using NextPair = std::function<std::optional<TimedEvidence>(std::uint32_t stage)>;

// None: there was no next pair before there was a verdict.
std::optional<CellOutcome> run_through(CellGate const& gate, NextPair const& next);

}  // namespace churn::gate
