#include "harness/gate/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/run/invoke.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::gate {
namespace {

using Counts = std::vector<std::uint64_t>;

std::uint64_t last_of(Counts const& counts) { return counts.empty() ? 0 : counts.back(); }

// Each sample with its share of what its turn did beside samples, which is booked to the last one.
std::vector<double> whole_samples(store::Invocation const& side, Clock clock) {
  if (clock == Clock::cpu && !side.sample_cpu_ns.empty()) {
    return {side.sample_cpu_ns.begin(), side.sample_cpu_ns.end()};
  }
  std::vector<double> result(side.sample_ns.begin(), side.sample_ns.end());
  if (side.turn_ns.empty()) return result;
  std::size_t const a_turn = side.sample_ns.size() / side.turn_ns.size();
  for (std::size_t turn = 0; turn < side.turn_ns.size(); ++turn) {
    auto const first = side.sample_ns.begin() + static_cast<std::ptrdiff_t>(turn * a_turn);
    auto const samples_ns =
        std::accumulate(first, first + static_cast<std::ptrdiff_t>(a_turn), std::uint64_t{0});
    if (side.turn_ns[turn] > samples_ns) {
      result[(turn + 1) * a_turn - 1] += static_cast<double>(side.turn_ns[turn] - samples_ns);
    }
  }
  return result;
}

double steady_ns(store::Invocation const& side) {
  std::vector<double> const samples(side.sample_ns.begin(), side.sample_ns.end());
  return statistics::mean_of_lowest_quarter(samples);
}

std::optional<double> figure(store::Invocation const& side, char const* name) {
  auto const found = side.figures.find(name);
  return found == side.figures.end() ? std::nullopt : std::optional(found->second);
}

// What the blow-up has above the line; below it stand the same live bytes on both sides.
std::optional<double> growth(store::Invocation const& side) {
  auto const peak = figure(side, "peak_rss_bytes"), start = figure(side, "rss_start_bytes");
  if (!peak || !start) return std::nullopt;
  return std::max(0.0, *peak - *start);
}

bool worked_while_parked(store::Invocation const& side, double most_share) {
  auto const parked_ns = figure(side, "parked_cpu_ns");
  double const turns_ns = std::accumulate(side.turn_ns.begin(), side.turn_ns.end(), 0.0);
  return parked_ns && *parked_ns > most_share * turns_ns;
}

std::string failure_of(store::GatePair const& pair) {
  auto const failed = [](char const* which, store::Invocation const& side) {
    return std::string(which) + " " + std::string(name_of(side.outcome)) + ": " + side.reason;
  };
  // A side that was ended because of the other one is not to blame.
  auto const is_to_blame = [](store::Invocation const& side) {
    return side.outcome != Outcome::ok && side.reason != run::abandoned_reason;
  };
  if (is_to_blame(pair.baseline)) return failed("baseline", pair.baseline);
  if (is_to_blame(pair.candidate)) return failed("candidate", pair.candidate);
  // A side that was asked for extra work has another checksum by right.
  bool const same_work =
      !figure(pair.baseline, "extra_units") && !figure(pair.candidate, "extra_units");
  if (same_work && pair.baseline.checksum != pair.candidate.checksum) {
    return "wrong-answer: the candidate's checksum is " + pair.candidate.checksum +
           ", the baseline's " + pair.baseline.checksum;
  }
  for (store::Invocation const* const side : {&pair.baseline, &pair.candidate}) {
    bool const timed = !side->sample_ns.empty() && steady_ns(*side) > 0;
    if (!timed) return "there is no time in the record of invocation " + std::to_string(side->id);
  }
  return "";
}

}  // namespace

Clock clock_of(std::string_view protocol) noexcept {
  for (char const* const wall : {"threads", "whole processes", "whole commands"}) {
    if (protocol == wall) return Clock::wall;
  }
  return Clock::cpu;
}

double total_ns_per_sample(store::Invocation const& side, Clock clock, bool whole_cycles,
                           bool full) {
  std::vector<double> const samples = whole_samples(side, clock);
  Counts const& counts = full ? side.sample_full_collections : side.sample_collections;
  std::size_t first = 0, end = samples.size();
  if (whole_cycles && last_of(counts) >= least_collections) {
    while (counts[first] == 0) ++first;
    ++first;  // what follows the first collection
    while (end >= 2 && counts[end - 2] == counts[end - 1]) --end;
    if (first >= end) first = 0, end = samples.size();
  }
  auto const at = [&](std::size_t place) {
    return samples.begin() + static_cast<std::ptrdiff_t>(place);
  };
  return std::accumulate(at(first), at(end), 0.0) / static_cast<double>(end - first);
}

Evidence evidence_of(store::GatePair const& pair, Clock clock, Rule const& rule) {
  Evidence result;
  result.failure = failure_of(pair);
  if (!result.failure.empty()) return result;
  store::Invocation const &baseline = pair.baseline, &candidate = pair.candidate;
  result.void_pair = worked_while_parked(baseline, rule.parked_share) ||
                     worked_while_parked(candidate, rule.parked_share);
  auto const both_have_ten = [&](Counts store::Invocation::* kind) {
    return last_of(baseline.*kind) >= least_collections &&
           last_of(candidate.*kind) >= least_collections;
  };
  bool const full = both_have_ten(&store::Invocation::sample_full_collections);
  bool const cycles = full || both_have_ten(&store::Invocation::sample_collections);
  result.few_collections =
      !cycles && last_of(baseline.sample_collections) + last_of(candidate.sample_collections) > 0;
  result.single = baseline.sample_ns.size() == 1 && candidate.sample_ns.size() == 1;
  result.steady = std::log(steady_ns(candidate) / steady_ns(baseline));
  result.total = std::log(total_ns_per_sample(candidate, clock, cycles, full) /
                          total_ns_per_sample(baseline, clock, cycles, full));
  result.baseline_peak_bytes = figure(baseline, "peak_rss_bytes");
  result.candidate_peak_bytes = figure(candidate, "peak_rss_bytes");
  result.baseline_growth_bytes = growth(baseline);
  result.candidate_growth_bytes = growth(candidate);
  result.baseline_left_bytes = figure(baseline, "rss_after_free_0s_bytes");
  result.candidate_left_bytes = figure(candidate, "rss_after_free_0s_bytes");
  result.baseline_batches = baseline.batch_ns;
  result.candidate_batches = candidate.batch_ns;
  return result;
}

}  // namespace churn::gate
