// What a try makes of what it measured: simulated runs in a real store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "harness/try/findings.hpp"
#include "harness/try/own_figure.hpp"
#include "harness/try/pace.hpp"
#include "harness/try/session.hpp"
#include "results/report/text.hpp"
#include "results/statistics/best.hpp"

namespace churn::trial {
namespace {

using statistics::Standing;
using testing::HasSubstr;
using testing::Not;

double normal(Random& random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += random.unit();
  return sum - 6;
}

struct Simulated {
  std::string name;
  double time = 1, memory = 1;  // of each variant, relative
  int fails_in_round = -1;
};

// A store in a directory of its own, with a try in it.
class Trial : public testing::Test {
 protected:
  Trial() {
    std::string path = "/tmp/churn-trial-XXXXXX";
    directory_ = mkdtemp(path.data());
  }
  ~Trial() override { std::filesystem::remove_all(directory_); }

  // Rounds share their drift; what is left is the spread of each run.
  Findings measured(std::vector<Simulated> const& variants, std::uint32_t rounds, double spread,
                    Question const& question = {}) {
    store::Store store(directory_ + "/churn.db", store::Store::Access::create);
    store::Run run;
    run.kind = run_kind;
    run.rounds = most_rounds;
    std::int64_t const id = store.add_run(run, {});
    std::vector<std::int64_t> cells;
    for (Simulated const& each : variants) {
      store::Cell cell;
      cell.run_id = id;
      cell.key.allocator.name = each.name;
      cell.key.workload = {"command", {{"line", "sort words"}}};
      cell.op = "one run of the command";
      cell.ops_per_sample = 1;
      cells.push_back(store.add_cell(cell));
    }
    Random random(7);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      double const drift = 1 + 0.2 * random.unit();
      for (std::size_t i = 0; i < variants.size(); ++i) {
        store.add_invocation(run_of(cells[i], variants[i], round, drift, spread, random));
      }
    }
    return findings_of(store, 0, question);
  }

 private:
  static store::Invocation run_of(std::int64_t cell, Simulated const& variant, std::uint32_t round,
                                  double drift, double spread, Random& random) {
    store::Invocation row;
    row.cell_id = cell;
    row.round = round;
    row.record = "{}";
    if (static_cast<int>(round) == variant.fails_in_round) {
      row.outcome = Outcome::crashed;
      row.reason = "was killed by SIGSEGV (Segmentation fault)\nfirst line\n\x1b[2Jlast line";
      return row;
    }
    row.outcome = Outcome::ok;
    double const ns = 1e9 * variant.time * drift * std::exp(spread * normal(random));
    row.sample_ns = {static_cast<std::uint64_t>(ns)};
    row.wall_ns = row.sample_ns[0];
    row.figures = {{peak, 1e8 * variant.memory * std::exp(0.002 * normal(random))}, {cpu, ns}};
    row.rss_time_line = {{0, 1'000'000}, {row.wall_ns, 100'000'000}};
    return row;
  }

