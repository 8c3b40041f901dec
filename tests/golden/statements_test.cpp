// Each sentence of a report, on figures that it is true of and on figures that it is false of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "harness/core/random.hpp"
#include "results/report/measured.hpp"
#include "results/report/report.hpp"

namespace churn::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = Statement::Kind;

Estimate ranged(double low, double high, statistics::Spread spread = statistics::Spread::interval) {
  return {(low + high) / 2, low, high, 10, spread};
}

struct RowMaker {
  std::string allocator;
  Standing standing = Standing::behind;
  std::optional<Estimate> ratio, memory;
};

Row row_of(RowMaker const& made, bool is_baseline = false) {
  Row row;
  row.key.allocator.name = made.allocator;
  row.key.workload.name = "malloc/larson";
  row.standing = made.standing;
  row.ratio = made.ratio;
  row.memory_ratio = made.memory;
  row.is_baseline = is_baseline;
  row.metrics["time_per_op_ns"] = ranged(10, 11);
  row.invocations = row.ok_invocations = 10;
  return row;
}

Report report_of(std::vector<RowMaker> const& rows, Standing baseline = Standing::behind) {
  Report report;
  report.run.matrix = "quick";
  report.run.rounds = 10;
  report.run.finished = true;
  Block block;
  block.workload.name = "malloc/larson";
  block.baseline = "glibc";
  block.rows.push_back(row_of({"glibc", baseline, ranged(1, 1), ranged(1, 1)}, true));
  for (auto const& row : rows) block.rows.push_back(row_of(row));
  report.blocks.push_back(std::move(block));
  return report;
}

std::string said(Report const& report, Kind kind, Measurements const& measurements = {}) {
  std::string text;
  for (auto const& each : statements_of(report, measurements)) {
    if (each.kind == kind) text += each.text + '\n';
  }
  return text;
}

std::string block_said(std::vector<RowMaker> const& rows, Standing baseline = Standing::behind) {
  return said(report_of(rows, baseline), Kind::block);
}

TEST(Statements, OneLeaderOnlyWhereOneIsAlone) {
  EXPECT_THAT(block_said({{"jemalloc", Standing::winner, ranged(.8, .82), {}}}),
              HasSubstr("jemalloc leads: 18 to 20 % less time than glibc"));
  auto const two = block_said({{"jemalloc", Standing::tied, ranged(.8, .82), {}},
                               {"tcmalloc", Standing::tied, ranged(.79, .83), {}}});
  EXPECT_THAT(two, HasSubstr("jemalloc and tcmalloc share the top group: 17 to 21 % less time"));
  EXPECT_THAT(two, Not(HasSubstr("leads")));
}

TEST(Statements, NobodyIsAheadWhereNobodyIsSeparated) {
  auto const text = block_said({{"jemalloc", Standing::tied, ranged(.8, .82), {}}}, Standing::tied);
  EXPECT_THAT(text, HasSubstr("the 2 back ends are not separated"));
  EXPECT_THAT(text, Not(HasSubstr("less time")));
}

TEST(Statements, AheadOfTheBaselineOnlyWhereTheIntervalSaysSo) {
  auto const against = [](double low, double high) {
    return block_said({{"jemalloc", Standing::winner, ranged(low, high), {}}});
  };
  EXPECT_THAT(against(.9, .95), HasSubstr("5 to 10 % less time than glibc"));
  EXPECT_THAT(against(.9, 1.01), HasSubstr("no proven difference to glibc (0.9 to 1.01 times"));
  EXPECT_THAT(against(.9, 1), Not(HasSubstr("less")));
  EXPECT_THAT(against(1.02, 1.05), HasSubstr("2 to 5 % more time than glibc"));
  EXPECT_THAT(against(1, 1.05), Not(HasSubstr("more")));
  EXPECT_THAT(against(.2, .25), HasSubstr("0.2 to 0.25 times the time of glibc"));
  EXPECT_THAT(against(2, 2.5), HasSubstr("2 to 2.5 times the time of glibc"));
}

