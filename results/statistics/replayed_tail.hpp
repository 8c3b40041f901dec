// What:  tails of two programs that do the same operations: of each batch, the least time that it
//        took in any process of a side, and of these the 99th percentile. Its ratio, and an exact
//        test of it.
// Why:   a batch that is slow in every process is slow by its own work; one that is slow once was
//        interrupted. Raw percentiles of both are the machine's as much as the program's.
// How:   a permutation test: if both sides are alike, which process of a pair belongs to which side
//        is chance, so the observed ratio is one of the 2^n that swapping sides within pairs gives.
//        Of these some are drawn, until enough of them are as large (then p cannot become small) or
//        all draws are used. p = (1 + as large) / (1 + drawn) is valid whatever the distribution.
// When not: for what does not recur at the same batch: a rehash that depends on addresses, a
//        purge by the clock.
// Cost:  draws * pairs * batches additions at most: 1 s for 5 000 draws of 25 pairs of 5 000
//        batches, a hundredth of it where nothing has changed.
// Source: E. Pitman, Significance tests which may be applied to samples from any populations, 1937;
//        J. Besag and P. Clifford, Sequential Monte Carlo p-values, Biometrika 78, 1991.
// Thread-safety: pure functions; the same generator gives the same p.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/core/random.hpp"
#include "results/statistics/signed_rank.hpp"

namespace churn::statistics {

using Batches = std::vector<std::uint64_t>;
// One process of each side, batch by batch. Invariant: all have as many.
struct BatchPair {
  Batches const* baseline = nullptr;
  Batches const* candidate = nullptr;
};

inline constexpr double tail_share = 0.99;
inline constexpr std::uint32_t most_tail_draws = 5000;

// The candidate's by the baseline's, as a logarithm, with a bootstrap interval over pairs.
// pre: there is a pair, and a batch in it; 0 < confidence < 1
Shift replayed_tail_shift(std::span<BatchPair const> pairs, double confidence, Random random,
                          double share = tail_share);

// The chance of a shift this large if the candidate's batches took `tolerated` (a logarithm) longer
// than the baseline's, and nothing else. `above` false: of one this small.
double replayed_tail_p(std::span<BatchPair const> pairs, double tolerated, bool above,
                       Random random, double share = tail_share);

}  // namespace churn::statistics
