// The statistics against values worked out by hand, properties that must hold for any data, and
// simulated data whose truth is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <numbers>
#include <numeric>
#include <vector>

#include "results/statistics/bootstrap.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::statistics {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using Values = std::vector<double>;

double normal(Random& random) {
  double const radius = std::sqrt(-2 * std::log(1 - random.unit()));
  return radius * std::cos(2 * std::numbers::pi * random.unit());
}

// ---- by hand ----

TEST(Descriptive, QuantilesLieLinearlyBetweenOrderStatistics) {
  EXPECT_EQ(median(Values{3}), 3);
  EXPECT_EQ(median(Values{4, 1, 3}), 3);
  EXPECT_EQ(median(Values{4, 1, 3, 2}), 2.5);
  Values const five{50, 10, 40, 20, 30};
  EXPECT_EQ(quantile(five, 0), 10);
  EXPECT_EQ(quantile(five, 1), 50);
  EXPECT_DOUBLE_EQ(quantile(five, 0.1), 14);  // place 0.4 between 10 and 20
  EXPECT_DOUBLE_EQ(quantile(five, 0.9), 46);
  EXPECT_DOUBLE_EQ(quantile(Values{1, 2}, 0.25), 1.25);
}

TEST(Descriptive, GeometricMeanOfReciprocalsIsTheReciprocal) {
  EXPECT_DOUBLE_EQ(geometric_mean(Values{2, 8}), 4);
  EXPECT_DOUBLE_EQ(geometric_mean(Values{0.5, 0.125}), 0.25);
  EXPECT_DOUBLE_EQ(geometric_mean(Values{7}), 7);
}

TEST(DescriptiveDeathTest, NothingHasNoMedian) {
  EXPECT_EXIT(median(Values{}), ::testing::KilledBySignal(SIGABRT), "check");
  EXPECT_EXIT(geometric_mean(Values{1, 0}), ::testing::KilledBySignal(SIGABRT), "value > 0");
}

// The tables of the sign test: with n values, how many lie outside a 95 % interval on each side.
TEST(Descriptive, MediansOfFiguresHaveTheSignTestsInterval) {
  struct Known {
    std::size_t n, outside;
  };
  for (auto const [n, outside] :
       {Known{5, 0}, Known{6, 0}, Known{8, 0}, Known{9, 1}, Known{11, 1}, Known{12, 2},
        Known{15, 3}, Known{20, 5}, Known{25, 7}, Known{50, 17}, Known{100, 39}}) {
    Values values(n);
    std::iota(values.begin(), values.end(), 1.0);
    std::reverse(values.begin(), values.end());
    auto const estimate = median_over(values);
    EXPECT_EQ(estimate.low, static_cast<double>(outside + 1)) << n;
    EXPECT_EQ(estimate.high, static_cast<double>(n - outside)) << n;
    EXPECT_EQ(estimate.spread, Spread::interval);
    EXPECT_EQ(estimate.n, n);
  }
}

TEST(Descriptive, FewFiguresHaveARange) {
  auto const estimate = median_over(Values{3, 9, 1, 2});
  EXPECT_EQ(estimate.spread, Spread::range);
  EXPECT_EQ(estimate.low, 1);
  EXPECT_EQ(estimate.median, 2.5);
  EXPECT_EQ(estimate.high, 9);
}

std::vector<Process> processes(Values const& values, std::uint32_t first_round = 0) {
  std::vector<Process> result;
  for (double const value : values) result.push_back({first_round++, value, {}});
  return result;
}

TEST(Bootstrap, FewRoundsGiveTheRangeOfRatiosWithinRounds) {
  auto const candidate = processes({10, 30, 60}), baseline = processes({10, 20, 30});
  auto const ratio = median_ratio(candidate, baseline, Random(1));
  EXPECT_EQ(ratio.spread, Spread::range);
  EXPECT_EQ(ratio.low, 1);
  EXPECT_EQ(ratio.median, 1.5);
  EXPECT_EQ(ratio.high, 2);
  EXPECT_EQ(ratio.n, 3u);
}

