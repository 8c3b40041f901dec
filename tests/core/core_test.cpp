// The parts of harness/core on which every figure rests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/crew.hpp"
#include "harness/core/histogram.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"

namespace churn {
namespace {

TEST(Histogram, BucketsCoverEveryValueInOrderWithinAThirtySecond) {
  for (std::uint64_t value :
       {0ull, 1ull, 31ull, 32ull, 63ull, 64ull, 65ull, 1000ull, 123456789ull, ~0ull}) {
    auto const bucket = Histogram::bucket_of(value);
    EXPECT_GE(Histogram::upper_bound(bucket), value);
    EXPECT_LE(Histogram::upper_bound(bucket) - value, value / 32);
    if (bucket > 0) {
      EXPECT_LT(Histogram::upper_bound(bucket - 1), value);
    }
  }
}

TEST(Histogram, QuantilesNeverExceedTheMaximum) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.record(value);
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_EQ(histogram.total(), 500500u);
  EXPECT_EQ(histogram.quantile(1.0), 1000u);
  EXPECT_EQ(histogram.max(), 1000u);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), 500.0, 500.0 / 32 + 1);
  EXPECT_EQ(histogram.quantile(0.0), 1u);
}

TEST(Histogram, SinceIsWhatCameAfter) {
  Histogram histogram;
  histogram.record(70'000);
  Histogram const earlier = histogram;
  histogram.record(40);
  histogram.record(50);
  Histogram const late = histogram.since(earlier);
  EXPECT_EQ(late.count(), 2u);
  EXPECT_EQ(late.total(), 90u);
  EXPECT_EQ(late.max(), Histogram::upper_bound(Histogram::bucket_of(50)));
  histogram.add(late);
  EXPECT_EQ(histogram.count(), 5u);
  EXPECT_EQ(histogram.max(), 70'000u);
}

TEST(Random, IsTheSameEverywhere) {
  // Reference values of xoshiro256++ seeded with splitmix64 from 42, computed independently in
  // Python.
  Random random(42);
  EXPECT_EQ(random.next(), 15021278609987233951u);
  EXPECT_EQ(random.next(), 5881210131331364753u);
  EXPECT_EQ(random.next(), 18149643915985481100u);
}

TEST(Random, StaysBelowItsBoundAndReachesIt) {
  Random random = Random::fork(7, 3);
  std::vector<int> seen(6, 0);
  for (int i = 0; i < 6000; ++i) ++seen[random.below(6)];
  EXPECT_THAT(seen, ::testing::Each(::testing::Gt(800)));
  for (int i = 0; i < 1000; ++i) {
    auto const value = random.between(5, 8);
    EXPECT_GE(value, 5u);
    EXPECT_LE(value, 8u);
    auto const unit = random.unit();
    EXPECT_GE(unit, 0.0);
    EXPECT_LT(unit, 1.0);
  }
}

TEST(Random, StreamsOfOneSeedDiffer) {
  EXPECT_NE(Random::fork(7, 0).next(), Random::fork(7, 1).next());
  EXPECT_NE(Random::fork(7, 0).next(), Random::fork(8, 0).next());
}

TEST(Crew, RunsEveryThreadOnceARoundOddCountsIncluded) {
  for (std::uint32_t const threads : {1u, 2u, 3u, 7u}) {
    Crew crew(threads, {});
    std::vector<std::atomic<int>> calls(threads);
    for (int round = 1; round <= 200; ++round) {
      auto const makespan = crew.run([&](std::uint32_t thread) { ++calls[thread]; });
      EXPECT_LE(makespan.start_ns, makespan.end_ns);
      for (auto const& count : calls) EXPECT_EQ(count.load(), round);
    }
  }
}

TEST(Crew, StartsNoThreadForOne) {
  Crew crew(1, {});
  auto const caller = std::this_thread::get_id();
  std::thread::id seen;
  crew.run([&](std::uint32_t) { seen = std::this_thread::get_id(); });
  EXPECT_EQ(seen, caller);
}

TEST(Crew, KeepsAThreadForEachSeat) {
  Crew crew(3, {});
  std::vector<std::thread::id> first(3), second(3);
  crew.run([&](std::uint32_t thread) { first[thread] = std::this_thread::get_id(); });
  crew.run([&](std::uint32_t thread) { second[thread] = std::this_thread::get_id(); });
  EXPECT_EQ(first, second);
}

TEST(Stop, PrintsTheOutcomeAndLeavesWithSeventy) {
  EXPECT_EXIT(stop(Outcome::out_of_memory, "%d bytes asked", 12), ::testing::ExitedWithCode(70),
              "churn: out-of-memory: 12 bytes asked");
}

TEST(Stop, CallsItsHookFirst) {
  EXPECT_EXIT(
      {
        set_stop_hook([](Outcome outcome, char const* reason) noexcept {
          std::fprintf(stderr, "hook %s %s|", name_of(outcome).data(), reason);
        });
        stop(Outcome::wrong_answer, "x");
      },
      ::testing::ExitedWithCode(70), "hook wrong-answer x\\|churn: wrong-answer: x");
}

TEST(Check, NamesPlaceAndCell) {
  EXPECT_DEATH(
      {
        set_check_context("malloc/larson, seed 9");
        CHURN_CHECK(1 + 1 == 3);
      },
      "check failed: 1 \\+ 1 == 3, at .*core_test.cpp:[0-9]+, in malloc/larson, seed 9");
}

TEST(Outcome, NamesParseBack) {
  for (int i = 0; i <= static_cast<int>(Outcome::not_applicable); ++i) {
    Outcome parsed{};
    EXPECT_TRUE(parse_outcome(name_of(static_cast<Outcome>(i)), parsed));
    EXPECT_EQ(parsed, static_cast<Outcome>(i));
  }
  Outcome parsed{};
  EXPECT_FALSE(parse_outcome("fine", parsed));
}

TEST(Shape, RequestedBytesRoundPayloadUpToWords) {
  EXPECT_EQ(requested_bytes({2, 0}), 16u);
  EXPECT_EQ(requested_bytes({2, 1}), 24u);
  EXPECT_EQ(requested_bytes({0, 8}), 8u);
  EXPECT_EQ(requested_bytes({~0u, ~0u}), 8ull * ~0u + (1ull << 32));
}

TEST(UnitTimes, StampsTheEndOfEveryUnitInOrder) {
  std::vector<std::uint64_t> ends(5, 0);
  int calls = 0;
  run_units(5, {ends.data(), ends.data() + ends.size()}, [&] { ++calls; });
  EXPECT_EQ(calls, 5);
  EXPECT_TRUE(std::is_sorted(ends.begin(), ends.end()));
  EXPECT_NE(ends.front(), 0u);
  run_units(3, {}, [&] { ++calls; });
  EXPECT_EQ(calls, 8);
}

}  // namespace
}  // namespace churn
