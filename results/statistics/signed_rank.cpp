#include "results/statistics/signed_rank.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "harness/core/check.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::statistics {
namespace {

constexpr std::size_t most_kept = 256;

// P(T <= k) at k, for T the sum of those of `ranks` whose fair coins show heads. Summed from the
// small end, so that a small tail is as exact as a large one.
std::vector<double> distribution_of(std::span<std::uint32_t const> ranks) {
  std::vector<double> chance{1};
  for (std::uint32_t const rank : ranks) {
    std::size_t const before = chance.size();
    chance.resize(before + rank, 0);
    for (std::size_t sum = chance.size(); sum-- > 0;) {
      double const without = sum < before ? chance[sum] : 0;
      double const with = sum >= rank ? chance[sum - rank] : 0;
      chance[sum] = (without + with) / 2;
    }
  }
  double below = 0;
  for (double& each : chance) each = below += each;
  return chance;
}

std::vector<double> distribution_without_ties(std::size_t n) {
  std::vector<std::uint32_t> ranks(n);
  for (std::size_t i = 0; i < n; ++i) ranks[i] = static_cast<std::uint32_t>(i + 1);
  return distribution_of(ranks);
}

// Gives the work a distribution of ranks 1 … n, kept where it is likely to be asked for again.
template <class Work>
auto with_distribution(std::size_t n, Work&& work) {
  if (n > most_kept) return work(distribution_without_ties(n));
  thread_local std::vector<std::vector<double>> kept(most_kept + 1);
  if (kept[n].empty()) kept[n] = distribution_without_ties(n);
  return work(kept[n]);
}

struct Ranked {
  double size;
  bool above;
};

// Twice the mean ranks, whole numbers even where two sizes share one. A size of zero has a rank and
// is left out afterwards.
struct RankSums {
  std::vector<std::uint32_t> twice_ranks;
  std::uint64_t twice_above = 0, twice_all = 0;
  bool ties = false;
};

RankSums rank_sums(std::span<Ranked const> sorted) {
  RankSums result;
  result.twice_ranks.reserve(sorted.size());
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t last = first;
    while (last + 1 < sorted.size() && sorted[last + 1].size == sorted[first].size) ++last;
    auto const twice_rank = static_cast<std::uint32_t>(first + last + 2);
    bool const zero = sorted[first].size == 0;
    result.ties = result.ties || last != first || zero;
    for (std::size_t i = first; i <= last && !zero; ++i) {
      result.twice_ranks.push_back(twice_rank);
      result.twice_all += twice_rank;
      if (sorted[i].above) result.twice_above += twice_rank;
    }
    first = last + 1;
  }
  return result;
}

// By symmetry the chance of a sum of `above` or more is that of `all - above` or less.
double chance_of(RankSums const& sums) {
  std::uint64_t const twice_below = sums.twice_all - sums.twice_above;
  if (sums.ties) return distribution_of(sums.twice_ranks)[twice_below];
  return with_distribution(sums.twice_ranks.size(),
                           [&](auto const& below) { return below[twice_below / 2]; });
}

}  // namespace

double signed_rank_above(std::span<double const> differences, double shift) {
  CHURN_CHECK(differences.size() <= most_signed_rank_pairs);
  std::vector<Ranked> ranked;
  ranked.reserve(differences.size());
  for (double const each : differences) {
    double const from_shift = each - shift;
    CHURN_CHECK(std::isfinite(from_shift));
    ranked.push_back({std::abs(from_shift), from_shift > 0});
  }
  std::sort(ranked.begin(), ranked.end(),
            [](Ranked const& a, Ranked const& b) { return a.size < b.size; });
  return chance_of(rank_sums(ranked));
}

double signed_rank_below(std::span<double const> differences, double shift) {
  std::vector<double> mirrored;
  mirrored.reserve(differences.size());
  for (double const each : differences) mirrored.push_back(-each);
  return signed_rank_above(mirrored, -shift);
}

Shift shift_of(std::span<double const> differences, double confidence) {
  std::size_t const n = differences.size();
  CHURN_CHECK(n > 0 && n <= most_signed_rank_pairs && confidence > 0 && confidence < 1);
  std::vector<double> averages;
  averages.reserve(n * (n + 1) / 2);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) averages.push_back((differences[i] + differences[j]) / 2);
  }
  std::sort(averages.begin(), averages.end());
  return with_distribution(n, [&](std::vector<double> const& below) {
    // The largest sum that is still rejected; below that many averages the shift cannot be.
    auto const rejected =
        std::upper_bound(below.begin(), below.end(), (1 - confidence) / 2) - below.begin();
    auto const outside = static_cast<std::size_t>(std::max<std::ptrdiff_t>(rejected - 1, 0));
    return Shift{median(averages), averages[outside], averages[averages.size() - 1 - outside],
                 1 - 2 * below[outside]};
  });
}

}  // namespace churn::statistics