TEST(Bootstrap, OnlyRoundsThatBothHaveCount) {
  auto const candidate = processes({10, 20, 30}, 0);  // rounds 0, 1, 2
  auto const baseline = processes({10, 10, 99}, 1);   // rounds 1, 2, 3
  auto const ratio = median_ratio(candidate, baseline, Random(1));
  EXPECT_EQ(ratio.n, 2u);
  EXPECT_EQ(ratio.median, 2.5);
  EXPECT_EQ(median_ratio(candidate, processes({1}, 7), Random(1)).n, 0u);
}

// Of five equal chances the interval of the median is all of them: a median at the least one needs
// three of five draws there, 5.8 %, more than is cut off.
TEST(Bootstrap, FiveProcessesGiveTheirExtremes) {
  auto const estimate = median_over(processes({5, 1, 4, 2, 3}), Random(9));
  EXPECT_EQ(estimate.spread, Spread::interval);
  EXPECT_EQ(estimate.low, 1);
  EXPECT_EQ(estimate.median, 3);
  EXPECT_EQ(estimate.high, 5);
}

TEST(Bootstrap, AProcessIsTheMeanOfItsSamples) {
  Random random(3);
  auto const process = summarize(4, Values{1, 2, 6}, random);
  EXPECT_EQ(process.round, 4u);
  EXPECT_EQ(process.value, 3);
  EXPECT_EQ(process.draws.size(), inner_draws);
  EXPECT_THAT(process.draws, Each(::testing::AllOf(::testing::Ge(1), ::testing::Le(6))));
  EXPECT_NE(*std::min_element(process.draws.begin(), process.draws.end()),
            *std::max_element(process.draws.begin(), process.draws.end()));
  EXPECT_TRUE(summarize(0, Values{2}, random).draws.empty());
  EXPECT_THAT(summarize(0, Values{2, 2}, random).draws, Each(2));
}

// ---- for any data ----

struct Side {
  double scale, between, within;
};

std::vector<Process> simulated(Side side, std::uint32_t rounds, Values const& drift,
                               Random& random) {
  std::vector<Process> result;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    double const level = side.scale * drift[round] * std::exp(side.between * normal(random));
    Values samples(20);
    for (double& sample : samples) sample = level * (1 + side.within * normal(random));
    result.push_back(summarize(round, samples, random));
  }
  return result;
}

std::vector<Process> scaled(std::vector<Process> processes, double factor) {
  for (auto& process : processes) {
    process.value *= factor;
    for (double& draw : process.draws) draw *= factor;
  }
  return processes;
}

TEST(Bootstrap, ScaleChangesNoRatioAndEstimatesScale) {
  Random random(11);
  Values const steady(12, 1.0);
  auto const a = simulated({10, 0.05, 0.1}, 12, steady, random);
  auto const b = simulated({12, 0.05, 0.1}, 12, steady, random);
  auto const ratio = median_ratio(a, b, Random(5));
  auto const same = median_ratio(scaled(a, 2), scaled(b, 2), Random(5));
  EXPECT_EQ(ratio.low, same.low);
  EXPECT_EQ(ratio.median, same.median);
  EXPECT_EQ(ratio.high, same.high);
  auto const one = median_over(a, Random(5)), two = median_over(scaled(a, 2), Random(5));
  EXPECT_EQ(2 * one.low, two.low);
  EXPECT_EQ(2 * one.median, two.median);
  EXPECT_EQ(2 * one.high, two.high);
  EXPECT_LT(one.low, one.median);
  EXPECT_LT(one.median, one.high);
}

TEST(Bootstrap, TheSeedDecides) {
  Random random(12);
  auto const a = simulated({10, 0.05, 0.1}, 10, Values(10, 1.0), random);
  EXPECT_EQ(median_over(a, Random(5)).low, median_over(a, Random(5)).low);
  EXPECT_NE(median_over(a, Random(5)).low, median_over(a, Random(6)).low);
}

