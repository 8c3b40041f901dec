// A gate's session, verdicts and replay on simulated pairs whose truth is known, in a real store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "harness/core/error.hpp"
#include "harness/gate/output.hpp"
#include "harness/gate/protocol.hpp"
#include "harness/gate/replay.hpp"
#include "harness/gate/resume.hpp"
#include "harness/gate/session.hpp"
#include "harness/run/execution.hpp"
#include "tests/gate/simulated.hpp"

namespace churn::gate {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "churn-gate-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw UserError("no temporary directory");
    path_ = path;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(char const* name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

GatePlan plan_of(std::vector<std::string> const& names, std::uint64_t seed = 42) {
  GatePlan plan;
  plan.baseline = "old";
  plan.candidate = "new";
  plan.plan.seed = seed;
  for (std::string const& name : names) {
    Pairing pairing{name, plan.plan.cells.size(), plan.plan.cells.size() + 1};
    for (char const* const side : {"old", "new"}) {
      run::PlannedCell cell;
      cell.key.allocator.name = side;
      cell.key.workload.name = name;
      plan.plan.cells.push_back(cell);
    }
    plan.pairings.push_back(pairing);
  }
  return plan;
}

class Gate : public testing::Test {
 protected:
  // Runs it into the store; what the store then replays to.
  Replay run(GatePlan const& plan, SimulatedMeasurer& measurer) {
    store::Run row;
    row.seed = plan.plan.seed;
    row.plan = "{}";
    row.kind = "gate";
    run_id_ = store_.add_run(row, store::Machine{"fingerprint", {}});
    for (auto const& cell : plan.plan.cells) store_.add_cell(run::unprepared_row(cell, run_id_));
    begin_gate(plan, store_, run_id_);
    complete_ = run_gate({&measurer}, plan, store_, run_id_);
    return replay(store_, run_id_);
  }
  Replay run(std::map<std::string, Truth> const& truths, std::uint64_t seed = 42) {
    std::vector<std::string> names;
    for (auto const& [name, truth] : truths) names.push_back(name);
    SimulatedMeasurer measurer(truths, seed);
    return run(plan_of(names, seed), measurer);
  }
  static Verdict verdict_of(Replay const& replay, std::string const& name, Question question) {
    for (std::size_t i = 0; i < replay.cells.size(); ++i) {
      auto const& answer = replay.judgement.cells[i].answers[static_cast<std::size_t>(question)];
      if (replay.cells[i].name == name) return answer ? answer->verdict : Verdict::unmeasured;
    }
    return Verdict::new_cell;
  }

  TemporaryDirectory directory_;
  store::Store store_{directory_ / "churn.db", store::Store::Access::create};
  std::int64_t run_id_ = 0;
  bool complete_ = false;
};

// ---- verdicts ----

TEST_F(Gate, PassesWhatIsTheSame) {
  Replay const found = run({{"malloc/a", {}}, {"malloc/b", {}}, {"malloc/c", {}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::pass);
  for (auto const& cell : found.evidence) EXPECT_TRUE(cell.fresh.pairs.empty());
  EXPECT_TRUE(complete_);
}

TEST_F(Gate, FindsTheSlowCellAndOnlyThat) {
  Replay const found = run({{"malloc/same", {}}, {"malloc/slow", {.slower = 0.03}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/slow", Question::steady_time), Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/slow", Question::total_time), Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/slow", Question::peak_memory), Verdict::pass);
  EXPECT_EQ(verdict_of(found, "malloc/same", Question::steady_time), Verdict::pass);
  std::size_t const slow = found.cells[0].name == "malloc/slow" ? 0 : 1;
  JudgedCell const& cell = found.judgement.cells[slow];
  EXPECT_EQ(cell.answers[0]->pairs, found.evidence[slow].fresh.pairs.size());
  EXPECT_NEAR(*cell.answers[0]->ratio, 1.03, 0.01);
  EXPECT_LT(*cell.answers[0]->low, *cell.answers[0]->ratio);
  EXPECT_LE(cell.answers[0]->p, found.rule.family);
  EXPECT_GE(found.judgement.canaries.pairs, 15u) << "no regression without canaries";
}

TEST_F(Gate, FindsMoreMemory) {
  Replay const found = run({{"malloc/big", {.bigger = 0.05}}});
  EXPECT_EQ(verdict_of(found, "malloc/big", Question::peak_memory), Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/big", Question::steady_time), Verdict::pass);
}

TEST_F(Gate, LetsAFasterCandidatePass) {
  Replay const found = run({{"malloc/fast", {.slower = -0.2, .bigger = -0.3}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::pass);
}

TEST_F(Gate, FindsWhatIsKeptWhenAllWasFreed) {
  Replay const found = run({{"malloc/keeps", {.left_more = 0.1}}});
  EXPECT_EQ(verdict_of(found, "malloc/keeps", Question::left_bytes), Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/keeps", Question::peak_memory), Verdict::pass);
}

// The peak is 5 % larger, of which a fifth is the program itself.
TEST_F(Gate, FindsBlowUp) {
  Replay const found = run({{"malloc/big", {.bigger = 0.1}}});
  EXPECT_EQ(verdict_of(found, "malloc/big", Question::blow_up), Verdict::regression);
}

TEST_F(Gate, FindsASlowTailThatTimesHardlyShow) {
  for (double const slower : {0.0, 0.2}) {
    SimulatedMeasurer measurer({{"malloc/tail", {.tail_slower = slower}}}, 3);
    measurer.batches = 1500;
    GatePlan plan = plan_of({"malloc/tail"});
    plan.rule.tails = 1;
    Replay const found = run(plan, measurer);
    EXPECT_EQ(verdict_of(found, "malloc/tail", Question::tail),
              slower > 0 ? Verdict::regression : Verdict::pass);
    EXPECT_EQ(disagreement(store_, found), "") << "its draws are part of the rule";
  }
}

// Slower by 40 % in its collections alone, a quarter of which go to them.
TEST_F(Gate, FindsSlowCollectionsInTheTotalAlone) {
  Replay const found = run({{"managed/a", {.collections_slower = 0.4, .collect_every = 3}}});
  EXPECT_EQ(verdict_of(found, "managed/a", Question::total_time), Verdict::regression);
  EXPECT_EQ(verdict_of(found, "managed/a", Question::steady_time), Verdict::pass);
}

// One process of four is slower by a third, the others are the same.
TEST_F(Gate, FindsASlowModeAndTellsOfItWhereTheCostIsNotFlagged) {
  Replay const found =
      run({{"malloc/moody", {.noise = 0.03, .mode_share = 0.25, .mode_slower = 0.33}}}, 8);
  EXPECT_EQ(found.judgement.verdict, Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/moody", Question::slow_mode), Verdict::regression);
  Replay const throughout = run({{"malloc/slow", {.slower = 0.3}}});
  EXPECT_FALSE(throughout.judgement.cells[0].answers[3]) << "slower throughout is no mode";
}

TEST_F(Gate, SaysHowBlindItIsOnANoisyMachine) {
  SimulatedMeasurer measurer({{"malloc/noisy", {.slower = 0.01, .noise = 0.2}}}, 43);
  measurer.seconds_a_pair = 0.1;
  Replay const found = run(plan_of({"malloc/noisy"}), measurer);
  EXPECT_EQ(found.judgement.verdict, Verdict::inconclusive);
  Judged const& answer = *found.judgement.cells[0].answers[0];
  ASSERT_TRUE(answer.minimum_detectable_effect);
  EXPECT_GT(*answer.minimum_detectable_effect, 0.05);
  EXPECT_LT(*answer.minimum_detectable_effect, 0.3);
  EXPECT_EQ(answer.pairs, 135u) << "what the budget has room for, canaries included";
}

TEST_F(Gate, AnOpenCellGetsWhatTheOthersLeft) {
  Truth const noisy{.noise = 0.05};
  auto const gate = [&](std::map<std::string, Truth> const& truths,
                        std::vector<std::string> const& names) {
    SimulatedMeasurer measurer(truths, 44);
    measurer.seconds_a_pair = 0.5;
    Replay found = run(plan_of(names), measurer);
    EXPECT_EQ(disagreement(store_, found), "");
    return found;
  };
  Replay const alone = gate({{"malloc/noisy", noisy}}, {"malloc/noisy"});
  EXPECT_EQ(alone.judgement.verdict, Verdict::inconclusive);
  EXPECT_EQ(alone.evidence[0].first.pairs.size(), 25u);
  Replay const among = gate({{"malloc/noisy", noisy}, {"malloc/a", {}}, {"malloc/b", {}}},
                            {"malloc/a", "malloc/b", "malloc/noisy"});
  EXPECT_EQ(among.judgement.verdict, Verdict::pass);
  EXPECT_GT(among.evidence[2].first.pairs.size(), 25u);
}

TEST_F(Gate, IsInconclusiveWhereTheBudgetEndsBeforeALook) {
  SimulatedMeasurer measurer({{"malloc/slow", {.slower = 0.5}}}, 1);
  measurer.seconds_a_pair = 5;
  Replay const found = run(plan_of({"malloc/slow"}), measurer);
  EXPECT_EQ(found.judgement.verdict, Verdict::inconclusive);
  EXPECT_LE(found.evidence[0].first.pairs.size(), 4u) << "no pair that cannot bring a look";
  EXPECT_THAT(to_terminal(found, true, {}), HasSubstr("larger --cell-budget"));
}

TEST_F(Gate, AFailureHasAReasonAndNoNumbers) {
  Replay const found = run({{"malloc/bad", {.fails = "killed by SIGSEGV"}}, {"malloc/good", {}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::unmeasured);
  EXPECT_TRUE(found.judgement.failed_cells);
  EXPECT_EQ(verdict_of(found, "malloc/good", Question::steady_time), Verdict::pass);
  EXPECT_THAT(found.judgement.cells[0].reason, HasSubstr("candidate crashed: killed by SIGSEGV"));
  EXPECT_TRUE(found.evidence[0].first.pairs.empty());
}

TEST_F(Gate, ADifferentChecksumIsAWrongAnswer) {
  Replay const found = run({{"malloc/bad", {.wrong_checksum = "bad"}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::unmeasured);
  EXPECT_THAT(found.judgement.cells[0].reason, HasSubstr("wrong-answer"));
}

TEST_F(Gate, ARegressionOutranksAFailedCell) {
  Replay const found = run({{"malloc/bad", {.fails = "x"}}, {"malloc/slow", {.slower = 0.1}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::regression);
  EXPECT_TRUE(found.judgement.failed_cells);
}

TEST_F(Gate, ASideThatIsBusyWhileParkedCannotBeMeasured) {
  Replay const found = run({{"malloc/busy", {.parked_share = 0.2}}});
  EXPECT_EQ(found.judgement.verdict, Verdict::unmeasured);
  EXPECT_THAT(found.judgement.cells[0].reason, HasSubstr("while it was parked"));
  EXPECT_LT(found.evidence[0].first.void_pairs, 20u);
}

// It shows half of a cost, so 4 % slower is 2 %: what is no pass without that being known.
TEST_F(Gate, ACellThatShowsHalfOfACostIsMeasuredByWhatItShows) {
  Truth const slow{.slower = 0.04, .shows = 0.5}, same{.shows = 0.5};
  SimulatedMeasurer measurer({{"malloc/same", same}, {"malloc/slow", slow}}, 3);
  measurer.protocol = "cache-sized";
  GatePlan plan = plan_of({"malloc/same", "malloc/slow"});
  plan.rule.detect = 0.05;
  Replay const found = run(plan, measurer);
  EXPECT_EQ(verdict_of(found, "malloc/slow", Question::steady_time), Verdict::regression);
  EXPECT_EQ(verdict_of(found, "malloc/same", Question::steady_time), Verdict::pass);
  EXPECT_EQ(found.evidence[0].response.pairs.size(), 15u);
  Shown const shown = *found.judgement.cells[0].answers[0]->shown;
  EXPECT_NEAR(shown.estimate, 0.5, 0.1);
  EXPECT_LT(shown.least, shown.estimate);
  EXPECT_FALSE(found.judgement.cells[0].answers[2]->shown) << "memory shows all of it";
  EXPECT_EQ(disagreement(store_, replay(store_, run_id_)), "");
  EXPECT_THAT(to_terminal(found, true, {}), HasSubstr("of a cost it shows"));
  EXPECT_THAT(to_json(found, true), HasSubstr("\"shown_share_least\": "));
}

TEST_F(Gate, DriftingCanariesMakeTheMachineUnfit) {
  SimulatedMeasurer measurer({{"malloc/slow", {.slower = 0.1}}}, 1);
  measurer.canary_drift = 0.05;
  Replay const found = run(plan_of({"malloc/slow"}), measurer);
  EXPECT_TRUE(found.judgement.canaries.unfit);
  EXPECT_EQ(found.judgement.verdict, Verdict::unmeasured);
  EXPECT_FALSE(found.judgement.failed_cells) << "no cell is to blame";
  EXPECT_THAT(to_terminal(found, true, {}), HasSubstr("unfit"));
}

TEST_F(Gate, WhatTheBaselineLacksIsNew) {
  GatePlan plan = plan_of({"malloc/a", "malloc/b"});
  plan.pairings[1].baseline.reset();
  SimulatedMeasurer measurer({{"malloc/a", {}}, {"malloc/b", {.slower = 1}}}, 1);
  Replay const found = run(plan, measurer);
  EXPECT_EQ(found.judgement.verdict, Verdict::pass);
  EXPECT_EQ(found.judgement.cells[1].verdict, Verdict::new_cell);
}

// ---- what a verdict does not depend on ----

std::vector<CellEvidence> reversed(std::vector<CellEvidence> cells) {
  std::reverse(cells.begin(), cells.end());
  return cells;
}

TEST_F(Gate, TheOrderOfCellsIsIrrelevant) {
  Replay const found = run({{"malloc/a", {}},
                            {"malloc/b", {.slower = 0.04}},
                            {"malloc/c", {.bigger = 0.2}},
                            {"malloc/d", {.fails = "x"}}});
  auto const turned = reversed(found.evidence);
  Judgement const again = judge(turned, {}, found.rule);
  std::size_t const count = turned.size();
  for (std::size_t i = 0; i < count; ++i) {
    JudgedCell const &one = found.judgement.cells[i], &other = again.cells[count - 1 - i];
    EXPECT_EQ(one.verdict, other.verdict);
    for (std::size_t q = 0; q < questions.size(); ++q) {
      ASSERT_EQ(one.answers[q].has_value(), other.answers[q].has_value());
      EXPECT_EQ(one.answers[q] ? one.answers[q]->p : 0, other.answers[q] ? other.answers[q]->p : 0);
    }
  }
}

store::GatePair some_pair(std::uint64_t factor) {
  SimulatedMeasurer measurer({{"a", {.slower = 0.1, .collect_every = 3}}}, 7);
  auto pair = *measurer.measure({"a", 0, 1}, {});
  for (store::Invocation* const side : {&pair.baseline, &pair.candidate}) {
    for (auto* const times : {&side->sample_ns, &side->turn_ns}) {
      for (std::uint64_t& each : *times) each *= factor;
    }
  }
  return pair;
}

TEST(EvidenceOf, DoublingAllTimesChangesNothing) {
  Evidence const once = evidence_of(some_pair(1), Clock::wall, {}),
                 twice = evidence_of(some_pair(2), Clock::wall, {});
  EXPECT_DOUBLE_EQ(once.steady, twice.steady);
  EXPECT_DOUBLE_EQ(once.total, twice.total);
  EXPECT_GT(once.steady, 0);
}

TEST(EvidenceOf, TakesWholeCyclesOfCollections) {
  store::Invocation side;
  // Ten collections of 90 behind samples of 10; what lies before the first and after the last is
  // slow.
  std::uint64_t count = 0;
  for (int i = 0; i < 24; ++i) {
    bool const edge = i < 2 || i > 21;
    bool const collects = !edge && i % 2 == 1;
    count += collects;
    side.sample_ns.push_back(edge ? 5000 : collects ? 100 : 10);
    side.sample_full_collections.push_back(count);
  }
  side.sample_collections = side.sample_full_collections;
  ASSERT_EQ(count, 10u);
  EXPECT_DOUBLE_EQ(total_ns_per_sample(side, Clock::wall, true, true), 55);
  EXPECT_GT(total_ns_per_sample(side, Clock::wall, false, true), 800);
}

TEST(EvidenceOf, WhatATurnDoesBesideItsSamplesCounts) {
  store::Invocation side;
  side.sample_ns = {10, 10, 10, 10};
  side.turn_ns = {20, 60};
  EXPECT_DOUBLE_EQ(total_ns_per_sample(side, Clock::wall, false, false), 20);
}

// A sample that waited for a processor took long, and no more work than the others.
TEST(EvidenceOf, ATotalOfOneThreadIsOfCpuTime) {
  store::Invocation side;
  side.sample_ns = {10, 10, 90, 10};
  side.sample_cpu_ns = {9, 9, 9, 9};
  side.turn_ns = {20, 110};
  EXPECT_DOUBLE_EQ(total_ns_per_sample(side, Clock::cpu, false, false), 9);
  EXPECT_DOUBLE_EQ(total_ns_per_sample(side, Clock::wall, false, false), 32.5);
  EXPECT_EQ(clock_of("small"), Clock::cpu);
  EXPECT_EQ(clock_of("threads"), Clock::wall) << "where threads wait for each other";
  side.sample_cpu_ns.clear();
  EXPECT_DOUBLE_EQ(total_ns_per_sample(side, Clock::cpu, false, false), 32.5);
}

// ---- the store ----

TEST_F(Gate, ReplaysToWhatWasStored) {
  Replay const found = run({{"malloc/a", {}}, {"malloc/b", {.slower = 0.05}}});
  EXPECT_EQ(found.gate.verdict, "regression");
  EXPECT_EQ(disagreement(store_, found), "");
  EXPECT_EQ(store_.gate_verdicts(run_id_), found.verdicts);
  EXPECT_EQ(store_.gate_looks(run_id_), found.looks);
  EXPECT_TRUE(found.run.finished);
  EXPECT_THROW(replay(store_, run_id_ + 1), UserError);
}

TEST_F(Gate, AChangedVerdictInTheStoreIsFound) {
  run({{"malloc/a", {.slower = 0.05}}});
  store_.add_gate_findings(run_id_, "pass", {}, {});
  EXPECT_THAT(disagreement(store_, replay(store_, run_id_)),
              HasSubstr("the stored verdict is pass, the pairs give regression"));
}

TEST_F(Gate, AnInterruptedOneHasNoVerdict) {
  SimulatedMeasurer measurer({{"malloc/a", {}}}, 1);
  measurer.pairs_left = 9;
  Replay const found = run(plan_of({"malloc/a"}), measurer);
  EXPECT_FALSE(complete_);
  EXPECT_EQ(found.gate.verdict, "");
  EXPECT_FALSE(found.run.finished);
  EXPECT_EQ(found.evidence[0].first.pairs.size(), 8u) << "and a canary";
  EXPECT_THAT(to_terminal(found, false, {}), HasSubstr("unfinished"));
  EXPECT_THAT(to_json(found, false), HasSubstr("\"verdict\": \"unfinished\""));
}

TEST_F(Gate, GoesOnWhereItWasInterruptedAndComesToTheSameVerdict) {
  GatePlan const plan = plan_of({"malloc/a", "malloc/b"});
  std::map<std::string, Truth> const truths{{"malloc/a", {}}, {"malloc/b", {.slower = 0.05}}};
  SimulatedMeasurer first(truths, 1);
  first.pairs_left = 40;
  run(plan, first);
  ASSERT_FALSE(complete_);
  int sessions = 1;
  for (; !complete_ && sessions < 20; ++sessions) {
    SimulatedMeasurer next(truths, 1 + static_cast<std::uint64_t>(sessions));
    next.pairs_left = 20;
    complete_ = run_gate({&next}, plan, store_, run_id_);
  }
  EXPECT_GT(sessions, 2);
  Replay const found = replay(store_, run_id_);
  EXPECT_EQ(verdict_of(found, "malloc/a", Question::steady_time), Verdict::pass);
  EXPECT_EQ(verdict_of(found, "malloc/b", Question::steady_time), Verdict::regression);
  for (auto const& cell : found.cells) {
    std::map<std::uint32_t, std::uint32_t> next_number;
    store_.each_gate_pair(cell.id, [&](store::GatePair const& pair) {
      EXPECT_EQ(pair.number, next_number[pair.stage]++) << "no pair twice, none left out";
    });
  }
}

TEST_F(Gate, WhatIsResumedIsNotPreparedAgain) {
  SimulatedMeasurer first({{"malloc/a", {}}}, 1), second({{"malloc/a", {}}}, 2);
  first.pairs_left = 5;
  GatePlan const plan = plan_of({"malloc/a"});
  run(plan, first);
  second.interrupt_in_preparation = true;
  EXPECT_TRUE(run_gate({&second}, plan, store_, run_id_));
  EXPECT_EQ(second.resumed, 1);
}

TEST_F(Gate, APairThatTakesTooLongBecomesShorter) {
  SimulatedMeasurer measurer({{"malloc/slow", {.slower = 0.5}}}, 1);
  measurer.seconds_a_pair = 2;
  measurer.can_be_shorter = true;
  Replay const found = run(plan_of({"malloc/slow"}), measurer);
  EXPECT_EQ(found.judgement.verdict, Verdict::regression) << "ten seconds would not do";
  EXPECT_EQ(found.cells[0].turns, 2u) << "as it was measured in the end";
}

// ---- sides again ----

TEST(CheckSameSides, RefusesOthersAndMore) {
  GatePlan stored = plan_of({"malloc/a"});
  Wish typed;
  EXPECT_NO_THROW(check_same_sides(typed, stored));
  typed.baseline = "old";
  typed.candidate = "new";
  EXPECT_NO_THROW(check_same_sides(typed, stored));
  typed.candidate = "newer";
  EXPECT_THROW(check_same_sides(typed, stored), UserError);
  typed.candidate = "new";
  typed.rule.detect = 0.1;
  EXPECT_THROW(check_same_sides(typed, stored), UserError);
}

TEST_F(Gate, TheSeedDecidesWhoMovesFirst) {
  std::vector<std::vector<bool>> orders;
  for (std::uint64_t const seed : {1u, 1u, 2u}) {
    run({{"malloc/a", {}}}, seed);
    orders.emplace_back();
    store_.each_gate_pair(store_.gate_cells(run_id_)[0].id, [&](store::GatePair const& pair) {
      orders.back().push_back(pair.candidate_first);
    });
  }
  EXPECT_EQ(orders[0], orders[1]);
  EXPECT_NE(orders[0], orders[2]);
  EXPECT_THAT(orders[0], AllOf(testing::Contains(true), testing::Contains(false)));
}

// ---- output ----

TEST_F(Gate, FitsEightyColumnsAndNamesWhatMatters) {
  Replay const found = run({{"malloc/same{blocks=5000;min=8}@1", {}},
                            {"malloc/slow{blocks=5000;min=8}@2", {.slower = 0.1}},
                            {"malloc/bad@1", {.fails = "killed by SIGSEGV\x1b[2J"}}});
  std::string const text = to_terminal(found, true, {});
  EXPECT_THAT(text, AllOf(HasSubstr("malloc/slow@2"), HasSubstr("regression"), HasSubstr("SIGSEGV"),
                          HasSubstr("canaries: "), HasSubstr("seed 42")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "a reason is somebody else's text";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST_F(Gate, JsonHasTheFixedShape) {
  Replay const found = run({{"malloc/slow", {.slower = 0.1}}, {"malloc/bad", {.fails = "no"}}});
  std::string const text = to_json(found, true);
  for (char const* const part :
       {"\"verdict\": \"regression\"", "\"seed\": 42", "\"cells\": [", "\"cell\": \"malloc/slow\"",
        "\"metric\": \"steady_time\"", "\"ratio\": ", "\"low\": ", "\"high\": ", "\"pairs\": ",
        "\"minimum_detectable_effect\": ", "\"metric\": \"all\"", "\"reason\": "}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

// ---- rates ----

// Three cells a gate, 400 gates, with a change at the limit of what is tolerated: not one alarm.
// And 200 gates with one cell slower by what must be found: found in at least 98 of 100.
TEST(Rates, CleanGatesAreGreenAndSlowOnesAreNot) {
  Rule const rule;
  auto const stages = [&](double slower, Random& random) {
    CellEvidence cell;
    for (Stage* const stage : {&cell.first, &cell.fresh}) {
      for (int pair = 0; pair < 90; ++pair) {
        Evidence each;
        each.steady = std::log1p(slower) + 0.018 * normal(random);
        each.total = std::log1p(slower) + 0.025 * normal(random);
        each.baseline_peak_bytes = each.candidate_peak_bytes = 4096.0 * 5000;
        stage->pairs.push_back(each);
      }
    }
    if (!alarming(look_at(cell.first, rule))) cell.fresh = {};
    return cell;
  };
  Random random(5);
  int alarms = 0, found = 0, false_cells = 0;
  for (int gate = 0; gate < 400; ++gate) {
    std::vector<CellEvidence> const clean{stages(0, random), stages(0.005, random),
                                          stages(-0.02, random)};
    alarms += judge(clean, {}, rule).verdict == Verdict::regression;
  }
  for (int gate = 0; gate < 200; ++gate) {
    std::vector<CellEvidence> const one_slow{stages(0, random), stages(0.03, random)};
    Judgement const judged = judge(one_slow, {}, rule);
    found += judged.cells[1].verdict == Verdict::regression;
    false_cells += judged.cells[0].verdict == Verdict::regression;
  }
  EXPECT_EQ(alarms, 0);
  EXPECT_EQ(false_cells, 0);
  EXPECT_GE(found, 196);
}

TEST(ConfirmingAlarm, IsStricterForLargeGatesAndNeverLax) {
  Rule const rule;
  EXPECT_EQ(confirming_alarm(rule, 4), rule.confirm);
  EXPECT_EQ(confirming_alarm(rule, 800), rule.confirm);
  EXPECT_DOUBLE_EQ(confirming_alarm(rule, 4000), 0.0025);
}

TEST(Rule, ComesBackFromItsLimits) {
  struct Rule rule;
  rule.tolerance = 0.02;
  rule.power = 0.8;
  struct Rule const again = from_limits(to_limits(rule));
  EXPECT_EQ(to_limits(again), to_limits(rule));
  rule.detect = 0.01;
  EXPECT_THROW(check(rule), UserError) << "what must be found cannot be tolerated";
}

// ---- how turns are laid out ----

TEST(ProtocolFor, EachKindOfCellHasItsOwn) {
  Trial trial;
  trial.slice_units = 40;
  trial.slice_ns = 1'000'000;
  EXPECT_EQ(protocol_for(trial).name, "small");
  EXPECT_EQ(protocol_for(trial).turns, 6u);
  EXPECT_EQ(protocol_for(trial).work.samples, 30u);
  EXPECT_EQ(protocol_for(trial).work.units, 1200u);
  trial.grown_bytes = std::uint64_t{40} << 20;
  EXPECT_EQ(protocol_for(trial).name, "cache-sized");
  trial.grown_bytes = std::uint64_t{400} << 20;
  EXPECT_EQ(protocol_for(trial).name, "large");
  EXPECT_EQ(protocol_for(trial).turns, 6u);
  trial.threads = 2;
  EXPECT_EQ(protocol_for(trial).name, "threads");
  trial.managed = true;
  EXPECT_EQ(protocol_for(trial).name, "collector");
  trial.works_in_background = true;
  EXPECT_EQ(protocol_for(trial).name, "whole processes");
  EXPECT_EQ(protocol_for(trial).turns, 1u);
}

TEST(ProtocolFor, RunsLongEnoughForTenCollections) {
  Trial trial;
  trial.managed = true;
  trial.timed_ns = 100'000'000;
  trial.full_collections = 2;  // one in 50 ms: twelve need 600 ms, at 6 ms a turn
  EXPECT_EQ(protocol_for(trial).turns, 100u);
  trial.full_collections = 1;
  EXPECT_EQ(protocol_for(trial).turns, 160u) << "as many as there may be";
}

TEST(ProtocolFor, AUnitIsNeverDivided) {
  Trial trial;
  trial.slice_units = 1;
  trial.slice_ns = 700'000'000;
  Protocol const protocol = protocol_for(trial);
  EXPECT_EQ(protocol.work.units, protocol.work.samples);
  EXPECT_EQ(protocol.work.samples % protocol.turns, 0u);
}

}  // namespace
}  // namespace churn::gate
