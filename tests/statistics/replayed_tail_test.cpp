// Replayed tails on batches whose truth is known: what interrupts a batch is left out, size and
// power are as promised.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "results/statistics/replayed_tail.hpp"

namespace churn::statistics {
namespace {

constexpr std::size_t batches = 200;

// One batch in thirty is three times as long by its own work, and on the candidate slower by
// `slower`; three in a hundred are interrupted, and whose that are is chance.
std::vector<Batches> processes(std::size_t count, double slower, Random& random) {
  std::vector<Batches> result(count);
  for (Batches& each : result) {
    for (std::size_t i = 0; i < batches; ++i) {
      double const own = i % 30 == 3 ? 3 * (1 + slower) : 1;
      double const interrupted = random.unit() < 0.03 ? 4 : 1;
      each.push_back(
          static_cast<std::uint64_t>(1e4 * own * interrupted * (1 + 0.1 * random.unit())));
    }
  }
  return result;
}

std::vector<BatchPair> pairs_of(std::vector<Batches> const& baseline,
                                std::vector<Batches> const& candidate) {
  std::vector<BatchPair> pairs;
  for (std::size_t i = 0; i < baseline.size(); ++i) pairs.push_back({&baseline[i], &candidate[i]});
  return pairs;
}

TEST(ReplayedTail, SeesWhatRecursAndNotWhatInterrupts) {
  Random random(1);
  auto const baseline = processes(15, 0, random), candidate = processes(15, 0.2, random);
  auto const pairs = pairs_of(baseline, candidate);
  Shift const shift = replayed_tail_shift(pairs, 0.99, random);
  EXPECT_NEAR(shift.estimate, std::log(1.2), 0.02);
  EXPECT_LE(shift.low, shift.estimate);
  EXPECT_GE(shift.high, shift.estimate);
  EXPECT_LT(replayed_tail_p(pairs, std::log(1.02), true, random), 0.001);
  EXPECT_GT(replayed_tail_p(pairs, std::log(1.1), false, random), 0.5);
}

TEST(ReplayedTail, TheSameGeneratorGivesTheSameP) {
  Random random(2);
  auto const baseline = processes(15, 0, random), candidate = processes(15, 0.03, random);
  auto const pairs = pairs_of(baseline, candidate);
  EXPECT_EQ(replayed_tail_p(pairs, 0, true, Random(5)), replayed_tail_p(pairs, 0, true, Random(5)));
}

// 300 clean comparisons at 5 %: a true rate above 9 % would show in 99 of 100 such tests. And what
// is 10 % slower at its tail passes "less than 10 %" as seldom.
TEST(ReplayedTail, KeepsItsSizeAndFindsTenPercent) {
  Random random(3);
  int alarms = 0, passes = 0, found = 0;
  constexpr int rounds = 300;
  for (int round = 0; round < rounds; ++round) {
    auto const baseline = processes(15, 0, random), same = processes(15, 0, random);
    alarms += replayed_tail_p(pairs_of(baseline, same), 0, true, random) <= 0.05;
    if (round % 10 != 0) continue;
    auto const slower = processes(15, 0.1, random);
    passes += replayed_tail_p(pairs_of(baseline, slower), std::log(1.1), false, random) <= 0.05;
    found += replayed_tail_p(pairs_of(baseline, slower), std::log(1.02), true, random) <= 0.001;
  }
  EXPECT_LE(alarms, rounds * 9 / 100);
  EXPECT_GT(alarms, 0) << "a test that never alarms has no size";
  EXPECT_LE(passes, 6);
  EXPECT_GE(found, 26) << "of 30";
}

}  // namespace
}  // namespace churn::statistics
