// A calibration's arithmetic on pairs that never ran, whose truth is known: extra work, what a cell
// shows of it, the way through a gate, rates by drawing, goals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <numeric>
#include <set>

#include "harness/core/error.hpp"
#include "harness/core/extra_work.hpp"
#include "harness/gate/calibration_report.hpp"
#include "harness/gate/response.hpp"
#include "tests/gate/simulated.hpp"

namespace churn::gate {
namespace {

using testing::HasSubstr;
using testing::Not;

// ---- extra work ----

// A process whose units take a nanosecond thousand each: what is run, and what is booked.
struct Ran {
  std::uint64_t extra_units = 0;
  std::vector<std::uint64_t> booked_ns;
};

Ran run_with(ExtraWork const& work, std::uint64_t units, std::uint64_t samples,
             std::uint64_t collect_every = 0) {
  constexpr std::uint64_t unit_ns = 1000;
  ExtraLedger ledger(work, units, samples);
  Ran ran;
  double ahead_ns = 0;
  for (std::uint64_t i = 0; i < samples; ++i) {
    std::uint64_t const all = units + ledger.begin_sample();
    std::uint64_t booked_ns = ledger.book(all * unit_ns, all, ahead_ns);
    bool const collected = collect_every != 0 && i % collect_every == 2;
    std::uint64_t const more = ledger.end_sample(collected);
    if (more != 0) booked_ns += ledger.book(more * unit_ns, more, ahead_ns);
    ran.booked_ns.push_back(booked_ns);
  }
  ran.extra_units = ledger.units_run();
  return ran;
}

std::uint64_t sum(std::vector<std::uint64_t> const& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

TEST(ExtraLedger, EverySampleHasItsShareThoughUnitsAreWhole) {
  for (std::uint32_t const per_mille : {1u, 10u, 20u, 30u, 50u, 100u, 999u, 2500u}) {
    for (std::uint64_t const units : {1u, 7u, 25u, 1000u}) {
      Ran const ran = run_with({per_mille}, units, 100);
      EXPECT_EQ(ran.extra_units, (units * 100 * per_mille + 999) / 1000);
      for (std::uint64_t const booked : ran.booked_ns) {
        ASSERT_NEAR(static_cast<double>(booked), static_cast<double>(units * (1000 + per_mille)), 1)
            << per_mille << " of " << units;
      }
    }
  }
}

TEST(ExtraLedger, EveryShapeAddsTheSameInAll) {
  for (ExtraShape const shape : {ExtraShape::every_tenth_slice, ExtraShape::once}) {
    for (std::uint64_t const samples : {1u, 9u, 10u, 40u, 100u}) {
      Ran const ran = run_with({30, shape}, 25, samples);
      EXPECT_EQ(ran.extra_units, (25 * samples * 30 + 999) / 1000);
      EXPECT_NEAR(static_cast<double>(sum(ran.booked_ns)), 25'750.0 * static_cast<double>(samples),
                  static_cast<double>(samples));
    }
  }
}

TEST(ExtraLedger, ShapesDifferInWhenItIsDone) {
  auto const slowed = [](Ran const& ran) {
    return std::count_if(ran.booked_ns.begin(), ran.booked_ns.end(),
                         [](std::uint64_t ns) { return ns > 25'600; });
  };
  EXPECT_EQ(slowed(run_with({30, ExtraShape::every_operation}, 25, 100)), 100);
  EXPECT_EQ(slowed(run_with({30, ExtraShape::every_tenth_slice}, 25, 100)), 10);
  EXPECT_EQ(slowed(run_with({30, ExtraShape::once}, 25, 100)), 1);
}

// What has become due since the last collection is done with the next one, the rest at the end.
TEST(ExtraLedger, CollectionsPayWhatIsDue) {
  Ran const ran = run_with({40, ExtraShape::collections}, 25, 100, 10);
  EXPECT_EQ(ran.extra_units, 100u);
  for (std::size_t i = 0; i < ran.booked_ns.size(); ++i) {
    bool const pays = i % 10 == 2 || i == 99;
    EXPECT_EQ(ran.booked_ns[i] > 25'000, pays) << i;
    if (i % 10 == 2 && i > 2) {
      EXPECT_EQ(ran.booked_ns[i], 35'000u);
    }
  }
}

// ---- the way of a cell through a gate ----

TimedEvidence some_evidence(double shift, double spread, Random& random) {
  TimedEvidence pair;
  double const common = spread * normal(random);
  pair.evidence.steady = shift + common;
  pair.evidence.total = shift + common + 0.5 * spread * normal(random);
  pair.evidence.baseline_peak_bytes = pair.evidence.candidate_peak_bytes = 2e7;
  pair.seconds = 0.2;
  return pair;
}

std::vector<TimedEvidence> pool(double slower, double spread, std::size_t count,
                                std::uint64_t seed) {
  Random random(seed);
  std::vector<TimedEvidence> pairs;
  while (pairs.size() < count) {
    pairs.push_back(some_evidence(std::log1p(slower), spread, random));
  }
  return pairs;
}

TEST(RunThrough, StopsAtTheFirstLookThatAnswersEverything) {
  Rule const rule;
  auto const pairs = pool(0, 0.001, 90, 1);
  std::size_t at = 0;
  auto const next = [&](std::uint32_t stage) {
    EXPECT_EQ(stage, 1u);
    return std::optional(pairs.at(at++));
  };
  auto const outcome = run_through({rule, 20, 200, 0.5}, next);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->verdict, Verdict::pass);
  EXPECT_EQ(outcome->pairs, 15u);
  EXPECT_NEAR(outcome->seconds, 0.5 + (15 + 2) * 0.2, 1e-9) << "two canaries cost time";
}

TEST(RunThrough, MeasuresAlarmsAgain) {
  Rule const rule;
  auto const pairs = pool(0.1, 0.001, 90, 2);
  std::size_t at = 0;
  std::uint32_t last_stage = 0;
  auto const next = [&](std::uint32_t stage) {
    last_stage = stage;
    return std::optional(pairs.at(at++));
  };
  auto const outcome = run_through({rule, 20}, next);
  EXPECT_EQ(outcome->verdict, Verdict::regression);
  EXPECT_EQ(last_stage, 2u);
  EXPECT_EQ(outcome->pairs, 30u);
}

TEST(RunThrough, HasNoOutcomeWhereItEndsBeforeTheVerdict) {
  Rule const rule;
  auto const pairs = pool(0, 0.02, 14, 3);
  std::size_t at = 0;
  auto const next = [&](std::uint32_t) {
    return at < pairs.size() ? std::optional(pairs[at++]) : std::nullopt;
  };
  EXPECT_FALSE(run_through({rule, 20}, next));
}

TEST(RunThrough, AFailedPairIsUnmeasured) {
  Rule const rule;
  TimedEvidence bad;
  bad.evidence.failure = "candidate crashed: SIGSEGV";
  auto const outcome = run_through({rule, 20}, [&](std::uint32_t) { return std::optional(bad); });
  EXPECT_EQ(outcome->verdict, Verdict::unmeasured);
  EXPECT_EQ(outcome->pairs, 1u);
}

// ---- rates ----

TEST(Resample, GivesTheRatesOfPairsWhoseTruthIsKnown) {
  Rule const rule;
  CellGate const gate{rule, 20};
  Outcomes const clean = resample(gate, pool(0, 0.018, 1000, 4), {}, 200, 1, 0);
  EXPECT_EQ(clean.draws, 200u);
  EXPECT_EQ(clean.regressions, 0u);
  EXPECT_GE(clean.passes, 198u);
  Outcomes const slow = resample(gate, pool(0.03, 0.018, 1000, 5), {}, 200, 1, 0);
  EXPECT_GE(slow.regressions, 198u);
  Outcomes const limit = resample(gate, pool(0.005, 0.018, 1000, 6), {}, 200, 1, 0);
  EXPECT_LE(limit.regressions, 1u) << "what is tolerated is no regression";
}

TEST(Resample, CountsOnlyWhatIsFoundInTime) {
  Rule const rule;
  auto const pairs = pool(0.05, 0.001, 200, 7);
  // 15 pairs and two canaries a stage, twice: 6.8 s.
  EXPECT_EQ(resample({rule, 20}, pairs, {}, 50, 1, 6.9).in_time, 50u);
  EXPECT_EQ(resample({rule, 20}, pairs, {}, 50, 1, 6.7).in_time, 0u);
  EXPECT_EQ(resample({rule, 3}, pairs, {}, 50, 1, 0).regressions, 0u)
      << "a budget that brings no look brings no verdict";
}

TEST(SumUp, TellsHowLongWhatWasFoundTook) {
  std::vector<CellOutcome> found;
  for (int i = 1; i <= 100; ++i) found.push_back({Verdict::regression, 30, 1.0 * i});
  found.push_back({Verdict::pass, 15, 3});
  found.push_back({Verdict::inconclusive, 90, 20});
  Outcomes const sum = sum_up(found, 50);
  EXPECT_EQ(sum.draws, 102u);
  EXPECT_EQ(sum.in_time, 50u);
  EXPECT_DOUBLE_EQ(sum.mean_found_seconds, 50.5);
  EXPECT_DOUBLE_EQ(sum.found_seconds_99, 99);
}

// ---- what a cell shows of a cost ----

Stage stage_of(std::vector<TimedEvidence> const& pairs) {
  Stage stage;
  for (auto const& each : pairs) add_to(stage, each.evidence);
  return stage;
}

TEST(Response, IsTheShiftThatShowsByTheOneThatIsThere) {
  Rule const rule;
  Response const half = response_of(stage_of(pool(0.1, 0.02, 15, 8)), rule);
  EXPECT_TRUE(half.measured);
  EXPECT_NEAR(half.steady.estimate, 0.5, 0.1);
  EXPECT_LT(half.steady.least, half.steady.estimate);
  EXPECT_GT(half.steady.least, 0.3);
  Response const whole = response_of(stage_of(pool(0.3, 0.02, 15, 9)), rule);
  EXPECT_EQ(whole.steady.least, 1) << "no cell shows more than there is";
  Response const nothing = response_of(stage_of(pool(0, 0.1, 15, 10)), rule);
  EXPECT_EQ(nothing.steady.least, 0);
  EXPECT_FALSE(response_of({}, rule).measured);
  EXPECT_EQ(response_of({}, rule).steady.least, 1) << "a gate of before has none";
}

// A cell that shows half: 5 % slower is 2.5 % in its pairs. Without the response some such
// regressions pass; with it none does, and what is the same still passes.
TEST(Response, KeepsACellThatShowsHalfFromPassingARegression) {
  Rule rule;
  rule.detect = 0.05;
  double const spread = 0.02;
  auto const response = pool(0.1, spread, 400, 11);
  CellGate gate{rule, 60};
  auto const slow = pool(0.0225, 0.06, 400, 12);
  Outcomes const blind = resample(gate, slow, {}, 100, 1, 0);
  gate.protocol = "cache-sized";
  Outcomes const seeing = resample(gate, slow, response, 100, 1, 0);
  EXPECT_GT(blind.passes, 3u);
  EXPECT_LE(seeing.passes, 1u);
  Outcomes const clean = resample(gate, pool(0, spread, 1000, 13), response, 100, 1, 0);
  EXPECT_EQ(clean.regressions, 0u);
  EXPECT_GE(clean.passes, 96u);
}

TEST(Response, NothingPassesWhereItCannotBeToldFromNothing) {
  Rule const rule;
  CellGate gate{rule, 60};
  gate.protocol = "cache-sized";
  Outcomes const found = resample(gate, pool(0, 0.001, 100, 14), pool(0, 0.2, 100, 15), 50, 1, 0);
  EXPECT_EQ(found.passes, 0u);
  EXPECT_EQ(found.regressions, 0u);
  EXPECT_EQ(found.inconclusive, 50u);
}

// ---- classes, conditions, goals ----

TEST(Classes, AreFoundByNameOrAreCells) {
  EXPECT_EQ(calibration_classes("").size(), 7u);
  auto const some = calibration_classes("memory,glibc/malloc/larson{blocks=10;max=20}@1");
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].name, "memory");
  EXPECT_EQ(some[1].cell, "glibc/malloc/larson{blocks=10;max=20}@1");
  EXPECT_THROW(calibration_classes("smal"), UserError);
  for (auto const& each : calibration_classes("")) {
    EXPECT_TRUE(each.conditions.front().changes_nothing()) << each.name;
    std::set<std::string> names;
    for (auto const& condition : each.conditions) names.insert(condition.name());
    EXPECT_EQ(names.size(), each.conditions.size()) << each.name;
    for (auto const& aim : each.aims) EXPECT_TRUE(names.contains(aim.condition)) << each.name;
  }
}

TEST(Classes, AskForWhatTheConditionSays) {
  EXPECT_EQ(extra_of({0.03, 0}, 0.4, 1000), (ExtraWork{30, ExtraShape::every_operation, 0}));
  EXPECT_EQ(extra_of({0.1, 0, ExtraShape::collections}, 0.4, 1000),
            (ExtraWork{40, ExtraShape::collections, 0}));
  EXPECT_EQ(extra_of({0, 0.05}, 0.4, 1000), (ExtraWork{0, ExtraShape::every_operation, 50}));
  EXPECT_EQ(Condition({0.01, 0, ExtraShape::once}).name(), "once 1%");
}

TEST(Goal, WhatIsPromisedComesFirst) {
  Goal const goal{2000};
  auto const of = calibration_classes("small").front();
  EXPECT_EQ(goal.pairs_of(of, 0, 1), 2000u);
  EXPECT_EQ(goal.pairs_of(of, 5, 1), 300u);
  double const first = goal.steps().front();
  EXPECT_EQ(goal.pairs_of(of, 1, first), 40u);
  EXPECT_EQ(goal.pairs_of(of, 5, first), 0u);
  EXPECT_EQ(goal.gates_of(14, 1), 21u);
}

// ---- the report ----

TEST(CalibrationReport, TellsRatesLimitsAndAimsInEveryForm) {
  std::string path = (std::filesystem::temp_directory_path() / "churn-calib-XXXXXX").string();
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  store::Store store(path + "/churn.db", store::Store::Access::create);
  store::Run row;
  row.plan = "{}";
  row.kind = "calibration";
  store::CalibrationCell cell;
  cell.run_id = store.add_run(row, store::Machine{"fingerprint", {}});
  cell.class_name = "small";
  cell.name = "glibc/malloc/larson@1";
  cell.protocol = "small";
  std::int64_t const id = store.set_calibration_cell(cell);
  EXPECT_EQ(store.set_calibration_cell(cell), id) << "one row a class";
  auto const add = [&](std::vector<TimedEvidence> const& pairs, char const* condition, int gate) {
    for (auto const& each : pairs) {
      store::CalibrationPair pair;
      pair.cell_id = id;
      pair.condition = condition;
      pair.gate = static_cast<std::uint64_t>(gate);
      pair.seconds = each.seconds;
      pair.steady = each.evidence.steady;
      pair.total = each.evidence.total;
      pair.baseline_peak_bytes = pair.candidate_peak_bytes = 2e7;
      store.add_calibration_pair(pair);
    }
  };
  add(pool(0, 0.01, 200, 16), "", 0);
  add(pool(0.03, 0.01, 200, 17), "every-operation 3%", 0);
  add(pool(0, 0.001, 15, 18), "", 1);
  add(pool(0, 0.001, 9, 19), "", 2);  // was interrupted
  CalibrationReport const report = calibration_report(store, 0, {}, {200, 100, 50});
  ASSERT_EQ(report.rates.size(), 2u);
  EXPECT_EQ(report.rates[0].outcomes.regressions, 0u);
  EXPECT_NEAR(report.rates[1].steady_shift, 0.03, 0.003);
  EXPECT_NEAR(report.rates[1].steady_spread, 0.01, 0.003);
  EXPECT_TRUE(*report.rates[1].reached);
  EXPECT_EQ(report.direct->gates, 1u);
  EXPECT_EQ(report.direct->alarms, 0u);
  EXPECT_NEAR(report.clean_matrix->high, 1 - std::pow(1 - report.clean_cell->high, 200), 1e-12);
  for (std::string const& text : {to_terminal(report, {}), to_markdown(report), to_json(report)}) {
    EXPECT_THAT(text, HasSubstr("every-operation 3%"));
    EXPECT_THAT(text, Not(HasSubstr("nan")));
  }
  EXPECT_THAT(to_terminal(report, {}), HasSubstr("≥ 99 % in 20 s: yes"));
  EXPECT_THROW(calibration_report(store, 99, {}), UserError);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace churn::gate
