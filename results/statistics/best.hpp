// What:  several back ends against the best of them: simultaneous intervals of each one's ratio to
//        the best, the top group, and the Pareto front of two figures.
// Why:   whoever is fastest in one run was also lucky. Comparing the others with it as if it had
//        been chosen beforehand makes too many of them slower. So every pair is compared, and the
//        error rate is that of all these comparisons together: which one turns out best is then
//        free to depend on the same data.
// How:   intervals: all pairs at once (Bonferroni), from which follow those of the ratio to the
//        best (D. Edwards and J. Hsu, Multiple comparisons with the best treatment, JASA 78, 1983).
//        Top group: a back end is proven worse than the best if it is proven worse than any other;
//        its p is its least one times the number of others, and Holm's steps go over the back ends.
//        So the chance that any that is within the tolerance of the best is missing is at most
//        alpha, wherever the truth lies. Where Holm's steps prove what the interval just misses,
//        the interval begins at the tolerance (K. Strassburger and F. Bretz, Compatible
//        simultaneous lower confidence bounds for the Holm procedure, Statistics in Medicine 27,
//        2008).
//        Dominated: another is proven more than the tolerance better in one figure and proven not
//        more than the tolerance worse in the other; Holm over back ends as before.
// When not: for figures that are not positive, or where smaller is not better.
// Cost:  two probabilities a pair, one µs each. Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "results/statistics/paired.hpp"

namespace churn::statistics {

struct BestRule {
  double tolerance = 0.02;  // differences up to this are worth no word
  double alpha = 0.05;      // of all statements about one block
};

struct AgainstBest {
  double ratio = 1;            // to the best, estimated
  double low = 1;              // simultaneous interval; never below 1
  std::optional<double> high;  // none: too few rounds bound it
  double p = 1;                // that it is within the tolerance of the best, adjusted
  bool in_top_group = true;
};

// One for each back end, in their order; a single one is the best.
std::vector<AgainstBest> against_best(Differences const& differences, BestRule const& rule = {});

enum class Standing {
  unranked,  // failed, oversubscribed, too few rounds, or nobody to compare with
  behind,    // proven more than the tolerance worse than the best
  tied,      // shares the top group
  winner,    // alone in the top group
};
// In the order given; a single one is unranked.
std::vector<Standing> standings_of(std::span<AgainstBest const> contenders);

// For each back end one that is proven to dominate it; none: it is on the front.
// pre: both have the same back ends in the same order
std::vector<std::optional<std::size_t>> dominated_by(Differences const& first,
                                                     Differences const& second,
                                                     BestRule const& rule = {});

}  // namespace churn::statistics
