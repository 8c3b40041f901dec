#include "results/statistics/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/check.hpp"
#include "results/statistics/descriptive.hpp"
#include "results/statistics/student.hpp"

namespace churn::statistics {
namespace {

// With many processes fewer replicates give an interval that is as steady.
std::size_t replicates_for(std::size_t processes) {
  constexpr std::size_t budget = 60'000, fewest = 300, most = 1'000;
  return std::clamp(budget / processes, fewest, most);
}

// The share of replicates to cut off at each end. Percentile intervals of few values are too
// narrow, as if a normal deviate stood for Student's and n for n - 1; the cut makes up for both.
double expanded_tail(std::size_t processes) {
  auto const n = static_cast<double>(processes);
  double const deviate = -student_quantile_above(n - 1, (1 - confidence) / 2);
  return std::erfc(-deviate * std::sqrt(n / (n - 1)) / std::sqrt(2.0)) / 2;
}

// Reorders its argument.
double median_in_place(std::vector<double>& values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  // A few are sorted sooner than they are partitioned.
  if (values.size() <= 16) {
    std::sort(values.begin(), values.end());
  } else {
    std::nth_element(values.begin(), middle, values.end());
  }
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// The interval that leaves this share of the replicates outside at each end. Order statistics, not
// points between two: the same on every compiler and machine. Reorders the replicates.
void cut_off(std::vector<double>& replicates, double tail, Estimate& result) {
  auto const outside = static_cast<std::size_t>(tail * static_cast<double>(replicates.size()));
  auto const low = replicates.begin() + static_cast<std::ptrdiff_t>(outside);
  auto const high = replicates.end() - 1 - static_cast<std::ptrdiff_t>(outside);
  std::nth_element(replicates.begin(), low, replicates.end());
  double const least = *low;  // before the next call moves it
  std::nth_element(low, high, replicates.end());
  result.spread = Spread::interval;
  result.low = std::min(result.median, least);
  result.high = std::max(result.median, *high);
}

// `values` are what was measured; `drawn`, as many of each, what might have been instead.
Estimate estimate(std::vector<double> values, std::vector<double> const& drawn, Random& random) {
  std::size_t const n = values.size();
  Estimate result;
  result.n = static_cast<std::uint32_t>(n);
  auto const [least, most] = std::minmax_element(values.begin(), values.end());
  result.low = *least;
  result.high = *most;
  result.median = median(values);
  if (n < rounds_for_intervals) return result;

  std::vector<double> medians(replicates_for(n));
  for (double& each : medians) {
    for (double& value : values) value = drawn[random.below(drawn.size())];
    each = median_in_place(values);
  }
  cut_off(medians, expanded_tail(n), result);
  return result;
}

double draw_from(Process const& process, Random& random) {
  if (process.draws.empty()) return process.value;
  return process.draws[random.below(process.draws.size())];
}

// Two processes of one round: candidate, baseline.
using Pair = std::pair<Process const*, Process const*>;

double draw_from(Pair const& pair, Random& random) {
  double const candidate = draw_from(*pair.first, random);
  return candidate / draw_from(*pair.second, random);
}

std::vector<Pair> pairs_of(std::span<Process const> candidate, std::span<Process const> baseline) {
  std::vector<Pair> pairs;
  auto other = baseline.begin();
  for (auto const& mine : candidate) {
    CHURN_CHECK(&mine == &candidate.front() || (&mine)[-1].round < mine.round);
    while (other != baseline.end() && other->round < mine.round) ++other;
    if (other == baseline.end()) break;
    if (other->round != mine.round) continue;
    CHURN_CHECK(other->value > 0);
    pairs.emplace_back(&mine, &*other);
  }
  return pairs;
}

std::vector<double> ratios_of(std::vector<Pair> const& pairs) {
  std::vector<double> ratios;
  for (auto const& [candidate, baseline] : pairs) {
    ratios.push_back(candidate->value / baseline->value);
  }
  return ratios;
}

// What `estimate` draws from: inner_draws of each. One look-up then does for a process, or a pair,
// and its samples.
template <class Element>
std::vector<double> drawn_from(std::span<Element const> elements, Random& random) {
  std::vector<double> drawn;
  if (elements.size() < rounds_for_intervals) return drawn;
  drawn.reserve(elements.size() * inner_draws);
  for (Element const& each : elements) {
    for (std::size_t i = 0; i < inner_draws; ++i) drawn.push_back(draw_from(each, random));
  }
  return drawn;
}

}  // namespace

Process summarize(std::uint32_t round, std::span<double const> samples, Random& random) {
  CHURN_CHECK(!samples.empty());
  auto const count = static_cast<double>(samples.size());
  Process process{round, 0, {}};
  for (double const sample : samples) process.value += sample;
  process.value /= count;
  if (samples.size() == 1) return process;
  process.draws.resize(inner_draws);
  for (double& draw : process.draws) {
    double sum = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) sum += samples[random.below(samples.size())];
    draw = sum / count;
  }
  return process;
}

Estimate median_over(std::span<Process const> processes, Random random) {
  CHURN_CHECK(!processes.empty());
  std::vector<double> values;
  for (auto const& process : processes) values.push_back(process.value);
  return estimate(std::move(values), drawn_from(processes, random), random);
}

Estimate median_ratio(std::span<Process const> candidate, std::span<Process const> baseline,
                      Random random) {
  auto const pairs = pairs_of(candidate, baseline);
  if (pairs.empty()) return {};
  return estimate(ratios_of(pairs), drawn_from(std::span<Pair const>(pairs), random), random);
}

std::optional<LogRatio> log_ratio(std::span<Process const> candidate,
                                  std::span<Process const> baseline, Random random) {
  auto const pairs = pairs_of(candidate, baseline);
  if (pairs.empty()) return std::nullopt;
  std::vector<double> ratios = ratios_of(pairs);
  LogRatio result{std::log(median(ratios)), std::vector<double>(inner_draws)};
  for (double& draw : result.draws) {
    for (double& ratio : ratios) ratio = draw_from(pairs[random.below(pairs.size())], random);
    draw = std::log(median_in_place(ratios));
  }
  return result;
}

LogRatio mean_of(std::span<LogRatio const> variations) {
  CHURN_CHECK(!variations.empty());
  auto const count = static_cast<double>(variations.size());
  LogRatio result{0, std::vector<double>(inner_draws, 0.0)};
  for (LogRatio const& each : variations) {
    result.value += each.value / count;
    for (std::size_t i = 0; i < inner_draws; ++i) result.draws[i] += each.draws[i] / count;
  }
  return result;
}

Estimate geometric_mean_over(std::span<LogRatio const> workloads, Random random) {
  CHURN_CHECK(!workloads.empty());
  std::size_t const count = workloads.size();
  std::vector<double> ratios;
  for (LogRatio const& each : workloads) ratios.push_back(std::exp(each.value));
  Estimate result;
  result.n = static_cast<std::uint32_t>(count);
  result.median = geometric_mean(ratios);
  auto const [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  // The mean's rounding must not put it outside of equal values.
  result.low = std::min(*least, result.median);
  result.high = std::max(*most, result.median);
  if (count < rounds_for_intervals) return result;
  std::vector<double> means(replicates_for(count));
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      auto const& draws = workloads[random.below(count)].draws;
      sum += draws[random.below(draws.size())];
    }
    mean = std::exp(sum / static_cast<double>(count));
  }
  cut_off(means, expanded_tail(count), result);
  return result;
}

