// Runs of small plans on a fake cell program: every way in which an invocation may end, what is
// stored of it, and what a resumed run goes on with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/run/execution.hpp"
#include "harness/run/invoke.hpp"
#include "harness/run/order.hpp"

namespace churn::run {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "churn-test-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw UserError("no temporary directory");
    path_ = path;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(char const* name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

// A cell whose program behaves as FAKE says; "" for well.
PlannedCell fake(std::string const& name, std::string const& behaviour = "") {
  PlannedCell cell;
  cell.key.allocator.name = name;
  cell.key.collector.name = "refcount";
  cell.key.workload.name = "managed/fake";
  cell.program = CHURN_FAKE_CELL;
  cell.reference_program = CHURN_FAKE_CELL;
  cell.parameters["unit_bytes"] = 1000;
  cell.op = "step";
  if (!behaviour.empty()) cell.environment["FAKE"] = behaviour;
  return cell;
}

Plan plan_of(std::vector<PlannedCell> cells) {
  Plan plan;
  plan.baseline = "glibc";
  plan.seed = 42;
  plan.rounds = 2;
  plan.samples = 4;
  plan.seconds_per_invocation = 0.01;
  plan.time_limit_seconds = 30;
  plan.memory_cap_bytes = std::uint64_t{256} << 20;
  plan.cells = std::move(cells);
  return plan;
}

class Running : public testing::Test {
 protected:
  std::int64_t begin(Plan const& plan) {
    store::Run run;
    run.seed = plan.seed;
    run.rounds = plan.rounds;
    run.plan = "{}";
    std::int64_t const id = store_.add_run(run, store::Machine{"fingerprint", {}});
    for (PlannedCell const& cell : plan.cells) store_.add_cell(unprepared_row(cell, id));
    return id;
  }

  Ending run(Plan const& plan) {
    run_id_ = begin(plan);
    return resume(plan);
  }
  Ending resume(Plan const& plan) { return execute_in({}, plan, store_, run_id_); }

  std::vector<store::Invocation> invocations(std::size_t cell) {
    std::int64_t const id = store_.cells(run_id_).at(cell).id;
    std::vector<store::Invocation> result;
    store_.each_invocation(run_id_, true, [&](store::Invocation const& invocation) {
      if (invocation.cell_id == id) result.push_back(invocation);
    });
    return result;
  }

  // Runs one misbehaving cell beside a good one, and gives what was stored of it. The good one is
  // ok.
  store::Invocation outcome_of(std::string const& behaviour, Plan plan) {
    plan.cells = {fake("glibc"), fake("bad", behaviour)};
    EXPECT_EQ(run(plan).failed_cells, 1u);
    for (store::Invocation const& good : invocations(0)) EXPECT_EQ(good.outcome, Outcome::ok);
    store::Invocation const bad = invocations(1).at(0);
    EXPECT_THAT(bad.sample_ns, IsEmpty());
    EXPECT_THAT(bad.sample_cpu_ns, IsEmpty());
    EXPECT_THAT(bad.figures, IsEmpty());
    EXPECT_THAT(bad.histograms, IsEmpty());
    return bad;
  }
  store::Invocation outcome_of(std::string const& behaviour) {
    Plan plan = plan_of({});
    plan.rounds = 1;
    return outcome_of(behaviour, plan);
  }

  TemporaryDirectory directory_;
  store::Store store_{directory_ / "churn.db", store::Store::Access::create};
  std::int64_t run_id_ = 0;
};

TEST_F(Running, StoresEverythingOfAGoodInvocation) {
  Plan const plan = plan_of({fake("glibc")});
  Ending const ending = run(plan);
  EXPECT_FALSE(ending.interrupted);
  EXPECT_EQ(ending.failed_cells, 0u);
  EXPECT_TRUE(store_.run(run_id_).finished);

  store::Cell const cell = store_.cells(run_id_).at(0);
  EXPECT_EQ(cell.samples, 4u);
  // The fake pilot's slice of 8 units takes exactly the time asked for.
  EXPECT_EQ(cell.units, 32u);
  EXPECT_EQ(cell.ops_per_sample, 80u);
  EXPECT_EQ(cell.peak_live_bytes, 4096u);

  std::vector<store::Invocation> const rows = invocations(0);
  ASSERT_THAT(rows, SizeIs(2));
  for (store::Invocation const& row : rows) {
    EXPECT_EQ(row.outcome, Outcome::ok);
    EXPECT_EQ(row.reason, "");
    EXPECT_EQ(row.sample_ns, (std::vector<std::uint64_t>{1000, 1001, 1002, 1003}));
    EXPECT_EQ(row.sample_cpu_ns, (std::vector<std::uint64_t>{900, 901, 902, 903}));
    EXPECT_THAT(row.rss_time_line, SizeIs(2));
    EXPECT_DOUBLE_EQ(row.figures.at("cpu_per_op_ns"), 3606.0 / 320);
    EXPECT_DOUBLE_EQ(row.figures.at("system_per_op_ns"), 2.0);
    EXPECT_DOUBLE_EQ(row.figures.at("blow_up"), 2.0);
    EXPECT_DOUBLE_EQ(row.figures.at("collections_gen1"), 2);
    EXPECT_DOUBLE_EQ(row.figures.at("reclaimed_gen2_objects"), 10);
    EXPECT_DOUBLE_EQ(row.figures.at("pause_total_ns"), 420);
    EXPECT_DOUBLE_EQ(row.figures.at("unreclaimed_at_end_bytes"), 96);
    EXPECT_DOUBLE_EQ(row.figures.at("unshared_pages"), 12) << "the workload's own";
    EXPECT_FALSE(row.figures.contains("floating_garbage_max_objects")) << "nobody knows";
    EXPECT_FALSE(row.figures.contains("slowest_batch_ns")) << "absent, not zero";
    ASSERT_THAT(row.histograms, SizeIs(1));
    EXPECT_EQ(row.histograms[0].buckets.at(1), (std::pair<std::uint64_t, std::uint64_t>{100, 3}));
    EXPECT_GT(row.wall_ns, 0u);
    EXPECT_THAT(row.record, Not(HasSubstr("sample_ns")));
  }
}

// The fake oracle says that one object more lives after each sample; the hoarder holds ten others.
TEST_F(Running, FloatingGarbageIsWhatIsHeldBeyondWhatLives) {
  PlannedCell tidy = fake("glibc"), hoarder = fake("slab"), loser = fake("tlsf");
  for (PlannedCell* const cell : {&tidy, &hoarder, &loser}) {
    cell->garbage_is_known = true;
    cell->environment["FAKE_MODE"] = "presence";
  }
  hoarder.environment["FAKE"] = "hoards";
  loser.environment["FAKE"] = "loses";
  EXPECT_EQ(run(plan_of({tidy, hoarder, loser})).failed_cells, 0u);
  // A third of 32 units, each looked at.
  std::map<std::string, double> const found = invocations(1).at(0).figures;
  EXPECT_DOUBLE_EQ(found.at("floating_garbage_mean_objects"), 45);
  EXPECT_DOUBLE_EQ(found.at("floating_garbage_max_objects"), 90);
  EXPECT_DOUBLE_EQ(found.at("floating_garbage_mean_bytes"), 360);
  EXPECT_DOUBLE_EQ(found.at("floating_garbage_max_bytes"), 720);
  EXPECT_DOUBLE_EQ(invocations(0).at(0).figures.at("floating_garbage_max_objects"), 0);
  EXPECT_FALSE(invocations(1).at(1).figures.contains("floating_garbage_max_objects"))
      << "told once, not in each round";
  EXPECT_FALSE(invocations(2).at(0).figures.contains("floating_garbage_max_objects"))
      << "less is held than lives: not a figure";
}

TEST_F(Running, MemorysLifeIsLookedAtOnce) {
  PlannedCell plain = fake("glibc"), late = fake("slab");
  for (PlannedCell* const cell : {&plain, &late}) {
    cell->memory_life = true;
    cell->environment["FAKE_MODE"] = "life";
  }
  late.environment["FAKE"] = "hoards";  // reads at a moment that nobody asked for
  EXPECT_EQ(run(plan_of({plain, late})).failed_cells, 0u) << "it is beside what is timed";
  std::map<std::string, double> const found = invocations(0).at(0).figures;
  EXPECT_DOUBLE_EQ(found.at("rss_before_free_bytes"), 4000);
  EXPECT_DOUBLE_EQ(found.at("rss_after_free_0s_bytes"), 2000);
  EXPECT_DOUBLE_EQ(found.at("rss_after_free_100ms_bytes"), 1500);
  EXPECT_DOUBLE_EQ(found.at("rss_after_free_5s_bytes"), 1000);
  EXPECT_DOUBLE_EQ(found.at("rss_after_most_free_0s_bytes"), 3000);
  EXPECT_DOUBLE_EQ(found.at("rss_after_most_free_1s_bytes"), 1200);
  EXPECT_FALSE(invocations(0).at(1).figures.contains("rss_after_free_0s_bytes"))
      << "told once, not in each round";
  EXPECT_FALSE(invocations(1).at(0).figures.contains("rss_after_free_0s_bytes"));
}

double total(std::map<std::string, double> const& figures) {
  double sum = 0;
  for (auto const* const part : {"allocation", "barrier", "reclamation", "interaction"}) {
    sum += figures.at("overhead_" + std::string(part) + "_ns");
  }
  return sum;
}

TEST_F(Running, AnOverheadIsSplitWithoutARest) {
  PlannedCell const plain = fake("glibc");
  PlannedCell planted = fake("slab"), wrong = fake("tlsf"), broken = fake("bump");
  for (PlannedCell* const cell : {&planted, &wrong, &broken}) {
    cell->environment["FAKE_MODE"] = "split";
  }
  planted.environment["FAKE"] = "barriers";
  wrong.environment["FAKE"] = "trap";
  broken.environment["FAKE"] = "no-pages";
  Plan plan = plan_of({plain, planted, wrong, broken});
  plan.overhead_split = true;
  EXPECT_EQ(run(plan).failed_cells, 0u) << "the split is beside what is timed";
  for (std::size_t const round : {0, 1}) {
    std::map<std::string, double> const figures = invocations(0).at(round).figures;
    EXPECT_NEAR(figures.at("overhead_allocation_ns"), 12, 1e-9);
    EXPECT_NEAR(figures.at("overhead_barrier_ns"), 4, 1e-9);
    EXPECT_NEAR(figures.at("overhead_reclamation_ns"), -5, 1e-9);
    EXPECT_NEAR(figures.at("overhead_interaction_ns"), 3, 1e-9);
    EXPECT_NEAR(total(figures), 24 - 10, 1e-9) << "all of it less the base";
    std::map<std::string, double> const slower = invocations(1).at(round).figures;
    EXPECT_NEAR(slower.at("overhead_barrier_ns"), 4 + 7, 1e-9) << "what was planted there";
    EXPECT_NEAR(slower.at("overhead_allocation_ns"), 12, 1e-9);
    EXPECT_NEAR(slower.at("overhead_reclamation_ns"), -5, 1e-9);
    EXPECT_NEAR(slower.at("overhead_interaction_ns"), 3, 1e-9);
  }
  for (std::size_t const cell : {2, 3}) {
    EXPECT_FALSE(invocations(cell).at(0).figures.contains("overhead_barrier_ns"));
    EXPECT_TRUE(invocations(cell).at(0).figures.contains("cpu_per_op_ns"));
  }
}

TEST_F(Running, AnOverheadIsSplitWhereItWasAskedForAndCanBe) {
  PlannedCell cell = fake("glibc");
  EXPECT_EQ(run(plan_of({cell})).failed_cells, 0u);
  EXPECT_FALSE(invocations(0).at(0).figures.contains("overhead_barrier_ns"));
}

TEST_F(Running, AFigureOfNoKnownNameIsACrash) {
  store::Invocation const row = outcome_of("figures");
  EXPECT_EQ(row.outcome, Outcome::crashed);
  EXPECT_THAT(row.reason, HasSubstr("it has a figure \"no_such_metric\""));
}

TEST_F(Running, ASignalIsACrashWithItsNameAndLastWords) {
  store::Invocation const row = outcome_of("trap");
  EXPECT_EQ(row.outcome, Outcome::crashed);
  EXPECT_THAT(row.reason, AllOf(HasSubstr("SIGSEGV"), HasSubstr("first and last words")));
  EXPECT_THAT(row.record, HasSubstr("about to fall"));
}

TEST_F(Running, NoRecordIsACrash) {
  EXPECT_THAT(outcome_of("silent").reason, HasSubstr("exit status 0 without a record"));
  EXPECT_THAT(outcome_of("status").reason, HasSubstr("exit status 3 without a record"));
}

TEST_F(Running, ARecordThatCannotBeUsedIsACrash) {
  EXPECT_THAT(outcome_of("garbage").reason, HasSubstr("not JSON"));
  EXPECT_THAT(outcome_of("half").reason, HasSubstr("cut off"));
  EXPECT_THAT(outcome_of("deep").reason, HasSubstr("not JSON"));
  EXPECT_THAT(outcome_of("negative").reason, HasSubstr("\"reason\" is not a text"));
  EXPECT_THAT(outcome_of("protocol").reason, HasSubstr("protocol 99"));
  EXPECT_THAT(outcome_of("fewer").reason, HasSubstr("has 5 entries, not 4"));
  EXPECT_THAT(outcome_of("endless-record").reason, HasSubstr("more than 64 MiB"));
  EXPECT_EQ(outcome_of("garbage").outcome, Outcome::crashed);
}

TEST_F(Running, ACrashAfterTheRecordIsACrash) {
  store::Invocation const row = outcome_of("late");
  EXPECT_EQ(row.outcome, Outcome::crashed);
  EXPECT_THAT(row.reason, HasSubstr("wrote its record, then killed by SIGABRT"));
}

TEST_F(Running, AnotherChecksumIsAWrongAnswer) {
  store::Invocation const row = outcome_of("wrong");
  EXPECT_EQ(row.outcome, Outcome::wrong_answer);
  // 32 units of the fake workload at seed 42 give 0x40a, the wrong one is one more.
  EXPECT_THAT(row.reason, AllOf(HasSubstr("040a"), HasSubstr("040b")));
}

TEST_F(Running, WhatACellSaysOfItselfIsItsOutcome) {
  store::Invocation const row = outcome_of("null");
  EXPECT_EQ(row.outcome, Outcome::out_of_memory);
  EXPECT_EQ(row.reason, "malloc gave NULL");
}

TEST_F(Running, ResidentMemoryBeyondTheCapIsOutOfMemory) {
  Plan plan = plan_of({});
  plan.rounds = 1;
  plan.memory_cap_bytes = std::uint64_t{48} << 20;
  store::Invocation const row = outcome_of("grow", plan);
  EXPECT_EQ(row.outcome, Outcome::out_of_memory);
  EXPECT_THAT(row.reason, HasSubstr("the cap of 48 MiB"));
}

TEST_F(Running, AHangIsStoppedAndNotTriedAThirdTime) {
  Plan plan = plan_of({});
  plan.rounds = 4;
  plan.time_limit_seconds = 1;
  store::Invocation const row = outcome_of("hang", plan);
  EXPECT_EQ(row.outcome, Outcome::timed_out);
  EXPECT_THAT(row.reason, HasSubstr("within 1 s"));
  std::vector<store::Invocation> const rows = invocations(1);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_THAT(rows[1].reason, HasSubstr("not run again"));
  EXPECT_THAT(invocations(0), SizeIs(4));
}

TEST_F(Running, EndlessWordsAreBoundedAndEndWithTheTimeLimit) {
  Plan plan = plan_of({});
  plan.rounds = 1;
  plan.time_limit_seconds = 1;
  store::Invocation const row = outcome_of("talk", plan);
  EXPECT_EQ(row.outcome, Outcome::timed_out);
  EXPECT_LT(row.record.size(), 2 * words_kept_bytes);
}

TEST_F(Running, AProcessLeftBehindNeitherBlocksNorSurvives) {
  Plan plan = plan_of({fake("glibc", "orphan")});
  EXPECT_EQ(run(plan).failed_cells, 0u);
}

TEST_F(Running, AMissingLibraryIsUnproved) {
  Plan plan = plan_of({fake("glibc"), fake("gone")});
  plan.rounds = 1;
  plan.cells[1].library = directory_ / "libgone.so";
  EXPECT_EQ(run(plan).failed_cells, 1u);
  store::Invocation const row = invocations(1).at(0);
  EXPECT_EQ(row.outcome, Outcome::unproved);
  EXPECT_THAT(row.reason, HasSubstr("libgone.so is gone"));
}

// The dynamic linker ignores what is no library and the program runs on glibc: its record looks
// fine.
TEST_F(Running, ALibraryThatTheLinkerIgnoresIsUnproved) {
  Plan plan = plan_of({fake("glibc"), fake("text")});
  plan.rounds = 1;
  plan.cells[1].library = directory_ / "libtext.so";
  std::ofstream(plan.cells[1].library) << "not a library at all, just a text of some length\n";
  EXPECT_EQ(run(plan).failed_cells, 1u);
  store::Invocation const row = invocations(1).at(0);
  EXPECT_EQ(row.outcome, Outcome::unproved);
  EXPECT_THAT(row.reason, HasSubstr("cannot be preloaded"));
  EXPECT_THAT(row.sample_ns, IsEmpty());
}

TEST_F(Running, AProgramThatIsGoneEndsTheRunWithItsName) {
  Plan plan = plan_of({fake("glibc")});
  plan.cells[0].program = directory_ / "churn-cell-gone";
  try {
    run(plan);
    FAIL() << "a run without its program went on";
  } catch (UserError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("churn-cell-gone"));
  }
}

TEST_F(Running, NotApplicableCellsAreNotRun) {
  Plan plan = plan_of({fake("glibc"), fake("other", "trap")});
  plan.cells[1].why_not = "moves its objects";
  EXPECT_EQ(run(plan).failed_cells, 0u);
  EXPECT_THAT(invocations(1), IsEmpty());
  EXPECT_EQ(store_.cells(run_id_)[1].planned_reason, "moves its objects");
}

TEST_F(Running, APilotThatFailsIsTriedElsewhere) {
  Plan plan = plan_of({fake("glibc", "trap")});
  plan.rounds = 1;
  plan.cells[0].environment["FAKE_MODE"] = "pilot";
  EXPECT_EQ(run(plan).failed_cells, 0u);
  EXPECT_EQ(store_.cells(run_id_)[0].units, 32u);
}

TEST_F(Running, ABlockThatCannotBePreparedSaysWhy) {
  Plan plan = plan_of({fake("glibc"), fake("other")});
  plan.cells[0].reference_program = plan.cells[1].reference_program = "/bin/false";
  for (PlannedCell& cell : plan.cells) {
    cell.environment = {{"FAKE", "trap"}, {"FAKE_MODE", "*"}};
  }
  EXPECT_EQ(run(plan).failed_cells, 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<store::Invocation> const rows = invocations(i);
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0].outcome, Outcome::crashed);
    EXPECT_THAT(rows[0].reason, AllOf(HasSubstr("not started"), HasSubstr("the pilot")));
  }
  EXPECT_EQ(resume(plan).failed_cells, 2u) << "it is settled, and not tried again";
  EXPECT_THAT(invocations(0), SizeIs(1));
}

