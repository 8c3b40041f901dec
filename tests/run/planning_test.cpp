// Plans from wishes, on a made-up set of collectors and workloads.
#include "harness/run/planning.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "harness/core/error.hpp"
#include "harness/run/installation.hpp"

namespace churn::run {
namespace {

template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (UserError const& error) {
    return error.what();
  }
  return "no error";
}

testing::AssertionResult says(std::string const& message,
                              std::initializer_list<char const*> parts) {
  for (char const* const part : parts) {
    if (message.find(part) != std::string::npos) continue;
    return testing::AssertionFailure() << "\"" << message << "\" lacks \"" << part << "\"";
  }
  return testing::AssertionSuccess();
}

WorkloadDescription workload(std::string name, std::uint32_t min_threads,
                             std::uint32_t max_threads) {
  WorkloadDescription result;
  result.name = std::move(name);
  result.op = "one object";
  result.parameters = {{"live", "live ones", 16, 1, 1000}, {"ring", "nodes", 10, 1, 1'000'000}};
  result.min_threads = min_threads;
  result.max_threads = max_threads;
  return result;
}

ProgramDescription collector(std::string name, std::map<std::string, std::int64_t> traits) {
  ProgramDescription result;
  result.path = "/cells/churn-cell-" + name;
  result.collector = std::move(name);
  result.traits = {{"reclaims", 1},
                   {"cycles", 1},
                   {"cells_from_malloc", 1},
                   {"reports_objects", 1},
                   {"max_mutators", 8}};
  for (auto const& [trait, value] : traits) result.traits[trait] = value;
  result.workloads = {workload("managed/rings", 1, 4), workload("managed/trees", 1, 4)};
  result.workloads[0].makes_cycles = true;
  result.workloads[0].disposes = true;
  return result;
}

class Planning : public testing::Test {
 protected:
  Planning() : catalogue_("/nonexistent") {
    ProgramDescription malloc_program;
    malloc_program.path = "/cells/churn-cell-malloc";
    malloc_program.workloads = {workload("malloc/pairs", 2, 8), workload("malloc/sizes", 1, 8)};
    ProgramDescription manual = collector("manual", {{"manual_release", 1}});
    manual.not_applicable["managed/trees"] = "trees do not know when they die";
    ProgramDescription tracing = collector("tracing", {{"cells_from_malloc", 0}});
    tracing.parameters = {{"nursery", "bytes", 1000, 1, 1'000'000}};
    here_.programs = {malloc_program, manual,
                      collector("refcount", {{"cycles", 0}, {"max_mutators", 1}}), tracing};
    here_.catalogue = &catalogue_;
    here_.cores = 2;
    here_.memory_bytes = 8'000'000'000;
    wish_.seed = 1;
  }

  Plan plan() const { return make_plan(wish_, here_); }
  std::string refusal() const {
    return message_of([&] { plan(); });
  }
  static std::vector<std::string> spelled(Plan const& plan) {
    std::vector<std::string> result;
    for (auto const& each : plan.cells) result.push_back(store::spelled(each.key));
    return result;
  }
  static PlannedCell const& only(Plan const& plan) {
    EXPECT_EQ(plan.cells.size(), 1u);
    return plan.cells.at(0);
  }

