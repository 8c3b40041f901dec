// What:  Student's distribution: upper tails and their quantiles.
// Why:   one unit compiles Boost's distributions, which are dear, for all who need this one.
// Cost:  about 1 µs. Thread-safety: pure functions.
#pragma once

namespace churn::statistics {

// The chance of a value above t. pre: freedom > 0
double student_above(double freedom, double t);
// The t that has this chance above it. pre: freedom > 0; 0 < tail < 1
double student_quantile_above(double freedom, double tail);

}  // namespace churn::statistics