// 32 units and 8 to warm up.
TEST_F(Running, WhatNeverReclaimsRunsTheSameWorkWhereItFits) {
  Plan plan = plan_of({fake("glibc"), fake("bump")});
  plan.cells[1].reclaims = false;
  for (PlannedCell& cell : plan.cells) cell.parameters["unit_bytes"] = 1 << 20;
  run(plan);
  EXPECT_EQ(store_.cells(run_id_)[1].units, 32u);
}

TEST_F(Running, WhatNeverReclaimsRunsAsMuchAsFits) {
  Plan plan = plan_of({fake("glibc"), fake("bump")});
  plan.cells[1].reclaims = false;
  plan.memory_cap_bytes = std::uint64_t{64} << 20;
  for (PlannedCell& cell : plan.cells) cell.parameters["unit_bytes"] = 2 << 20;
  EXPECT_EQ(run(plan).failed_cells, 0u) << "fewer units have a checksum of their own";
  EXPECT_EQ(store_.cells(run_id_)[0].units, 32u);
  // Of 32 MiB, half the cap, 12 units and 3 to warm up take 30; the next multiple of 4 samples does
  // not fit.
  EXPECT_EQ(store_.cells(run_id_)[1].units, 12u);
  EXPECT_EQ(store_.cells(run_id_)[1].samples, 4u);
}

