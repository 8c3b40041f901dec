// What:  Wilcoxon's signed-rank test, exact, and the shift of paired differences with an exact
//        interval: the estimate of Hodges and Lehmann and the inversion of the same test.
// Why:   one number per pair of processes, from a machine whose noise has long tails: ranks bound
//        what one bad pair can do, and exact tails are right for fifteen pairs at p = 0.0001, where
//        a normal approximation is not.
// How:   given the sizes of the differences, every pattern of signs is equally likely if they are
//        symmetric about the shift; the rank sum's distribution over these patterns is counted.
//        Ties get their mean rank, and the distribution is that of the ranks at hand. A difference
//        that equals the shift keeps its rank but counts for neither side (J. Pratt, Remarks on
//        zeros and ties in the Wilcoxon signed rank procedures, JASA 54, 1959): were it dropped
//        before the ranking, a greater difference could be the weaker evidence.
// When not: for differences that are not symmetric about a centre where nothing has changed. Those
//        of two processes that take turns are: which side is which was decided by chance.
// Cost:  n log n where no two sizes are equal (the distribution is kept per thread up to 256
//        pairs); else n cubed: 1 ms at 90 pairs, 11 at 200. Intervals sort n²/2 averages.
// Source: F. Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1, 1945;
//        J. Hodges and E. Lehmann, Estimates of location based on rank tests, Annals of
//        Mathematical Statistics 34, 1963.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <span>

namespace churn::statistics {

inline constexpr std::size_t most_signed_rank_pairs = 500;

// The chance of rank sums as high as these, or higher, if the differences are symmetric about
// `shift` or a lower value. pre: at most most_signed_rank_pairs; all finite. 1 for none at all.
double signed_rank_above(std::span<double const> differences, double shift);
// The same the other way round: small where the differences lie below `shift`.
double signed_rank_below(std::span<double const> differences, double shift);

struct Shift {
  double estimate = 0, low = 0, high = 0;
  double confidence = 0;  // that the interval reaches: at least what was asked, where n allows it
};
// pre: as above, and at least one difference; 0 < confidence < 1
Shift shift_of(std::span<double const> differences, double confidence);

}  // namespace churn::statistics