TEST(Statements, OneOfTheLeadersThatIsNotAheadTakesTheClaimBack) {
  EXPECT_THAT(block_said({{"jemalloc", Standing::tied, ranged(.8, .82), {}},
                          {"tcmalloc", Standing::tied, ranged(.9, 1.1), {}}}),
              HasSubstr("no proven difference to glibc (0.8 to 1.1 times"));
}

TEST(Statements, ALeaderWithoutARatioIsNotSaidToBeAhead) {
  EXPECT_THAT(block_said({{"jemalloc", Standing::tied, ranged(.8, .82), {}},
                          {"tcmalloc", Standing::tied, {}, {}}}),
              Not(HasSubstr("less time")));
}

TEST(Statements, MemoryIsOfTheLeadersAndNotOfOthers) {
  auto const of = [](Estimate const& memory) {
    return block_said({{"jemalloc", Standing::winner, ranged(.8, .82), memory},
                       {"scudo", Standing::behind, ranged(2, 3), ranged(7, 8)}});
  };
  EXPECT_THAT(of(ranged(1.2, 1.3)), HasSubstr("at 1.2 to 1.3 times its peak memory"));
  EXPECT_THAT(of(ranged(.5, .6)), HasSubstr("at 0.5 to 0.6 times its peak memory"));
  EXPECT_THAT(of(ranged(.5, .6)), Not(HasSubstr("8 times")));
}

TEST(Statements, TheBaselineAmongTheLeadersIsNamedAndNotComparedWithItself) {
  auto const text = block_said({{"jemalloc", Standing::tied, ranged(.9, .95), {}},
                                {"scudo", Standing::behind, ranged(2, 3), {}}},
                               Standing::tied);
  EXPECT_THAT(text, HasSubstr("glibc and jemalloc share the top group; beside the baseline, 5 to"));
  auto const alone = block_said({{"scudo", Standing::behind, ranged(2, 3), {}}}, Standing::winner);
  EXPECT_THAT(alone, HasSubstr("glibc leads."));
}

TEST(Statements, RangesAndIntervalsAreCalledWhatTheyAre) {
  auto const of = [](statistics::Spread spread) {
    return block_said({{"jemalloc", Standing::winner, ranged(.8, .82, spread), {}}});
  };
  EXPECT_THAT(of(statistics::Spread::range), HasSubstr("(ranges over 10 rounds)"));
  EXPECT_THAT(of(statistics::Spread::interval), HasSubstr("(95 % intervals over 10 rounds)"));
}

TEST(Statements, WhatIsNotRankedHasTheReasonAndNoLeader) {
  auto report =
      report_of({{"jemalloc", Standing::unranked, ranged(.1, .2), {}}}, Standing::unranked);
  report.blocks[0].verdict = "not ranked: more threads than cores";
  EXPECT_EQ(said(report, Kind::block), "not ranked: more threads than cores.\n");
}

TEST(Statements, FailuresAreCountedAndNamedAndOtherwiseNotSpokenOf) {
  auto report = report_of({{"jemalloc", Standing::winner, ranged(.8, .82), {}}});
  EXPECT_THAT(said(report, Kind::failures), IsEmpty());
  EXPECT_THAT(said(report, Kind::run), HasSubstr("2 cells in 10 rounds; all of them gave figures"));
  auto& row = report.blocks[0].rows[1];
  row.outcome = Outcome::crashed;
  row.metrics.clear();
  row.standing = Standing::unranked;
  EXPECT_EQ(said(report, Kind::failures), "1 cell failed: jemalloc/malloc/larson@1 (crashed).\n");
  EXPECT_THAT(said(report, Kind::run), HasSubstr("1 of them gave figures"));
  row.outcome = Outcome::not_applicable;
  EXPECT_THAT(said(report, Kind::failures), IsEmpty());
  report.unmeasured_cells = 2;
  EXPECT_THAT(said(report, Kind::failures), HasSubstr("2 cells not measured"));
}