TEST_F(Running, WhereNothingFitsTheCellDoesNotApply) {
  Plan plan = plan_of({fake("glibc"), fake("bump")});
  plan.cells[1].reclaims = false;
  for (PlannedCell& cell : plan.cells) cell.parameters["unit_bytes"] = 100 << 20;
  EXPECT_EQ(run(plan).failed_cells, 0u);
  store::Cell const cell = store_.cells(run_id_)[1];
  EXPECT_EQ(cell.planned, Outcome::not_applicable);
  EXPECT_THAT(cell.planned_reason, HasSubstr("the 128 MiB it may keep"));
  EXPECT_THAT(invocations(1), IsEmpty());
}

TEST_F(Running, AnInterruptEndsTheRunAndKeepsWhatWasMeasured) {
  Plan plan = plan_of({fake("glibc"), fake("stops", "interrupt"), fake("mimalloc")});
  plan.rounds = 1;
  Ending const ending = run(plan);
  EXPECT_TRUE(ending.interrupted);
  EXPECT_FALSE(store_.run(run_id_).finished);
  EXPECT_THAT(invocations(1), IsEmpty()) << "the invocation in flight is not kept";
  std::vector<std::size_t> const order = round_order(plan, 0);
  bool before = true;
  for (std::size_t const cell : order) {
    if (cell == 1) before = false;
    EXPECT_THAT(invocations(cell), SizeIs(before ? 1 : 0)) << cell;
  }

  plan.cells[1].environment.clear();
  EXPECT_FALSE(resume(plan).interrupted);
  EXPECT_TRUE(store_.run(run_id_).finished);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<store::Invocation> const rows = invocations(i);
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0].outcome, Outcome::ok);
    EXPECT_EQ(order.at(rows[0].position), i);
  }
}