  std::string directory_;
};

Contender const& of(Findings const& findings, std::string const& name) {
  for (Contender const& each : findings.contenders) {
    if (each.name.name == name) return each;
  }
  throw std::out_of_range(name);
}

TEST_F(Trial, ALibraryAndItsCopyShowNoDifference) {
  auto const found = measured({{"./a.so"}, {"./copy.so"}}, 12, 0.01);
  EXPECT_EQ(of(found, "./a.so").standing, Standing::tied);
  EXPECT_EQ(of(found, "./copy.so").standing, Standing::tied);
  EXPECT_THAT(found.advice, HasSubstr("no difference worth having"));
  EXPECT_THAT(found.advice, HasSubstr("95 % sure"));
}

TEST_F(Trial, WhatIsFasterIsAdvisedWithItsMemory) {
  auto const found = measured({{"glibc"}, {"quick", 0.8, 1.5}, {"slow", 1.3}}, 10, 0.01);
  EXPECT_EQ(of(found, "quick").standing, Standing::winner);
  EXPECT_EQ(found.contenders.front().name.name, "quick");
  EXPECT_THAT(found.advice, HasSubstr("Use quick: glibc is "));
  EXPECT_THAT(found.advice, HasSubstr("more memory than glibc"));
  EXPECT_TRUE(of(found, "glibc").on_front);
  EXPECT_FALSE(of(found, "slow").on_front);
}

TEST_F(Trial, OfEqualOnesTheLighterIsAdvised) {
  auto const found = measured({{"glibc", 1.3}, {"heavy", 0.99, 2}, {"light", 1, 1}}, 12, 0.02);
  EXPECT_THAT(found.advice, HasSubstr("Use light"));
  EXPECT_THAT(found.advice, HasSubstr("heavy is not proven to be slower"));
}

TEST_F(Trial, AsFastWithLessMemoryIsSaid) {
  auto const found = measured({{"glibc", 1, 2}, {"light", 1, 1}}, 20, 0.005);
  EXPECT_THAT(found.advice, HasSubstr("Keep glibc"));
  EXPECT_THAT(found.advice, HasSubstr("But light, which is not proven to be slower"));
  EXPECT_THAT(found.advice, HasSubstr("less, by medians"));
}

TEST_F(Trial, WhatCannotBeToldIsSaidToBeOpen) {
  auto const found = measured({{"glibc"}, {"other"}}, 6, 0.2);
  EXPECT_THAT(found.advice, HasSubstr("Keep glibc for now"));
  EXPECT_THAT(found.advice, Not(HasSubstr("no difference")));
}

TEST_F(Trial, FewerThanThreeRoundsAreNoAdvice) {
  auto const found = measured({{"glibc"}, {"quick", 0.5}}, 2, 0.01);
  EXPECT_THAT(found.advice, HasSubstr("three rounds are needed"));
  EXPECT_THAT(found.verdict, HasSubstr("not ranked"));
}

TEST_F(Trial, WhatFailedOnceHasNoTimeAndIsShownWithItsLastLines) {
  auto const found = measured({{"glibc"}, {"broken", 0.5, 1, 3}, {"fine", 1.1}}, 8, 0.01);
  Contender const& broken = of(found, "broken");
  EXPECT_TRUE(broken.figures.empty());
  EXPECT_EQ(broken.ok_runs, 7U);
  EXPECT_EQ(found.contenders.back().name.name, "broken");
  std::string const text = to_terminal(found, {});
  EXPECT_THAT(text, HasSubstr("broken: crashed, 7/8 ok: was killed by SIGSEGV"));
  EXPECT_THAT(text, HasSubstr("  | \\x1b[2Jlast line"));  // harmless
  EXPECT_THAT(found.advice, HasSubstr("What failed has no part in it"));
}

TEST_F(Trial, RanksByWhatIsAskedFor) {
  Question question;
  question.by = By::memory;
  auto const found = measured({{"glibc", 1, 1}, {"light", 1.5, 0.5}}, 8, 0.01, question);
  EXPECT_EQ(of(found, "light").standing, Standing::winner);
  EXPECT_THROW(parse_by("beauty"), UserError);
}

TEST_F(Trial, LinesFitIntoTheirColumns) {
  auto const found = measured({{"glibc"},
                               {"jemalloc{MALLOC_CONF=background_thread:true,narenas:1}", 0.9},
                               {"a-third-one", 1.2}},
                              8, 0.01);
  std::string const text = to_terminal(found, {false, 80, true});
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    EXPECT_LE(report::width_of(text.substr(begin, end - begin)), 80U);
  }
}

TEST(Pace, LooksAreFew) {
  std::vector<std::uint32_t> looks;
  for (std::uint32_t rounds = 0; rounds < 50; ++rounds) {
    if (is_look(rounds)) looks.push_back(rounds);
  }
  EXPECT_THAT(looks, testing::ElementsAre(5, 7, 10, 14, 20, 28, 40));
}

struct Rates {
  double best_missing = 0, no_difference = 0, mean_rounds = 0;
};

// Tries that stop when they have said it all, or after forty rounds.
Rates simulate(std::vector<double> const& shifts, double spread, int tries) {
  Random random(3);
  Rates rates;
  for (int i = 0; i < tries; ++i) {
    std::vector<statistics::Series> series(shifts.size());
    std::uint32_t round = 0;
    for (; round < 40 && !(is_look(round) && says_it_all(series, 0.02)); ++round) {
      for (std::size_t each = 0; each < shifts.size(); ++each) {
        series[each].push_back({round, std::exp(shifts[each] + spread * normal(random))});
      }
    }
    auto const against = statistics::against_best(statistics::Differences(series));
    bool missing = false, all = true;
    for (std::size_t each = 0; each < shifts.size(); ++each) {
      missing |= shifts[each] == 0 && !against[each].in_top_group;
      all &= against[each].in_top_group;
    }
    rates.best_missing += missing;
    rates.no_difference += all;
    rates.mean_rounds += round;
  }
  for (double* const each : {&rates.best_missing, &rates.no_difference, &rates.mean_rounds}) {
    *each /= tries;
  }
  return rates;
}

TEST(Pace, StoppingEarlyDoesNotInventDifferences) {
  for (double const spread : {0.005, 0.02, 0.08}) {
    Rates const equal = simulate({0, 0, 0, 0, 0, 0}, spread, 400);
    EXPECT_LT(equal.best_missing, 0.05) << spread;
    Rates const different = simulate({0, 0, 0.05, 0.1, 0.1, 0.2}, spread, 400);
    EXPECT_LT(different.best_missing, 0.05) << spread;
    RecordProperty("mean rounds", std::to_string(equal.mean_rounds));
  }
  Rates const clear = simulate({0, 0.1}, 0.005, 200);
  EXPECT_EQ(clear.no_difference, 0);
  EXPECT_LT(clear.mean_rounds, 8);
}