  allocators::Catalogue catalogue_;
  Surroundings here_;
  Wish wish_;
};

TEST_F(Planning, TheRestIsAtItsDefault) {
  wish_.workloads = "malloc/pairs,managed/rings";
  EXPECT_EQ(spelled(plan()),
            (std::vector<std::string>{"glibc/malloc/pairs{live=16;ring=10}@2",
                                      "glibc/refcount/managed/rings{live=16;ring=10}@1"}));
}

TEST_F(Planning, WithoutWorkloadsAllOfTheRightKind) {
  wish_.collectors = "tracing";
  EXPECT_EQ(spelled(plan()),
            (std::vector<std::string>{"glibc/tracing/managed/rings{live=16;ring=10}@1",
                                      "glibc/tracing/managed/trees{live=16;ring=10}@1"}));
  wish_.collectors.reset();
  wish_.threads = "2";
  EXPECT_EQ(plan().cells.size(), 4u);
}

TEST_F(Planning, TwoSpellingsOfOneCellAreOneCell) {
  wish_.workloads =
      "managed/rings,managed/rings{ring=10},managed/rings{ring=2},managed/rings{live=0x}";
  EXPECT_TRUE(says(refusal(), {"live=0x", "managed/rings", "whole number"}));
  wish_.workloads = "managed/rings,managed/rings{ring=10},managed/rings{ring=1k}";
  Plan const found = plan();
  EXPECT_EQ(spelled(found),
            (std::vector<std::string>{"glibc/refcount/managed/rings{live=16;ring=10}@1",
                                      "glibc/refcount/managed/rings{live=16;ring=1000}@1"}));
  EXPECT_NE(found.cells[0].block, found.cells[1].block);
}

TEST_F(Planning, AParameterWithWordsIsWrittenAsOne) {
  here_.programs[3].parameters.push_back({"rules", "version", 0, 0, 1, {"3.11", "3.13"}});
  wish_.workloads = "managed/rings";
  wish_.collectors = "tracing{rules=3.12}";
  EXPECT_TRUE(says(refusal(), {"rules=3.12", "tracing", "none of 3.11, 3.13"}));
  wish_.collectors = "tracing{rules=1}";
  EXPECT_TRUE(says(refusal(), {"none of 3.11, 3.13"}));
  wish_.collectors = "tracing,tracing{rules=3.11},tracing{rules=3.13}";
  Plan const found = plan();
  EXPECT_EQ(spelled(found), (std::vector<std::string>{
                                "glibc/tracing/managed/rings{live=16;ring=10}@1",
                                "glibc/tracing{rules=3.13}/managed/rings{live=16;ring=10}@1"}));
  EXPECT_EQ(found.cells[1].collector_parameters.at("rules"), 1);
}

TEST_F(Planning, CellsThatDoTheSameWorkShareABlock) {
  wish_.collectors = "manual,tracing";
  wish_.workloads = "managed/rings,managed/trees";
  Plan const found = plan();
  ASSERT_EQ(found.cells.size(), 4u);
  EXPECT_EQ(found.cells[0].block, found.cells[1].block);
  EXPECT_EQ(found.cells[2].block, found.cells[3].block);
  EXPECT_NE(found.cells[1].block, found.cells[2].block);
}

TEST_F(Planning, AnAxisReplacesThatOfEachStar) {
  Plan const whole = [&] {
    wish_.workloads = "managed/rings";
    wish_.collectors = "*";
    return plan();
  }();
  EXPECT_EQ(whole.cells.size(), 3u);
  wish_.threads = "1,2";
  EXPECT_EQ(plan().cells.size(), 6u);
}

TEST_F(Planning, ImpossibleCellsKeepTheirReason) {
  wish_.collectors = "*";
  wish_.workloads = "managed/trees";
  wish_.threads = "1,2";
  std::map<std::string, std::string> reasons;
  for (auto const& each : plan().cells) reasons[store::spelled(each.key)] = each.why_not;
  EXPECT_EQ(reasons["glibc/tracing/managed/trees{live=16;ring=10}@2"], "");
  EXPECT_EQ(reasons["glibc/refcount/managed/trees{live=16;ring=10}@1"], "");
  EXPECT_EQ(reasons["glibc/refcount/managed/trees{live=16;ring=10}@2"],
            "refcount takes at most 1 mutator, not 2 threads");
  wish_.collectors = "manual,tracing";
  EXPECT_TRUE(says(refusal(), {"manual", "trees do not know when they die"}));
}

TEST_F(Planning, WhatIsNamedAndCannotRunIsRefused) {
  wish_.collectors = "refcount";
  wish_.workloads = "managed/rings";
  wish_.threads = "2";
  EXPECT_TRUE(says(refusal(), {"refcount", "at most 1 mutator", "2 threads"}));
  wish_.threads = "8";
  wish_.collectors = "tracing";
  EXPECT_TRUE(says(refusal(), {"managed/rings runs with 1 to 4 threads, not with 8"}));
  wish_.collectors.reset();
  wish_.workloads = "malloc/pairs";
  wish_.threads = "3";
  EXPECT_TRUE(says(refusal(), {"a multiple of 2", "3 threads"}));
  wish_.threads.reset();
  wish_.collectors = "refcount";
  EXPECT_TRUE(says(refusal(), {"--collector", "malloc/pairs"}));
  wish_.collectors.reset();
  wish_.heaps = parse_heaps("1M");
  EXPECT_TRUE(says(refusal(), {"--heap", "malloc/pairs"}));
}

TEST_F(Planning, CellsThatAreNotFromMallocRunOnGlibcAlone) {
  here_.programs[2].traits["max_mutators"] = 4;
  wish_.allocators = "glibc,glibc{MALLOC_ARENA_MAX=1}";
  wish_.collectors = "refcount,tracing";
  wish_.workloads = "managed/rings";
  Plan const found = plan();
  ASSERT_EQ(found.cells.size(), 4u);
  EXPECT_EQ(found.cells[1].why_not, "");
  EXPECT_EQ(found.cells[2].why_not, "");
  EXPECT_EQ(found.cells[2].environment.at("MALLOC_ARENA_MAX"), "1");
  EXPECT_TRUE(says(found.cells[3].why_not, {"tracing", "no cells from malloc"}));
}

TEST_F(Planning, WhatLeaksByNatureRunsOnlyWhatFits) {
  wish_.collectors = "*";
  wish_.workloads = "managed/rings,managed/trees";
  for (auto const& each : plan().cells) {
    bool const leaks =
        each.key.collector.name == "refcount" && each.key.workload.name == "managed/rings";
    EXPECT_EQ(each.reclaims, !leaks) << store::spelled(each.key);
  }
}

TEST_F(Planning, TheReferenceKnowsWhatIsLiveWhereItCan) {
  wish_.workloads = "managed/rings,managed/trees,malloc/sizes";
  Plan const found = plan();
  EXPECT_EQ(found.cells.at(0).reference_program, "/cells/churn-cell-manual");
  EXPECT_TRUE(found.cells.at(0).reference_counts_live);
  EXPECT_EQ(found.cells.at(1).reference_program, "/cells/churn-cell-refcount");
  EXPECT_FALSE(found.cells.at(1).reference_counts_live);
  EXPECT_EQ(found.cells.at(2).reference_program, "/cells/churn-cell-malloc");
  EXPECT_TRUE(found.cells.at(2).reference_counts_live);
}

TEST_F(Planning, GarbageIsKnownWhereBothSidesCanBeSeen) {
  wish_.workloads = "managed/rings,managed/trees,malloc/sizes";
  wish_.collectors = "refcount,manual";
  Plan const found = plan_from_json(to_json(plan()));
  ASSERT_EQ(found.cells.size(), 5u);
  for (auto const& each : found.cells) {
    bool const known =
        each.key.collector.name == "refcount" && each.key.workload.name == "managed/rings";
    EXPECT_EQ(each.garbage_is_known, known) << store::spelled(each.key);
  }
}

TEST_F(Planning, AnOverheadSplitNeedsACellThatHasOne) {
  wish_.workloads = "managed/rings,malloc/sizes";
  EXPECT_FALSE(plan().overhead_split);
  double const without = estimated_seconds(plan());
  wish_.overhead_split = true;
  for (auto& each : here_.programs) {
    for (auto const& shape : each.workloads) each.no_split[shape.name] = "of its own reasons";
  }
  EXPECT_TRUE(says(refusal(), {"--overhead-split: no cell can be split", "of its own reasons"}));
  here_.programs[2].no_split.erase("managed/rings");
  Plan const found = plan_from_json(to_json(plan()));
  EXPECT_TRUE(found.overhead_split);
  EXPECT_GT(estimated_seconds(found), without);
}

TEST_F(Planning, MemorysLifeIsAskedOfMallocAlone) {
  wish_.memory_life = true;
  wish_.workloads = "managed/rings";
  EXPECT_TRUE(says(refusal(), {"--memory-life", "no cell is of a malloc workload"}));
  wish_.workloads = "managed/rings,malloc/sizes";
  wish_.dirty_heap = true;
  Plan const found = plan_from_json(to_json(plan()));
  EXPECT_TRUE(found.dirty_heap);
  for (auto const& each : found.cells) {
    EXPECT_EQ(each.memory_life, each.key.collector.name.empty()) << store::spelled(each.key);
  }
  wish_.memory_life = false;
  EXPECT_GT(estimated_seconds(found), estimated_seconds(plan()) + 10);
}

TEST_F(Planning, MoreThreadsThanCoresAreMarked) {
  wish_.workloads = "malloc/sizes";
  wish_.threads = "1,2,4";
  std::vector<bool> marks;
  for (auto const& each : plan().cells) marks.push_back(each.oversubscribed);
  EXPECT_EQ(marks, (std::vector<bool>{false, false, true}));
}

TEST_F(Planning, ParametersAreChecked) {
  wish_.workloads = "managed/rings{ring=0}";
  EXPECT_TRUE(says(refusal(), {"ring=0", "managed/rings", "1 to 1000000", "nodes"}));
  wish_.workloads = "managed/rings{rings=2}";
  EXPECT_TRUE(says(refusal(), {"no parameter rings", "did you mean ring?", "live, ring"}));
  wish_.workloads = "managed/rings{RING=2}";
  EXPECT_TRUE(says(refusal(), {"RING", "upper-case"}));
  wish_.workloads = "managed/rings";
  wish_.collectors = "tracing{nursery=0}";
  EXPECT_TRUE(says(refusal(), {"nursery=0", "tracing"}));
  wish_.collectors = "tracing{nursery=1k},tracing{nursery=2k;DEBUG=yes}";
  Plan const found = plan();
  EXPECT_EQ(store::spelled(found.cells.at(0).key.collector), "tracing");
  EXPECT_EQ(store::spelled(found.cells.at(1).key.collector), "tracing{DEBUG=yes;nursery=2000}");
  EXPECT_EQ(found.cells[1].collector_parameters.at("nursery"), 2000);
  EXPECT_EQ(found.cells[1].environment.at("DEBUG"), "yes");
  wish_.collectors = "tracing{LD_PRELOAD=x}";
  EXPECT_TRUE(says(refusal(), {"LD_PRELOAD", "churn's own"}));
}

TEST_F(Planning, UnknownNamesOfferTheNearest) {
  wish_.workloads = "managed/ring";
  EXPECT_TRUE(says(refusal(), {"\"managed/ring\"", "did you mean managed/rings"}));
  wish_.workloads = "sizes";
  EXPECT_TRUE(says(refusal(), {"did you mean malloc/sizes?"}));
  wish_.workloads = "managed/rings";
  wish_.collectors = "refcout";
  EXPECT_TRUE(says(refusal(), {"\"refcout\"", "did you mean refcount?"}));
  wish_.collectors = "./nowhere/churn-cell-mine";
  EXPECT_TRUE(says(refusal(), {"./nowhere/churn-cell-mine", "No such file"}));
  wish_.collectors.reset();
  wish_.allocators = "jemaloc";
  EXPECT_TRUE(says(refusal(), {"jemaloc", "jemalloc"}));
  wish_.allocators.reset();
  wish_.baseline = "refcont";
  EXPECT_TRUE(says(refusal(), {"\"refcont\"", "did you mean refcount?"}));
  wish_.baseline.reset();
  wish_.matrix = "quik";
  EXPECT_TRUE(says(refusal(), {"\"quik\"", "did you mean quick?", "smoke"}));
}

TEST_F(Planning, AbsurdNumbersAreRefused) {
  wish_.workloads = "malloc/sizes";
  for (char const* const threads :
       {"0", "-1", "two", "100000", "1,", "1,,2", "", "99999999999999999999"}) {
    wish_.threads = threads;
    EXPECT_TRUE(says(refusal(), {"--threads", threads, "1 to 1024"}));
  }
  wish_.threads.reset();
  for (char const* const shard : {"0/2", "3/2", "1", "1/0", "-1/2", "a/b", "/", ""}) {
    EXPECT_TRUE(says(message_of([&] { parse_shard(shard); }), {"--shard", shard, "I/N"}));
  }
  for (char const* const time : {"0s", "-5m", "5", "m", "5y", "nan s", "infs", "1e9h", ""}) {
    EXPECT_TRUE(says(message_of([&] { parse_duration_seconds(time); }), {time, "length of time"}));
  }
  EXPECT_EQ(parse_duration_seconds("1.5m"), 90);
  EXPECT_EQ(parse_duration_seconds("250ms"), 0.25);
}

TEST_F(Planning, ShardsAreWholeBlocksAndMakeTheWhole) {
  wish_.collectors = "*";
  wish_.workloads = "managed/rings{ring=1},managed/rings{ring=2},managed/rings{ring=3}";
  std::vector<std::string> whole = spelled(plan()), parts;
  std::set<std::uint64_t> blocks;
  for (char const* const shard : {"1/2", "2/2"}) {
    wish_.shard = parse_shard(shard);
    Plan const part = plan();
    std::set<std::uint64_t> own;
    for (auto const& each : part.cells) own.insert(each.block);
    for (std::uint64_t const block : own) EXPECT_TRUE(blocks.insert(block).second);
    for (auto const& each : spelled(part)) parts.push_back(each);
  }
  std::sort(whole.begin(), whole.end());
  std::sort(parts.begin(), parts.end());
  EXPECT_EQ(parts, whole);
}

TEST_F(Planning, FiltersTakePartsAndPatterns) {
  wish_.collectors = "*";
  wish_.workloads = "managed/rings,managed/trees";
  wish_.filter = "/tracing/";
  EXPECT_EQ(plan().cells.size(), 2u);
  wish_.filter = "*/m*/managed/rings*@1";
  EXPECT_EQ(spelled(plan()),
            (std::vector<std::string>{"glibc/manual/managed/rings{live=16;ring=10}@1"}));
  wish_.filter = "nothing";
  EXPECT_TRUE(says(refusal(), {"--filter nothing", "spelled like glibc/"}));
}

TEST_F(Planning, ACellIsWhatAReportSpells) {
  wish_.cell = "glibc/tracing/managed/rings{live=16;ring=2}@2 in 5000000 bytes";
  EXPECT_EQ(spelled(plan()), (std::vector<std::string>{*wish_.cell}));
  wish_.cell = "glibc/refcount/managed/rings@2";
  EXPECT_TRUE(says(refusal(), {"refcount", "at most 1 mutator"}));
  wish_.threads = "2";
  EXPECT_TRUE(says(refusal(), {"--cell"}));
}

TEST_F(Planning, BaselinesFollowWhatVaries) {
  wish_.workloads = "managed/rings";
  wish_.collectors = "tracing,refcount";
  EXPECT_EQ(plan().baseline, "refcount");
  wish_.collectors = "tracing,manual";
  EXPECT_EQ(plan().baseline, "manual");
  wish_.collectors.reset();
  EXPECT_EQ(plan().baseline, "glibc");
  wish_.baseline = "glibc/refcount";
  EXPECT_EQ(plan().baseline, "glibc/refcount");
}

TEST_F(Planning, ABudgetIsKept) {
  wish_.workloads = "malloc/sizes,managed/rings";
  for (double const budget : {3.0, 10.0, 600.0}) {
    wish_.budget_seconds = budget;
    Plan const found = plan();
    EXPECT_LE(estimated_seconds(found), budget * 1.001);
    EXPECT_GE(estimated_seconds(found), budget * 0.5);
    EXPECT_GE(found.rounds, 3u);
  }
  wish_.rounds = 7;
  EXPECT_EQ(plan().rounds, 7u);
  wish_.budget_seconds = 0.1;
  EXPECT_TRUE(says(refusal(), {"budget of 0.1 s", "2 cells"}));
}

TEST_F(Planning, SeedsAreTakenOrNew) {
  wish_.workloads = "malloc/sizes";
  EXPECT_EQ(plan().seed, 1u);
  wish_.seed.reset();
  EXPECT_NE(plan().seed, plan().seed);
}

TEST_F(Planning, APlanComesBackFromItsJson) {
  wish_.command = "churn run --workload '\xff'";
  wish_.collectors = "*";
  wish_.allocators = "glibc{MALLOC_ARENA_MAX=1}";
  wish_.workloads = "managed/rings{ring=3}";
  wish_.threads = "1,2";
  wish_.heaps = parse_heaps("1G");
  Plan const made = with_heaps(plan(), wish_.heaps, {});
  std::string const text = to_json(made);
  Plan const read = plan_from_json(text);
  EXPECT_EQ(to_json(read), text);
  EXPECT_EQ(spelled(read), spelled(made));
  EXPECT_EQ(read.cells.at(1).environment, made.cells.at(1).environment);
  EXPECT_EQ(read.memory_cap_bytes, 4'000'000'000u);
}

TEST_F(Planning, BrokenPlansAreRefused) {
  for (char const* const text : {"", "{", "[]", "{}", "null", "{\"command\": 1}"}) {
    EXPECT_TRUE(says(message_of([&] { plan_from_json(text); }), {"stored plan"}));
  }
  wish_.workloads = "malloc/sizes";
  Plan made = plan();
  made.rounds = 0;
  EXPECT_TRUE(says(message_of([&] { plan_from_json(to_json(made)); }), {"stored plan"}));
}

// With the cell programs and libraries of this build.
class EmbeddedMatrices : public testing::Test {
 protected:
  EmbeddedMatrices()
      : catalogue_(std::getenv("CHURN_TEST_MALLOC_LIBRARIES")),
        here_{describe_programs(std::getenv("CHURN_TEST_CELL_PROGRAMS")), &catalogue_, 2,
              std::uint64_t{8} << 30, std::getenv("CHURN_TEST_TRACES")} {}

  Plan plan(char const* matrix) const {
    Wish wish;
    wish.matrix = matrix;
    return make_plan(wish, here_);
  }
  void expect_everything_in(Plan const& plan) const {
    std::set<std::string> names;
    for (auto const& each : plan.cells) {
      names.insert(each.key.allocator.name);
      if (each.why_not.empty()) names.insert(each.key.collector.name);
    }
    for (auto const& each : catalogue_.all()) EXPECT_TRUE(names.contains(each.name)) << each.name;
    for (auto const& each : here_.programs) {
      EXPECT_TRUE(names.contains(each.collector)) << each.collector;
    }
  }

  allocators::Catalogue catalogue_;
  Surroundings here_;
};

// Where objects come from depends on the environment of this collector's cells.
TEST_F(EmbeddedMatrices, AVariantSaysWhatItPromises) {
  Wish wish;
  wish.allocators = "slab";
  wish.workloads = "managed/cycle-churn";
  wish.collectors = "cpython,cpython{PYTHONMALLOC=malloc},cpython{PYTHONMALLOC=pymalloc}";
  Plan const plan = make_plan(wish, here_);
  ASSERT_EQ(plan.cells.size(), 3u);
  for (auto const& each : plan.cells) {
    bool const takes_cells_from_malloc =
        each.key.collector.settings ==
        std::map<std::string, std::string>{{"PYTHONMALLOC", "malloc"}};
    EXPECT_EQ(each.why_not.empty(), takes_cells_from_malloc) << store::spelled(each.key);
  }
}

TEST_F(EmbeddedMatrices, QuickIsQuick) {
  Plan const quick = plan("quick");
  EXPECT_LE(quick.cells.size(), 60u);
  EXPECT_EQ(quick.rounds, 3u);
  EXPECT_LE(estimated_seconds(quick), 180);
  expect_everything_in(quick);
  for (auto const& each : quick.cells) {
    EXPECT_EQ(each.why_unranked, "") << store::spelled(each.key) << " compares nobody";
    EXPECT_FALSE(each.memory_life) << store::spelled(each.key) << " would take 11 s";
  }
}

TEST_F(EmbeddedMatrices, StandardFitsInto45Minutes) {
  Plan const standard = plan("standard");
  EXPECT_LE(standard.cells.size(), 250u);
  EXPECT_LE(estimated_seconds(standard), 45 * 60);
  expect_everything_in(standard);
}

TEST_F(EmbeddedMatrices, SmokeTakesSeconds) {
  Plan const smoke = plan("smoke");
  EXPECT_GE(smoke.cells.size(), 6u);
  EXPECT_LE(estimated_seconds(smoke), 15);
}

TEST_F(EmbeddedMatrices, EachSaysWhatItIs) {
  EXPECT_EQ(embedded_matrices().size(), 5u);
  for (auto const& each : embedded_matrices()) {
    EXPECT_FALSE(find_matrix(std::string(each.name)).summary.empty()) << each.name;
  }
}

}  // namespace
}  // namespace churn::run
