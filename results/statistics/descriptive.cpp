#include "results/statistics/descriptive.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness/core/check.hpp"

namespace churn::statistics {
namespace {

// How many values may lie outside on each side: the largest k for which k or fewer heads of n fair
// coins have a probability of at most 2.5 %.
std::size_t outside(std::size_t n) {
  auto const count = static_cast<double>(n);
  double below = 0;
  for (std::size_t k = 0; k < n; ++k) {
    auto const heads = static_cast<double>(k);
    below += std::exp(std::lgamma(count + 1) - std::lgamma(heads + 1) -
                      std::lgamma(count - heads + 1) - count * std::log(2.0));
    if (below > 0.025) return k > 0 ? k - 1 : 0;
  }
  return 0;
}

}  // namespace

double median(std::span<double const> values) { return quantile(values, 0.5); }

double quantile(std::span<double const> values, double share) {
  CHURN_CHECK(!values.empty() && share >= 0 && share <= 1);
  std::vector<double> copy(values.begin(), values.end());
  double const place = share * static_cast<double>(copy.size() - 1);
  auto const below = static_cast<std::size_t>(place);
  auto const at = copy.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(copy.begin(), at, copy.end());
  double const low = *at, share_above = place - static_cast<double>(below);
  if (share_above == 0) return low;
  double const high = *std::min_element(at + 1, copy.end());
  return low + share_above * (high - low);
}

double geometric_mean(std::span<double const> values) {
  CHURN_CHECK(!values.empty());
  double sum = 0;
  for (double const value : values) {
    CHURN_CHECK(value > 0);
    sum += std::log(value);
  }
  return std::exp(sum / static_cast<double>(values.size()));
}

double mean_of_lowest_quarter(std::span<double const> values) {
  CHURN_CHECK(!values.empty());
  std::vector<double> sorted(values.begin(), values.end());
  auto const quarter = static_cast<std::ptrdiff_t>(std::max<std::size_t>(sorted.size() / 4, 1));
  std::partial_sort(sorted.begin(), sorted.begin() + quarter, sorted.end());
  double const sum = std::accumulate(sorted.begin(), sorted.begin() + quarter, 0.0);
  return sum / static_cast<double>(quarter);
}

Estimate median_over(std::span<double const> values) {
  CHURN_CHECK(!values.empty());
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  std::size_t const n = sorted.size();
  bool const interval = n >= rounds_for_intervals;
  std::size_t const cut = interval ? outside(n) : 0;
  return {quantile(sorted, 0.5), sorted[cut], sorted[n - 1 - cut], static_cast<std::uint32_t>(n),
          interval ? Spread::interval : Spread::range};
}

}  // namespace churn::statistics
