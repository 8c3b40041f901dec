#include "results/report/units.hpp"

#include "harness/core/metrics.hpp"

namespace churn::report {

std::string_view unit_of(std::string_view metric) noexcept {
  if (auto const* const known = find_metric(metric)) return known->unit;
  for (auto const* const unit : {"ns", "bytes", "objects", "pages", "ratio"}) {
    if (metric.ends_with(unit)) return unit;
  }
  return "count";
}

std::string_view outcome_of(Row const& row) noexcept {
  return row.measured ? churn::name_of(row.outcome) : std::string_view("not-measured");
}

std::string_view name_of(Standing standing) noexcept {
  switch (standing) {
    case Standing::unranked:
      return "unranked";
    case Standing::behind:
      return "behind";
    case Standing::tied:
      return "tied";
    case Standing::winner:
      return "winner";
  }
  return "unranked";
}

std::string_view name_of(statistics::Spread spread) noexcept {
  return spread == statistics::Spread::interval ? "interval" : "range";
}

}  // namespace churn::report