Estimate ratio_of_medians(std::span<Process const> candidate, std::span<Process const> baseline,
                          Random random) {
  CHURN_CHECK(!candidate.empty() && !baseline.empty());
  auto const values_of = [](std::span<Process const> processes) {
    std::vector<double> values;
    for (Process const& each : processes) {
      CHURN_CHECK(each.value > 0);
      values.push_back(each.value);
    }
    return values;
  };
  std::vector<double> above = values_of(candidate), below = values_of(baseline);
  std::size_t const n = std::min(above.size(), below.size());
  Estimate result;
  result.n = static_cast<std::uint32_t>(n);
  result.median = median(above) / median(below);
  auto const [least_above, most_above] = std::minmax_element(above.begin(), above.end());
  auto const [least_below, most_below] = std::minmax_element(below.begin(), below.end());
  result.low = *least_above / *most_below;
  result.high = *most_above / *least_below;
  if (n < rounds_for_intervals) return result;
  auto const draw = [&](std::span<Process const> from, std::vector<double>& values) {
    for (double& each : values) each = draw_from(from[random.below(from.size())], random);
    return median_in_place(values);
  };
  std::vector<double> ratios(replicates_for(n));
  for (double& each : ratios) {
    double const drawn = draw(candidate, above);
    each = drawn / draw(baseline, below);
  }
  cut_off(ratios, expanded_tail(n), result);
  return result;
}

}  // namespace churn::statistics