TEST_F(Running, AResumedRunKeepsItsUnits) {
  Plan plan = plan_of({fake("glibc"), fake("jemalloc")});
  plan.rounds = 1;
  run(plan);
  plan.rounds = 3;
  plan.seconds_per_invocation = 0.02;
  // The reference cannot run any more: checksum and units come from the store.
  for (PlannedCell& cell : plan.cells) cell.reference_program = "/bin/false";
  EXPECT_EQ(resume(plan).failed_cells, 0u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(store_.cells(run_id_)[i].units, 32u);
    std::vector<store::Invocation> const rows = invocations(i);
    ASSERT_THAT(rows, SizeIs(3));
    for (store::Invocation const& row : rows) EXPECT_EQ(row.outcome, Outcome::ok) << row.reason;
  }
}

TEST_F(Running, ARunOfAnotherPlanIsRefused) {
  Plan plan = plan_of({fake("glibc")});
  run_id_ = begin(plan);
  plan.cells[0].key.threads = 2;
  EXPECT_THROW(resume(plan), UserError);
}

// ---- what a cell is given ----

std::string surroundings_of(Invoker& invoker, PlannedCell cell) {
  cell.environment["FAKE"] = "surroundings";
  Finding const found = invoker.time(cell, {4, 4, 1});
  EXPECT_EQ(found.record.outcome, Outcome::crashed);
  std::size_t const at = found.record.reason.find("stack ");
  EXPECT_NE(at, std::string::npos) << found.record.reason;
  return at == std::string::npos ? "" : found.record.reason.substr(at);
}

