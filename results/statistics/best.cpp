#include "results/statistics/best.hpp"

#include <algorithm>
#include <cmath>

#include "harness/core/check.hpp"
#include "results/statistics/multiplicity.hpp"

namespace churn::statistics {
namespace {

// p of "no other is better", from that of each other: any one of them may be right.
double any_of(double least_p, std::size_t others) {
  return std::min(1.0, least_p * static_cast<double>(others));
}

}  // namespace

std::vector<AgainstBest> against_best(Differences const& differences, BestRule const& rule) {
  std::size_t const count = differences.size();
  std::vector<AgainstBest> result(count);
  if (count < 2) return result;
  double const tolerance = std::log1p(rule.tolerance);
  double const tail = rule.alpha / static_cast<double>(count * (count - 1));
  std::vector<double> const least = differences.least(tail);
  std::vector<double> p_values(count, 1), center(count, 0), low(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t other = 0; other < count; ++other) {
      if (i == other) continue;
      p_values[i] = std::min(p_values[i], differences.p_above(i, other, tolerance));
      low[i] = std::max(low[i], least[i * count + other]);
      if (differences.of(i, other).n < rounds_for_pairs) continue;
      center[i] = std::max(center[i], differences.of(i, other).center);
    }
    p_values[i] = any_of(p_values[i], count - 1);
  }
  auto const adjusted = holm(p_values);
  for (std::size_t i = 0; i < count; ++i) {
    // Only those that nobody is proven to beat can be the best.
    double high = 0;
    for (std::size_t other = 0; other < count; ++other) {
      if (i == other || low[other] > 0) continue;
      high = std::max(high, -least[other * count + i]);
    }
    AgainstBest& mine = result[i];
    mine.p = adjusted[i];
    mine.in_top_group = mine.p > rule.alpha;
    if (!mine.in_top_group) low[i] = std::max(low[i], tolerance);
    mine.ratio = std::exp(std::max(center[i], low[i]));
    mine.low = std::exp(low[i]);
    if (std::isfinite(high)) mine.high = std::max(mine.ratio, std::exp(high));
  }
  return result;
}

std::vector<Standing> standings_of(std::span<AgainstBest const> contenders) {
  std::vector<Standing> standings(contenders.size(), Standing::unranked);
  if (contenders.size() < 2) return standings;
  auto const in_top_group = std::count_if(contenders.begin(), contenders.end(),
                                          [](auto const& each) { return each.in_top_group; });
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    standings[i] = !contenders[i].in_top_group ? Standing::behind
                   : in_top_group == 1         ? Standing::winner
                                               : Standing::tied;
  }
  return standings;
}

std::vector<std::optional<std::size_t>> dominated_by(Differences const& first,
                                                     Differences const& second,
                                                     BestRule const& rule) {
  CHURN_CHECK(first.size() == second.size());
  std::size_t const count = first.size();
  std::vector<std::optional<std::size_t>> result(count);
  if (count < 2) return result;
  double const tolerance = std::log1p(rule.tolerance);
  std::vector<double> p_values(count, 1);
  std::vector<std::size_t> strongest(count, 0);
  // Both parts must be proven, so the weaker proof counts.
  auto const better_and_no_worse = [&](Differences const& better, Differences const& no_worse,
                                       std::size_t i, std::size_t other) {
    double const p = better.p_above(i, other, tolerance);
    return p > rule.alpha ? 1 : std::max(p, no_worse.p_above(i, other, -tolerance));
  };
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t other = 0; other < count; ++other) {
      if (i == other) continue;
      double const p = 2 * std::min(better_and_no_worse(first, second, i, other),
                                    better_and_no_worse(second, first, i, other));
      if (p < p_values[i]) p_values[i] = p, strongest[i] = other;
    }
    p_values[i] = any_of(p_values[i], count - 1);
  }
  auto const adjusted = holm(p_values);
  for (std::size_t i = 0; i < count; ++i) {
    if (adjusted[i] <= rule.alpha) result[i] = strongest[i];
  }
  return result;
}

}  // namespace churn::statistics
