#include "harness/gate/resampling.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/core/check.hpp"
#include "harness/core/random.hpp"

namespace churn::gate {

Outcomes sum_up(std::vector<CellOutcome> const& found, double limit_seconds) {
  Outcomes result;
  std::vector<double> seconds;
  for (CellOutcome const& each : found) {
    ++result.draws;
    result.mean_seconds += each.seconds;
    result.passes += each.verdict == Verdict::pass;
    result.inconclusive += each.verdict == Verdict::inconclusive;
    result.unmeasured += each.verdict == Verdict::unmeasured;
    if (each.verdict != Verdict::regression) continue;
    ++result.regressions;
    result.in_time += limit_seconds == 0 || each.seconds <= limit_seconds;
    seconds.push_back(each.seconds);
  }
  if (result.draws != 0) result.mean_seconds /= static_cast<double>(result.draws);
  if (seconds.empty()) return result;
  auto const count = static_cast<double>(seconds.size());
  result.mean_found_seconds = std::accumulate(seconds.begin(), seconds.end(), 0.0) / count;
  std::sort(seconds.begin(), seconds.end());
  result.found_seconds_99 = seconds[static_cast<std::size_t>(std::ceil(0.99 * count)) - 1];
  return result;
}

namespace {

// A pair that comes again is moved by nothing that counts: exact tests of tied values take minutes.
TimedEvidence taken(std::vector<TimedEvidence> const& pool, std::size_t index) {
  TimedEvidence pair = pool[index % pool.size()];
  double const again = 1e-12 * static_cast<double>(index / pool.size());
  pair.evidence.steady += again;
  pair.evidence.total += again;
  return pair;
}

}  // namespace

Outcomes resample(CellGate const& gate, std::vector<TimedEvidence> const& pairs,
                  std::vector<TimedEvidence> const& response, std::uint64_t draws,
                  std::uint64_t seed, double limit_seconds) {
  CHURN_CHECK(!pairs.empty() && (!response.empty() || !needs_response(gate.protocol)));
  Random random(seed);
  std::vector<CellOutcome> found;
  for (std::uint64_t draw = 0; draw < draws; ++draw) {
    std::size_t at = random.below(pairs.size());
    std::size_t response_at = response.empty() ? 0 : random.below(response.size());
    auto const outcome = run_through(gate, [&](std::uint32_t stage) {
      auto const& pool = stage == response_stage_number ? response : pairs;
      std::size_t& next = stage == response_stage_number ? response_at : at;
      return std::optional(taken(pool, next++));
    });
    CHURN_CHECK(outcome);
    found.push_back(*outcome);
  }
  return sum_up(found, limit_seconds);
}

}  // namespace churn::gate
