// Change points in simulated series whose truth is known; the reference checks the statistic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "harness/core/random.hpp"
#include "results/statistics/change_points.hpp"

namespace churn::statistics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Values = std::vector<double>;

// Of a process: one in ten spreads two and a half times as wide, as on a busy machine.
double noisy(Random& random, double level, double spread) {
  double const radius = std::sqrt(-2 * std::log(1 - random.unit()));
  double const normal = radius * std::cos(2 * std::numbers::pi * random.unit());
  return level * (1 + spread * (random.unit() < 0.1 ? 2.5 : 1) * normal);
}

Values series(Random& random, std::vector<double> const& levels, double spread) {
  Values values;
  for (double const level : levels) values.push_back(noisy(random, level, spread));
  return values;
}

Values steps(std::vector<std::pair<std::size_t, double>> const& parts) {
  Values levels;
  for (auto const& [count, level] : parts) levels.insert(levels.end(), count, level);
  return levels;
}

// How many of `times` series with these levels have a change point at least.
int found_in(int times, Values const& levels, double spread, std::size_t near = 0) {
  Random random(20261121);
  int found = 0;
  for (int i = 0; i < times; ++i) {
    auto const points =
        change_points(series(random, levels, spread), {.permutations = 199, .seed = random.next()});
    found += std::any_of(points.begin(), points.end(), [&](ChangePoint const& each) {
      return near == 0 || std::max(each.at, near) - std::min(each.at, near) <= 2;
    });
  }
  return found;
}

TEST(ChangePoints, SizeIsWhatWasAskedFor) {
  // 1 % of 1 000: 99.9 % of all such counts are at most 21, and 99.9 % at least 1.
  for (std::size_t const count : {12u, 40u}) {
    int const found = found_in(1000, Values(count, 20), 0.02);
    EXPECT_LE(found, 21) << count << " values";
    EXPECT_GE(found, 1) << count << " values";
  }
}

TEST(ChangePoints, AStepIsFoundWhereItIs) {
  EXPECT_GE(found_in(200, steps({{20, 20}, {20, 20.6}}), 0.01, 20), 180);  // 3 %
  EXPECT_GE(found_in(200, steps({{30, 20}, {6, 21}}), 0.01, 30), 180);     // new: six runs, 5 %
  EXPECT_GE(found_in(200, steps({{15, 20}, {8, 21}, {15, 20}}), 0.01, 15), 180);  // passing
}

TEST(ChangePoints, ADriftIsFoundThatNoTwoNeighboursShow) {
  Values drift;  // 0.2 % a run, 8 % in all, at a spread of 1 %
  for (int i = 0; i < 40; ++i) drift.push_back(20 * (1 + 0.002 * i));
  EXPECT_GE(found_in(200, drift, 0.01), 195);
}

TEST(ChangePoints, WhatIsAlikeOrTooShortHasNone) {
  EXPECT_THAT(change_points(Values{}, {}), IsEmpty());
  EXPECT_THAT(change_points(Values{1, 1, 1, 9, 9}, {}), IsEmpty());
  EXPECT_THAT(change_points(Values(50, 7.25), {}), IsEmpty());
  EXPECT_THAT(change_points(Values{1, 1, 1, 9, 9, 9}, {}), IsEmpty());  // 2 of 20 orders do that
}

TEST(ChangePoints, SeedsDecideAndUnitsDoNot) {
  Random random(3);
  Values values = series(random, steps({{12, 20}, {9, 21}, {14, 19}}), 0.01);
  auto const found = change_points(values, {.seed = 5});
  EXPECT_THAT(found, ElementsAre(::testing::Field(&ChangePoint::at, 12),
                                 ::testing::Field(&ChangePoint::at, 21)));
  EXPECT_EQ(change_points(values, {.seed = 5}), found);
  for (double& each : values) each *= 1024;
  EXPECT_EQ(change_points(values, {.seed = 5}), found);
}

TEST(ChangePoints, RepeatedValuesAreNoChange) {
  Values values;  // whole pages: many runs give the same number
  for (int i = 0; i < 60; ++i) values.push_back(4096.0 * (100 + i % 3));
  EXPECT_THAT(change_points(values, {}), IsEmpty());
}

TEST(ChangePointsDeathTest, SegmentsOfOneValueHaveNoSpread) {
  EXPECT_EXIT(change_points(Values{1, 2}, {.least_segment = 1}), ::testing::KilledBySignal(SIGABRT),
              "least_segment");
}

}  // namespace
}  // namespace churn::statistics