TEST(OwnFigureOf, OutputInPieces) {
  OwnFigure figure("took ([0-9.]+) ms");
  for (std::string_view const piece :
       {"step to", "ok 3", ".5 ms\nste", "p took 4 ms\rtook x ms\n", "took 7.25 ms"}) {
    figure.take(piece);
  }
  EXPECT_EQ(figure.found(), 7.25);
}

TEST(OwnFigureOf, WithoutAGroupTheWholeMatch) {
  OwnFigure figure("[0-9]+$");
  figure.take("a 12\nb 13\nc\n");
  EXPECT_EQ(figure.found(), 13);
}

TEST(OwnFigureOf, EndlessLinesAndNoNumbers) {
  OwnFigure figure("x+ (.*)");
  figure.take(std::string(1'000'000, 'x'));
  figure.take(" 5\n");
  EXPECT_EQ(figure.found(), std::nullopt);
  figure.take("x nan\nx 1e999\nx 0x10\nx \n");
  EXPECT_EQ(figure.found(), std::nullopt);
}

TEST(OwnFigureOf, BadExpressions) {
  EXPECT_THROW(OwnFigure("("), UserError);
  EXPECT_THROW(OwnFigure("([0-9]+)-([0-9]+)"), UserError);
}

TEST(Signals, ByNameAndNumber) {
  EXPECT_EQ(parse_signal("TERM"), SIGTERM);
  EXPECT_EQ(parse_signal("SIGINT"), SIGINT);
  EXPECT_EQ(parse_signal("9"), SIGKILL);
  for (char const* const bad : {"", "TERMINATE", "0", "-1", "9x", "1000"}) {
    EXPECT_THROW(parse_signal(bad), UserError) << bad;
  }
}

class Variants : public testing::Test {
 protected:
  static std::vector<std::string> names(VariantWish const& wish) {
    std::vector<std::string> result;
    for (Variant const& each : make_variants(wish, allocators::Catalogue("/nowhere"))) {
      result.push_back(store::spelled(each.name));
    }
    return result;
  }
};

TEST_F(Variants, AreCrossedWithWhatVaries) {
  EXPECT_THAT(
      names({"glibc", false, {"A=1,2", "B=x,"}}),
      testing::ElementsAre("glibc{A=1;B=x}", "glibc{A=1;B=}", "glibc{A=2;B=x}", "glibc{A=2;B=}"));
}

TEST_F(Variants, TunedOnesAreThoseOfTheCatalogue) {
  EXPECT_GT(names({"glibc", true, {}}).size(), 2U);
  EXPECT_EQ(names({std::nullopt, false, {}}).front(), "glibc");
}

TEST_F(Variants, RefusesWhatMakesNoSense) {
  EXPECT_THROW(names({"glibc,glibc", false, {}}), UserError);
  EXPECT_THROW(names({"glibc", false, {"A"}}), UserError);
  EXPECT_THROW(names({"glibc", false, {"=1"}}), UserError);
  EXPECT_THROW(names({"glibc", false, {"1A=1"}}), UserError);
  EXPECT_THROW(names({"glibc", false, {"A=1,1"}}), UserError);
  EXPECT_THROW(names({"glibc", false, {"A=1", "A=2"}}), UserError);
  EXPECT_THROW(names({"glibc", false, {"LD_PRELOAD=x"}}), UserError);
  EXPECT_THROW(names({"glibc{MALLOC_ARENA_MAX=1}", false, {"MALLOC_ARENA_MAX=2"}}), UserError);
  EXPECT_THROW(names({"glibx", false, {}}), UserError);
}

TEST_F(Variants, UnchangedGoesInFrontOncePerSetting) {
  auto variants = make_variants({"glibc,glibc{MALLOC_ARENA_MAX=1}", false, {"A=1,2"}},
                                allocators::Catalogue("/nowhere"));
  put_unchanged_first(variants, {"/lib/libc.so.6", "/lib/libjemalloc.so.2"});
  std::vector<std::string> found;
  for (Variant const& each : variants) found.push_back(store::spelled(each.name));
  EXPECT_THAT(found, testing::ElementsAre("unchanged{A=1}", "unchanged{A=2}", "glibc{A=1}",
                                          "glibc{A=2}", "glibc{A=1;MALLOC_ARENA_MAX=1}",
                                          "glibc{A=2;MALLOC_ARENA_MAX=1}"));
  EXPECT_EQ(variants[0].library, "");
  EXPECT_EQ(variants[2].library, "/lib/libc.so.6");
}

}  // namespace
}  // namespace churn::trial