TEST(Statements, ARunThatDidNotFinishSaysSo) {
  auto report = report_of({});
  EXPECT_THAT(said(report, Kind::run), Not(HasSubstr("did not finish")));
  report.run.finished = false;
  EXPECT_THAT(said(report, Kind::run), HasSubstr("the run did not finish"));
}

TEST(Statements, TheMachineIsGradedByHowFarProcessesLieApart) {
  auto const graded = [](double share) {
    Measurements measurements;
    for (std::int64_t cell = 0; cell < 3; ++cell) {
      for (std::uint32_t round = 0; round < 3; ++round) {
        measurements[cell].times.push_back({round, 100 * (1 + share / 2 * (round - 1.0)), {}});
      }
    }
    // One cell alone says nothing of the machine.
    measurements[2].times[2].value = 1000;
    return said(report_of({}), Kind::noise, measurements);
  };
  EXPECT_THAT(graded(.01), HasSubstr("was quiet: in half of the cells the fastest and the slowest "
                                     "process lie at least 1 % of the median apart"));
  EXPECT_THAT(graded(.04), HasSubstr("fairly quiet"));
  EXPECT_THAT(graded(.1), HasSubstr("was noisy"));
  EXPECT_THAT(graded(.4), HasSubstr("very noisy"));
  EXPECT_THAT(said(report_of({}), Kind::noise), IsEmpty());
}

TEST(Statements, TheSmallestMeanIsThatOfTheFirstAndOnlyWhereThereIsAMean) {
  auto report = report_of({});
  Overall overall;
  overall.title = "all malloc workloads";
  overall.baseline = "glibc";
  overall.workloads = 6;
  overall.rows.push_back({"tcmalloc", ranged(.4, .5), {}, 2, 3, 1, 0});
  overall.rows.push_back({"glibc", ranged(1, 1), {}, 0, 0, 6, 0});
  report.overall.push_back(overall);
  EXPECT_THAT(said(report, Kind::overall),
              HasSubstr("that of tcmalloc, 0.450 times that of glibc over 6 workloads (95 %: 0.4 "
                        "to 0.5); it is in the top group of 5 of 6 comparisons"));
  report.overall[0].rows[0].time.reset();
  EXPECT_THAT(said(report, Kind::overall), IsEmpty());
}

// Whatever the interval, the numbers of the sentence hold all of it.
TEST(Statements, NoSentenceIsNarrowerThanItsInterval) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    double const low = std::exp(4 * (random.unit() - 0.5));
    double const high = low * (1 + random.unit() * 0.3);
    auto const text = block_said({{"jemalloc", Standing::winner, ranged(low, high), {}}});
    double first = 0, last = 0;
    auto const numbers = [&](char const* form) {
      auto const at = text.find(form[0] == '(' ? "(" : ": ");
      int const read = std::sscanf(text.c_str() + at, form, &first, &last);
      if (read == 1) last = first;
      return read >= 1;
    };
    if (text.find("no proven") != std::string::npos) {
      ASSERT_TRUE(numbers("(%lf to %lf")) << text;
      ASSERT_LE(low, 1) << text;
      ASSERT_GE(high, 1) << text;
    } else {
      ASSERT_TRUE(numbers(": %lf to %lf")) << text;
    }
    if (text.find("less time") != std::string::npos) {
      double const most = 1 - first / 100;
      first = 1 - last / 100;
      last = most;
    } else if (text.find("more time") != std::string::npos) {
      first = 1 + first / 100;
      last = 1 + last / 100;
    }
    ASSERT_LE(first, low + 1e-9) << text;
    ASSERT_GE(last, high - 1e-9) << text;
  }
}

}  // namespace
}  // namespace churn::report
