#include "results/report/ratios.hpp"

#include "results/statistics/descriptive.hpp"

namespace churn::report {

std::optional<Estimate> ratio_within_rounds(statistics::Series const& candidate,
                                            statistics::Series const& baseline) {
  std::vector<double> ratios;
  auto base = baseline.begin();
  for (auto const& own : candidate) {
    while (base != baseline.end() && base->round < own.round) ++base;
    if (base == baseline.end()) break;
    if (base->round != own.round) continue;
    if (base->value <= 0) return std::nullopt;
    ratios.push_back(own.value / base->value);
  }
  if (ratios.empty()) return std::nullopt;
  return statistics::median_over(ratios);
}

}  // namespace churn::report
