#include "results/statistics/replayed_tail.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/core/check.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::statistics {
namespace {

// Drawn until so many were as large as what was observed: p is known to a quarter then.
constexpr std::uint32_t enough = 20;
constexpr std::size_t interval_draws = 200;

using Least = std::vector<float>;

void lower(Least& least, Least const& batches) {
  for (std::size_t i = 0; i < least.size(); ++i) {
    least[i] = batches[i] < least[i] ? batches[i] : least[i];
  }
}

double quantile_of(Least& values, double share) {
  auto const place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  auto const at = values.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), at, values.end());
  return std::max(1.0, static_cast<double>(*at));
}

class Replayed {
 public:
  Replayed(std::span<BatchPair const> pairs, double shift, double share) : share_(share) {
    CHURN_CHECK(!pairs.empty() && !pairs.front().baseline->empty());
    auto const factor = static_cast<float>(std::exp(-shift));
    std::size_t const count = pairs.front().baseline->size();
    for (BatchPair const& pair : pairs) {
      CHURN_CHECK(pair.baseline->size() == count && pair.candidate->size() == count);
      baseline_.emplace_back(pair.baseline->begin(), pair.baseline->end());
      candidate_.emplace_back(pair.candidate->begin(), pair.candidate->end());
      for (float& each : candidate_.back()) each *= factor;
    }
    first_.resize(count);
    second_.resize(count);
  }

  std::size_t pairs() const noexcept { return baseline_.size(); }

  // Of all pairs, some with their sides swapped.
  double swapped_at_random(Random& random) {
    clear();
    for (std::size_t i = 0; i < pairs(); ++i) take(i, random.next() % 2 == 1);
    return shift();
  }
  // Of as many pairs, drawn with replacement.
  double resampled(Random& random) {
    clear();
    for (std::size_t i = 0; i < pairs(); ++i) take(random.below(pairs()), false);
    return shift();
  }
  double observed() {
    clear();
    for (std::size_t i = 0; i < pairs(); ++i) take(i, false);
    return shift();
  }

 private:
  void clear() {
    std::fill(first_.begin(), first_.end(), std::numeric_limits<float>::max());
    std::fill(second_.begin(), second_.end(), std::numeric_limits<float>::max());
  }
  void take(std::size_t pair, bool swapped) {
    lower(first_, swapped ? candidate_[pair] : baseline_[pair]);
    lower(second_, swapped ? baseline_[pair] : candidate_[pair]);
  }
  double shift() {
    double const first = quantile_of(first_, share_), second = quantile_of(second_, share_);
    return std::log(second / first);
  }

  double const share_;
  std::vector<Least> baseline_, candidate_;
  Least first_, second_;
};

}  // namespace

Shift replayed_tail_shift(std::span<BatchPair const> pairs, double confidence, Random random,
                          double share) {
  Replayed replayed(pairs, 0, share);
  std::vector<double> draws(interval_draws);
  for (double& each : draws) each = replayed.resampled(random);
  double const estimate = replayed.observed();
  double const low = quantile(draws, (1 - confidence) / 2),
               high = quantile(draws, (1 + confidence) / 2);
  return {estimate, std::min(low, estimate), std::max(high, estimate), confidence};
}

double replayed_tail_p(std::span<BatchPair const> pairs, double tolerated, bool above,
                       Random random, double share) {
  Replayed replayed(pairs, tolerated, share);
  double const sign = above ? 1 : -1, observed = sign * replayed.observed();
  std::uint32_t as_large = 0, drawn = 0;
  while (drawn < most_tail_draws && as_large < enough) {
    ++drawn;
    as_large += sign * replayed.swapped_at_random(random) >= observed;
  }
  return (1.0 + as_large) / (1.0 + drawn);
}

}  // namespace churn::statistics
