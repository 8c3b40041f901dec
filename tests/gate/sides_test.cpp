// Which cells a gate compares, from the cell programs and libraries of this build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "harness/core/error.hpp"
#include "harness/gate/sides.hpp"

namespace churn::gate {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class Sides : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    catalogue_ = new allocators::Catalogue(std::getenv("CHURN_TEST_MALLOC_LIBRARIES"));
    here_ = new run::Surroundings;
    here_->programs = run::describe_programs(std::getenv("CHURN_TEST_CELL_PROGRAMS"));
    here_->catalogue = catalogue_;
    here_->cores = 2;
    here_->memory_bytes = std::uint64_t{8} << 30;
  }
  static void TearDownTestSuite() {
    delete here_;
    delete catalogue_;
  }

  static Wish wish(std::string const& baseline, std::string const& candidate) {
    Wish wish;
    wish.baseline = baseline;
    wish.candidate = candidate;
    return wish;
  }
  static GatePlan planned(Wish const& wish, run::Surroundings const* there = nullptr) {
    return plan_gate(wish, *here_, there);
  }
  static std::vector<std::string> names(GatePlan const& plan) {
    std::vector<std::string> result;
    for (Pairing const& each : plan.pairings) result.push_back(each.name);
    return result;
  }
  static std::string refusal(Wish const& wish) {
    try {
      planned(wish);
    } catch (UserError const& error) {
      return error.what();
    }
    return "no error";
  }

  static inline allocators::Catalogue* catalogue_ = nullptr;
  static inline run::Surroundings* here_ = nullptr;
};

// What quick asks of allocators: malloc workloads, and refcount where coroutine frames matter. Not
// the cells in which only collectors differ.
TEST_F(Sides, AllocatorsGetTheCellsOfQuickInWhichAllocatorsDiffer) {
  GatePlan const plan = planned(wish("glibc", "slab"));
  auto const found = names(plan);
  EXPECT_GE(found.size(), 3u);
  EXPECT_THAT(found, testing::Contains(StartsWith("malloc/larson")));
  EXPECT_THAT(found, Each(Not(HasSubstr("managed/binary-trees"))));
  EXPECT_EQ(std::set(found.begin(), found.end()).size(), found.size());
  for (Pairing const& each : plan.pairings) {
    run::PlannedCell const &one = plan.plan.cells.at(*each.baseline),
                           &other = plan.plan.cells.at(each.candidate);
    EXPECT_EQ(one.key.allocator.name, "glibc");
    EXPECT_EQ(other.key.allocator.name, "slab");
    EXPECT_EQ(one.key.workload, other.key.workload);
    EXPECT_EQ(one.key.threads, other.key.threads);
    EXPECT_NE(one.library, other.library);
  }
}

TEST_F(Sides, CollectorsGetTheCellsInWhichCollectorsDiffer) {
  auto const found = names(planned(wish("trial-deletion", "generational")));
  EXPECT_GE(found.size(), 2u);
  EXPECT_THAT(found, Each(StartsWith("glibc/managed/")));
}

TEST_F(Sides, AxesThatAreNamedReplaceTheMatrix) {
  Wish asked = wish("glibc", "glibc{MALLOC_ARENA_MAX=1}");
  asked.axes.workloads = "malloc/random-sizes{blocks=10}";
  asked.axes.threads = "1,2";
  GatePlan const plan = planned(asked);
  EXPECT_EQ(plan.pairings.size(), 2u);
  EXPECT_THAT(plan.pairings[0].name, HasSubstr("blocks=10"));
  EXPECT_FALSE(plan.plan.cells.at(plan.pairings[0].candidate).environment.empty());
}

TEST_F(Sides, BothSidesGetTheSameInputAndHalfTheMemoryEach) {
  Wish asked = wish("glibc", "glibc");
  asked.axes.workloads = "malloc/larson";
  asked.axes.memory_cap_bytes = std::uint64_t{1} << 30;
  asked.axes.seed = 7;
  GatePlan const plan = planned(asked);
  EXPECT_EQ(plan.plan.seed, 7u);
  EXPECT_EQ(plan.plan.memory_cap_bytes, std::uint64_t{1} << 29);
}

TEST_F(Sides, WhatNeverGivesMemoryBackIsLeftOutWithAReason) {
  Wish asked = wish("refcount", "trial-deletion");
  asked.axes.workloads = "managed/cycle-churn,managed/binary-trees";
  GatePlan const plan = planned(asked);
  EXPECT_EQ(plan.pairings.size(), 1u);
  ASSERT_EQ(plan.left_out.size(), 1u);
  EXPECT_THAT(plan.left_out[0], testing::AllOf(HasSubstr("cycle-churn"), HasSubstr("never gives")));
}

TEST_F(Sides, AnotherBuildLacksWhatIsNew) {
  run::Surroundings older = *here_;
  for (auto& program : older.programs) {
    std::erase_if(program.workloads,
                  [](auto const& each) { return each.name == "malloc/random-sizes"; });
  }
  Wish asked;
  asked.baseline_build = "older";
  asked.axes.matrix = "quick";
  asked.axes.filter = "glibc/malloc/";
  GatePlan plan;
  ASSERT_NO_THROW(plan = planned(asked, &older));
  std::size_t missing = 0;
  for (Pairing const& each : plan.pairings) {
    bool const is_new = each.name.find("malloc/random-sizes") != std::string::npos;
    EXPECT_EQ(each.baseline.has_value(), !is_new) << each.name;
    missing += is_new;
  }
  EXPECT_GE(missing, 1u);
  EXPECT_EQ(plan.candidate, "this build");
}

TEST_F(Sides, TwoCommandsAreOneCell) {
  Wish asked;
  asked.baseline_command = "./old data";
  asked.candidate_command = "./new data";
  GatePlan const plan = planned(asked);
  EXPECT_TRUE(plan.commands);
  ASSERT_EQ(plan.plan.cells.size(), 2u);
  EXPECT_EQ(plan.plan.cells[1].program, "./new data");
  EXPECT_THAT(plan.left_out, IsEmpty());
}

TEST_F(Sides, WhatMakesNoSenseIsRefusedWithTheReason) {
  EXPECT_THAT(refusal(wish("glibc", "refcount")), HasSubstr("allocator and a collector"));
  EXPECT_THAT(refusal(wish("glibc", "nosuch")), HasSubstr("\"nosuch\""));
  EXPECT_THAT(refusal(wish("glibc", "")), HasSubstr("go together"));
  EXPECT_THAT(refusal({}), HasSubstr("two sides"));
  Wish same_axis = wish("refcount", "refcount");
  same_axis.axes.collectors = "manual";
  EXPECT_THAT(refusal(same_axis), HasSubstr("leave out --collector"));
  Wish command;
  command.baseline_command = command.candidate_command = "true";
  command.axes.threads = "2";
  EXPECT_THAT(refusal(command), HasSubstr("two commands are one cell"));
}

}  // namespace
}  // namespace churn::gate
