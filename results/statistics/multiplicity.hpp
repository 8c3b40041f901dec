// What:  p-values of many tests at once, adjusted: Holm's, which bound the chance of even one false
//        alarm among all, and those of Benjamini and Hochberg, which bound the share of false ones
//        among the alarms.
// Why:   two hundred cells tested at one in a thousand raise a false alarm in every fifth clean
//        matrix. A gate that stops somebody's work needs Holm; a list to explore may have a false
//        entry in twenty.
// Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
//        Statistics 6, 1979; Y. Benjamini and Y. Hochberg, Controlling the false discovery rate,
//        Journal of the Royal Statistical Society B 57, 1995 (for independent tests, or tests that
//        depend positively on each other).
// Invariant: an adjusted p is at least its own; the order of p-values is kept, and the order in
//        which they are given is irrelevant.
// Cost:  n log n. Thread-safety: pure functions.
#pragma once

#include <span>
#include <vector>

namespace churn::statistics {

// In the order given. pre: every p is from 0 to 1
std::vector<double> holm(std::span<double const> p_values);
std::vector<double> benjamini_hochberg(std::span<double const> p_values);

}  // namespace churn::statistics
