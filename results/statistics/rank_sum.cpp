#include "results/statistics/rank_sum.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "harness/core/check.hpp"

namespace churn::statistics {
namespace {

struct Value {
  double value;
  bool of_candidate;
};

struct Ranks {
  std::vector<std::uint32_t> all;  // of both sides, divided by what all have in common
  std::uint64_t of_candidate = 0;
};

// Twice the mean rank of each, so that halves are whole.
Ranks ranks_of(std::vector<Value> values) {
  std::sort(values.begin(), values.end(),
            [](Value const& a, Value const& b) { return a.value < b.value; });
  Ranks result;
  std::uint32_t common = 0;
  for (std::size_t first = 0; first < values.size();) {
    std::size_t last = first;
    while (last + 1 < values.size() && values[last + 1].value == values[first].value) ++last;
    auto const twice_rank = static_cast<std::uint32_t>(first + last + 2);
    common = std::gcd(common, twice_rank);
    for (std::size_t i = first; i <= last; ++i) {
      result.all.push_back(twice_rank);
      if (values[i].of_candidate) result.of_candidate += twice_rank;
    }
    first = last + 1;
  }
  for (std::uint32_t& rank : result.all) rank /= common;
  result.of_candidate /= common;
  return result;
}

}  // namespace

double rank_sum_above(std::span<double const> candidate, std::span<double const> baseline) {
  std::size_t const n = candidate.size(), total = n + baseline.size();
  CHURN_CHECK(n > 0 && total > n && total <= most_rank_sum_values);
  std::vector<Value> values;
  for (double const each : candidate) values.push_back({each, true});
  for (double const each : baseline) values.push_back({each, false});
  for (Value const& each : values) CHURN_CHECK(std::isfinite(each.value));
  Ranks const ranks = ranks_of(std::move(values));
  std::uint64_t const sum_of_all =
      std::accumulate(ranks.all.begin(), ranks.all.end(), std::uint64_t{0});
  std::size_t const width = sum_of_all + 1;
  // choices[k * width + s]: how many ways there are to choose k of the ranks so far with sum s.
  // Counts below 2^120 are far from a double's end, and only sums of positive numbers round.
  std::vector<double> choices((n + 1) * width, 0);
  choices[0] = 1;
  std::size_t seen = 0, sum_so_far = 0;
  for (std::uint32_t const rank : ranks.all) {
    sum_so_far += rank;
    ++seen;
    for (std::size_t k = std::min(seen, n); k > 0; --k) {
      double* const to = &choices[k * width];
      double const* const from = &choices[(k - 1) * width];
      for (std::size_t sum = sum_so_far; sum >= rank; --sum) to[sum] += from[sum - rank];
    }
  }
  auto const of_n = choices.begin() + static_cast<std::ptrdiff_t>(n * width);
  auto const end = choices.end();
  double const as_high = std::accumulate(
      std::make_reverse_iterator(end),
      std::make_reverse_iterator(of_n + static_cast<std::ptrdiff_t>(ranks.of_candidate)), 0.0);
  return std::min(1.0, as_high / std::accumulate(of_n, end, 0.0));
}

}  // namespace churn::statistics
