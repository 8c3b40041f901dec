// What:  the spelling of what machines read: units of metrics, outcomes, standings.
#pragma once

#include <string_view>

#include "results/report/report.hpp"

namespace churn::report {

// "ns", "bytes", "objects", "pages", "ratio" or "count", from the name, whose last word it is.
std::string_view unit_of(std::string_view metric) noexcept;
// The outcome's own spelling, or "not-measured".
std::string_view outcome_of(Row const& row) noexcept;
std::string_view name_of(Standing standing) noexcept;
std::string_view name_of(statistics::Spread spread) noexcept;

}  // namespace churn::report
