// What:  medians over processes and ratios of two cells, with 95 % bootstrap intervals: processes
//        are drawn with replacement, and within each its samples.
// Why:   a second run would start other processes and take other samples; both are imitated. The
//        ratio of two cells is taken within rounds, where both met the same state of the machine,
//        and only then its median: drift over a run hits both and cancels.
// How:   the percentile interval (B. Efron and R. Tibshirani, An introduction to the bootstrap,
//        1993, ch. 13) over two levels (T. Kalibera and R. Jones, Rigorous benchmarking in
//        reasonable time, ISMM 2013). Not BCa: the jackknife it rests on fails for medians. The
//        inner level is drawn once per process, `inner_draws` times, and the outer one picks among
//        these.
// When not: with fewer than `rounds_for_intervals` processes the result is a range, not an
//        interval.
// Cost:  inner_draws * samples per process, then some 10 000 to 60 000 draws per estimate: 0.1 to
//        0.5 ms each.
// Thread-safety: pure functions; the same generator gives the same result on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/core/random.hpp"
#include "results/statistics/estimate.hpp"

namespace churn::statistics {

inline constexpr std::size_t inner_draws = 64;
inline constexpr double confidence = 0.95;

// One invocation: the mean of its samples (all time by all ops), and means of samples drawn from
// them.
struct Process {
  std::uint32_t round = 0;
  double value = 0;
  std::vector<double> draws;  // empty where there is nothing to draw from: a single sample
};

// pre: samples is not empty
Process summarize(std::uint32_t round, std::span<double const> samples, Random& random);

// pre: processes is not empty
Estimate median_over(std::span<Process const> processes, Random random);
// The median over rounds of candidate / baseline; only rounds that both have count, n says how
// many; none: n is 0. pre: rounds ascend and are unique on each side; baseline's values are
// positive
Estimate median_ratio(std::span<Process const> candidate, std::span<Process const> baseline,
                      Random random);

// The candidate's median by the baseline's, of two runs that share no rounds: each side is drawn
// for itself. Its n is that of the side with fewer; below rounds_for_intervals the range is that of
// all quotients. pre: neither is empty; values are positive
Estimate ratio_of_medians(std::span<Process const> candidate, std::span<Process const> baseline,
                          Random random);

// A block's ratio of two cells as a logarithm: as median_ratio has it, and as other rounds and
// samples might have given it.
struct LogRatio {
  double value = 0;
  std::vector<double> draws;  // inner_draws of them
};
// None without a round in common. pre: as for median_ratio
std::optional<LogRatio> log_ratio(std::span<Process const> candidate,
                                  std::span<Process const> baseline, Random random);
// Of the variations of one workload (parameters, threads): their mean. pre: not empty
LogRatio mean_of(std::span<LogRatio const> variations);

// The geometric mean over workloads, each counting once: workloads are drawn with replacement, and
// of each one of its draws. n counts workloads; with fewer than rounds_for_intervals the range over
// them is given. pre: not empty
Estimate geometric_mean_over(std::span<LogRatio const> workloads, Random random);

}  // namespace churn::statistics
