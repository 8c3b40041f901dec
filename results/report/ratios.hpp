// What:  how many times another's figure a back end's is: any figure that each process has one of,
//        any back end as the baseline.
// Why:   a reader of the HTML report chooses both; time per op to the run's own baseline has a
//        bootstrap interval instead (Row::ratio), which takes the samples within processes too.
// How:   the ratio within each round that both have, then the median, with as many values left out
//        at each end as a sign test at 5 % allows; below rounds_for_intervals the range.
// Thread-safety: pure function.
#pragma once

#include <optional>

#include "results/report/report.hpp"
#include "results/statistics/paired.hpp"

namespace churn::report {

// None without a common round, and where the baseline is not positive in all of them.
// pre: rounds ascend and are unique on each side
std::optional<Estimate> ratio_within_rounds(statistics::Series const& candidate,
                                            statistics::Series const& baseline);

}  // namespace churn::report
