#include "results/statistics/multiplicity.hpp"

#include <algorithm>
#include <numeric>

#include "harness/core/check.hpp"

namespace churn::statistics {
namespace {

std::vector<std::size_t> ascending(std::span<double const> p_values) {
  for (double const p : p_values) CHURN_CHECK(p >= 0 && p <= 1);
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  return order;
}

}  // namespace

std::vector<double> holm(std::span<double const> p_values) {
  std::vector<double> adjusted(p_values.size());
  double highest = 0;
  std::size_t left = p_values.size();
  for (std::size_t const at : ascending(p_values)) {
    highest = std::max(highest, std::min(1.0, p_values[at] * static_cast<double>(left--)));
    adjusted[at] = highest;
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(std::span<double const> p_values) {
  std::vector<double> adjusted(p_values.size());
  std::vector<std::size_t> const order = ascending(p_values);
  auto const count = static_cast<double>(p_values.size());
  double lowest = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    std::size_t const at = order[rank - 1];
    lowest = std::min(lowest, p_values[at] * (count / static_cast<double>(rank)));
    adjusted[at] = lowest;
  }
  return adjusted;
}

}  // namespace churn::statistics