TEST(Surroundings, AreEmptyAndOfConstantSize) {
  ASSERT_EQ(setenv("CHURN_TEST_LEAK", "1", 1), 0);
  Plan plan = plan_of({fake("glibc"), fake("other"), fake("linked")});
  plan.cells[1].environment["A_LONG_NAME_OF_A_SETTING"] = std::string(1500, 'v');
  plan.cells[2].library = "/lib/x86_64-linux-gnu/libm.so.6";
  Interrupt interrupt;
  for (PlannedCell& cell : plan.cells) cell.environment["FAKE"] = "surroundings";
  Invoker invoker(plan, "", interrupt);
  std::string const stack = "stack " + std::to_string(invoker.total_stack_bytes()) + " ";
  std::string const rest =
      " leader 1 input 0 core 0 data " + std::to_string(plan.memory_cap_bytes) + " files 3";
  EXPECT_THAT(surroundings_of(invoker, plan.cells[0]),
              AllOf(HasSubstr(stack), HasSubstr("names FAKE,CHURN_PAD, "), HasSubstr(rest)));
  EXPECT_THAT(surroundings_of(invoker, plan.cells[1]), HasSubstr(stack));
  if (std::filesystem::exists(plan.cells[2].library)) {
    EXPECT_THAT(surroundings_of(invoker, plan.cells[2]),
                AllOf(HasSubstr(stack), HasSubstr("names LD_PRELOAD,FAKE,CHURN_PAD, ")));
  }
  unsetenv("CHURN_TEST_LEAK");
}

TEST(Surroundings, ThePrivateDirectoryGoesWithTheRun) {
  std::string path, link;
  {
    PrivateDirectory directory;
    path = directory.path();
    link = directory.link_to("/lib/with space:and colon.so");
    EXPECT_EQ(std::filesystem::read_symlink(link), "/lib/with space:and colon.so");
    EXPECT_EQ(link.find_first_of(" :"), std::string::npos);
    EXPECT_EQ(directory.link_to("/lib/with space:and colon.so"), link);
    EXPECT_EQ(directory.link_to("/lib/b.so").size(), link.size());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace churn::run
