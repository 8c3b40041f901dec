// Findings for continuous integration where they are many, long or of a gate: limits are kept, the
// gravest are kept, and what has no answer is never green.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "harness/gate/output.hpp"
#include "results/export/findings.hpp"
#include "tests/golden/synthetic_run.hpp"

namespace churn::exporting {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Finding finding(std::string name, State state, double gravity, std::string reason = "") {
  Finding made;
  made.name = std::move(name);
  made.group = "malloc/larson";
  made.state = state;
  made.verdict = state == State::good ? "pass" : "regression";
  made.reason = std::move(reason);
  made.columns = {"+3.0 %"};
  made.figures = {{"steady_time_ratio", "ratio", gravity, {}, {}}};
  made.gravity = gravity;
  return made;
}

Findings many(std::size_t good, std::size_t bad, std::string const& reason) {
  Findings all;
  all.subject = "gate";
  all.verdict = "regression";
  all.again = "churn gate --replay 7";
  all.titles = {"steady"};
  for (std::size_t i = 0; i < good; ++i) {
    all.findings.push_back(finding("good" + std::to_string(i), State::good, 1, reason));
  }
  for (std::size_t i = 0; i < bad; ++i) {
    all.findings.push_back(
        finding("bad" + std::to_string(i), State::bad, 1 + 0.01 * static_cast<double>(i), reason));
  }
  complete(all);
  return all;
}

TEST(Findings, AMarkdownCommentKeepsItsLimitAndTheGravest) {
  // Every byte of these becomes several when it is made harmless.
  for (std::string const& reason :
       {std::string("slower"), std::string(5000, '|'), std::string(5000, '\x80')}) {
    std::string const text = to_markdown(many(3000, 30, reason), most_comment_bytes);
    EXPECT_LE(text.size(), most_comment_bytes);
    EXPECT_THAT(text, AllOf(HasSubstr("| bad29 |"), HasSubstr("do not fit here"),
                            HasSubstr("churn gate --replay 7")));
    EXPECT_LT(text.find("| bad29 |"), text.find("| bad28 |"));
  }
  EXPECT_THAT(to_markdown(many(3, 1, "slower"), most_comment_bytes), Not(HasSubstr("not fit")));
}

TEST(Findings, AnnotationsAreTenOfAKindAndTheLastOneCountsTheRest) {
  std::istringstream text(render(many(100, 45, "slower"), "github"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 10u);
  EXPECT_THAT(lines[0], HasSubstr("bad44"));
  EXPECT_THAT(lines[9], HasSubstr("36 more cells"));
  std::string const ten = render(many(0, 10, "slower"), "github");
  EXPECT_EQ(std::count(ten.begin(), ten.end(), '\n'), 10);
  EXPECT_THAT(ten, Not(HasSubstr("more cells")));
  EXPECT_EQ(render(many(10, 0, ""), "github"), "");
}

TEST(Findings, AnnotationsEndWhereTheyShould) {
  Findings all = many(0, 1, "100 %\n::error::forged");
  std::string const text = render(all, "github");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("100 %25"));
}

TEST(Findings, NamesAreUnique) {
  Findings all;
  for (int i = 0; i < 3; ++i) all.findings.push_back(finding("twin", State::good, 1));
  complete(all);
  EXPECT_EQ(all.findings[0].name, "twin");
  EXPECT_EQ(all.findings[2].name, "twin #3");
}

TEST(Findings, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abc...");
  EXPECT_EQ(shortened("µµµµµµµ", 6), "µµµ...");
}

// ---- of a gate ----

gate::Replay judged(std::vector<gate::Verdict> const& verdicts) {
  gate::Replay replay;
  replay.run.id = 7;
  replay.gate.baseline = "glibc";
  replay.gate.candidate = synthetic::hostile_name;
  replay.judgement.verdict = gate::Verdict::regression;
  for (auto const verdict : verdicts) {
    replay.cells.push_back({});
    replay.cells.back().name =
        "glibc/malloc/larson{blocks=1000}@" + std::to_string(replay.cells.size());
    gate::JudgedCell cell;
    cell.verdict = verdict;
    if (verdict == gate::Verdict::unmeasured) cell.reason = "candidate crashed: signal 5";
    if (verdict != gate::Verdict::unmeasured && verdict != gate::Verdict::new_cell) {
      cell.answers[0] = gate::Judged{verdict, "", 40, 1.05, 1.04, 1.06, 0.99, 1e-9, {}};
    }
    replay.judgement.cells.push_back(cell);
  }
  return replay;
}

TEST(GateFindings, EveryVerdictHasItsPlaceInJUnit) {
  using gate::Verdict;
  auto const replay = judged({Verdict::pass, Verdict::regression, Verdict::inconclusive,
                              Verdict::unmeasured, Verdict::new_cell});
  std::string const text = render(gate::findings_of(replay, true), "junit");
  EXPECT_THAT(text,
              AllOf(HasSubstr("tests=\"5\" failures=\"1\" errors=\"2\" skipped=\"1\""),
                    HasSubstr("<failure message=\"regression: steady time +5.0 %"),
                    HasSubstr("type=\"inconclusive\""), HasSubstr("unmeasured: candidate crashed"),
                    HasSubstr("<skipped message=\"new")));
}

TEST(GateFindings, WhatDidNotEndIsAnErrorThoughAllCellsPassed) {
  auto replay = judged({gate::Verdict::pass});
  replay.judgement.verdict = gate::Verdict::pass;
  Findings const whole = gate::findings_of(replay, false);
  EXPECT_EQ(whole.state, State::open);
  EXPECT_THAT(render(whole, "junit"), AllOf(HasSubstr("errors=\"1\""), HasSubstr("interrupted")));
  replay.judgement.canaries.unfit = true;
  EXPECT_THAT(render(gate::findings_of(replay, true), "github"), HasSubstr("::warning"));
  EXPECT_EQ(gate::findings_of(judged({gate::Verdict::pass}), true).state, State::good);
}

TEST(GateFindings, FiguresAreRatios) {
  auto const replay = judged({gate::Verdict::regression});
  std::string const text = render(gate::findings_of(replay, true), "bmf");
  EXPECT_THAT(text, AllOf(HasSubstr("steady-time-ratio"), HasSubstr("1.05"),
                          HasSubstr("\"lower_value\": 1.04")));
}

}  // namespace
}  // namespace churn::exporting