TEST(Bootstrap, ACellAgainstItselfIsOne) {
  Random random(13);
  auto plain = simulated({10, 0.2, 0.1}, 10, Values(10, 1.0), random);
  for (auto& process : plain) process.draws.clear();
  auto const ratio = median_ratio(plain, plain, Random(1));
  EXPECT_EQ(ratio.low, 1);
  EXPECT_EQ(ratio.high, 1);
}

// Drift that doubles and halves the machine's speed from round to round leaves the ratio as it was.
TEST(Bootstrap, DriftBetweenRoundsCancelsInTheRatio) {
  Random random(14);
  Values drift;
  for (int i = 0; i < 12; ++i) drift.push_back(i % 2 == 0 ? 0.5 : 2.0);
  auto const a = simulated({11, 0.01, 0.02}, 12, drift, random);
  auto const b = simulated({10, 0.01, 0.02}, 12, drift, random);
  auto const ratio = median_ratio(a, b, Random(1));
  EXPECT_GT(ratio.low, 1.05);
  EXPECT_LT(ratio.high, 1.15);
  auto const alone = median_over(a, Random(1));
  EXPECT_GT(alone.high / alone.low, 2);
}

TEST(Bootstrap, TwoRunsHaveTheRatioOfTheirMedians) {
  auto const ratio = ratio_of_medians(processes({20, 40, 30}), processes({10, 15, 12}), Random(1));
  EXPECT_EQ(ratio.median, 2.5);
  EXPECT_EQ(ratio.low, 20.0 / 15);
  EXPECT_EQ(ratio.high, 4);
  EXPECT_EQ(ratio.spread, Spread::range);
  EXPECT_EQ(ratio_of_medians(processes({1, 2, 3, 4, 5}), processes({1, 2}), Random(1)).n, 2u);
}

// ---- where the truth is known ----

// How often the interval holds the truth, over many simulated runs. The seeds are fixed, so the
// shares are the same every time; of 400 runs fewer than 92 % hold it once in 300 sets by chance.
TEST(Bootstrap, IntervalsHoldTheTruthAsOftenAsTheySay) {
  constexpr int runs = 400;
  for (std::uint32_t const rounds : {5u, 7u, 10u, 20u}) {
    Random random(1000 + rounds);
    int times_hold = 0, ratios_hold = 0, apart_hold = 0;
    double width = 0;
    for (int run = 0; run < runs; ++run) {
      Values drift(rounds, 1.0);
      auto const b = simulated({1.0, 0.05, 0.05}, rounds, drift, random);
      for (double& each : drift) each = std::exp(0.1 * normal(random));
      auto const c = simulated({1.05, 0.05, 0.05}, rounds, drift, random);
      auto const d = simulated({1.0, 0.05, 0.05}, rounds, drift, random);
      auto const time = median_over(b, Random(random.next()));
      auto const ratio = median_ratio(c, d, Random(random.next()));
      times_hold += time.low <= 1.0 && 1.0 <= time.high;
      ratios_hold += ratio.low <= 1.05 && 1.05 <= ratio.high;
      // Another run, at another time: it has no rounds in common with the first.
      auto const e = simulated({1.05, 0.05, 0.05}, rounds, Values(rounds, 1.0), random);
      auto const apart = ratio_of_medians(e, b, Random(random.next()));
      apart_hold += apart.low <= 1.05 && 1.05 <= apart.high;
      width += time.high - time.low;
    }
    SCOPED_TRACE(rounds);
    EXPECT_GE(times_hold, 0.92 * runs);
    EXPECT_GE(ratios_hold, 0.92 * runs);
    EXPECT_GE(apart_hold, 0.92 * runs);
    // And not by being wide: four deviations of such a median would do, few rounds need more.
    EXPECT_LT(width / runs, 6 * 1.25 * 0.05 / std::sqrt(rounds));
  }
}

}  // namespace
}  // namespace churn::statistics
