// What:  what describes a handful of numbers: median, quantile, range, geometric mean.
// Quantile: linear between order statistics, the "type 7" of Hyndman and Fan, Sample quantiles in
//        statistical packages, The American Statistician 50, 1996: what R and NumPy give by
//        default.
// pre:   no span is empty; no value is a NaN.
// Cost:  linear in the length; the arguments are copied.
#pragma once

#include <span>

#include "results/statistics/estimate.hpp"

namespace churn::statistics {

double median(std::span<double const> values);
// pre: 0 <= share <= 1
double quantile(std::span<double const> values, double share);
// pre: all values are positive. The mean of ratios that does not depend on which side is below the
// line.
double geometric_mean(std::span<double const> values);
// Of the lowest quarter of the values, rounded down, and at least one: what work costs while
// nothing disturbs it. The lowest alone is noise once two threads must be lucky at the same time.
double mean_of_lowest_quarter(std::span<double const> values);

// The median of figures of which each process gave one. Its interval has two of the values as its
// ends: as many are left out on each side as a sign test at 5 % allows, which promises 95 % for any
// distribution (five values: 93.75 %, all of them).
Estimate median_over(std::span<double const> values);

}  // namespace churn::statistics
