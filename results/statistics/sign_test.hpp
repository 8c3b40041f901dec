// What:  the sign test, and its use on what lies far out: does the candidate fall into a slow mode
//        that the baseline does not have?
// Why:   where one process of five lands on a slow path (a huge page it did not get, an arena it
//        shares), the middle of the differences hardly moves and a rank test passes the change half
//        the time. Counting only pairs that lie far apart, by which side was slow, finds it.
//        And the limits of a share, by inverting the same binomial tails.
// Source: C. Clopper and E. Pearson, The use of confidence or fiducial limits illustrated in the
//        case of the binomial, Biometrika 26, 1934.
// Cost:  a loop over the pairs. Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <span>

namespace churn::statistics {

// The chance of `heads` or more of `flips` fair coins. pre: heads <= flips
double sign_test(std::size_t heads, std::size_t flips);

// The sign test over the differences that lie further than `beyond` from zero: small if the
// positive ones are too many. pre: beyond > 0
double sign_test_beyond(std::span<double const> differences, double beyond);

// A share and its exact limits: each is missed with at most half of 1 - confidence.
struct Proportion {
  double share = 0, low = 0, high = 1;
};
// pre: hits <= trials, trials > 0, 0 < confidence < 1
Proportion proportion_of(std::size_t hits, std::size_t trials, double confidence);

}  // namespace churn::statistics
