// Every property of every registered collector, one test each, and the mutation test of each.
#include <gtest/gtest.h>

#include <functional>

#include "harness/conform/collector_child.hpp"
#include "tests/conformance/collectors/run.hpp"
#include "tests/conformance/collectors/toy_collector.hpp"
#include "tests/conformance/collectors/toy_suite.hpp"

namespace churn::conform {
namespace {

constexpr std::uint64_t mutation_seeds = 12;

class FailureTest : public testing::Test {
 public:
  explicit FailureTest(std::function<std::string()> failure) : failure_(std::move(failure)) {}
  void TestBody() override { EXPECT_EQ(failure_(), ""); }

 private:
  std::function<std::string()> failure_;
};

void add(std::string_view suite, std::string_view name, std::function<std::string()> failure) {
  testing::RegisterTest(std::string(suite).c_str(), std::string(name).c_str(), nullptr, nullptr,
                        __FILE__, __LINE__,
                        [failure]() -> testing::Test* { return new FailureTest(failure); });
}

class ExemptTest : public testing::Test {
 public:
  explicit ExemptTest(std::string_view why) : why_(why) {}
  void TestBody() override { GTEST_SKIP() << why_; }

 private:
  std::string_view why_;
};

void add(CollectorSuite const& suite) {
  if (std::string_view const why = why_exempt(suite.name); !why.empty()) {
    testing::RegisterTest(std::string(suite.name).c_str(), "is_exempt", nullptr, nullptr, __FILE__,
                          __LINE__, [why]() -> testing::Test* { return new ExemptTest(why); });
    return;
  }
  for (auto const& property : suite.properties) {
    add(suite.name, property.name, [property] { return failure_of(property); });
  }
  for (auto const& property : suite.nightly) {
    if (nightly()) add(suite.name, property.name, [property] { return failure_of(property); });
  }
  add(suite.name, "random_operations_agree_with_a_model",
      [suite] { return mutation_failure(suite, {}, mutation_seeds); });
}

// ---- canaries: the suite finds these, or it finds nothing ----

// The flaw is set in the child alone, so the tests after it see a sound toy.
std::string failure_with(toy::Flaw flaw, std::string_view name) {
  for (auto const& property : toy::suite().properties) {
    if (property.name != name) continue;
    auto const flawed = [&] {
      toy::flaw = flaw;
      property.run();
    };
    return run_in_child(flawed, 60).failure();
  }
  return "";
}

class Canary : public testing::TestWithParam<std::pair<toy::Flaw, char const*>> {};

TEST_P(Canary, flaw_is_found) {
  auto const [flaw, property] = GetParam();
  EXPECT_NE(failure_with(flaw, property), "") << property << " did not notice the flaw";
}

using toy::Flaw;
INSTANTIATE_TEST_SUITE_P(
    toy, Canary,
    testing::Values(std::pair{Flaw::payload_not_zeroed, "allocate_gives_zeroes"},
                    std::pair{Flaw::move_to_itself_clears, "set_move_and_clear"},
                    std::pair{Flaw::take_leaves_the_slot, "take_moves_out"},
                    std::pair{Flaw::move_slots_forgets_the_last, "move_slots_moves_ranges"},
                    std::pair{Flaw::globals_are_no_roots, "globals_outlive_mutators"},
                    std::pair{Flaw::last_root_is_lost, "frames_nest"},
                    std::pair{Flaw::last_slot_is_not_marked, "rings_with_tails_go"},
                    std::pair{Flaw::cycles_leak, "rings_of_2_go"},
                    std::pair{Flaw::mark_recurses, "long_ring_collects_on_a_small_stack"},
                    std::pair{Flaw::found_too_many, "collect_says_what_it_found"},
                    std::pair{Flaw::bytes_miscounted, "stats_add_up"},
                    std::pair{Flaw::limit_ignored, "heap_limit_stops_after_one_collection"},
                    std::pair{Flaw::limit_without_collection,
                              "heap_limit_stops_after_one_collection"}),
    [](auto const& info) { return std::to_string(info.index) + "_" + info.param.second; });

TEST(CanaryMutation, finds_a_flaw_and_names_the_seed) {
  toy::flaw = toy::Flaw::last_slot_is_not_marked;
  std::string const failure = failure_of(toy::suite(), {}, 1);
  toy::flaw = toy::Flaw::none;
  EXPECT_NE(failure.find("CHURN_TEST_SEED=1"), std::string::npos) << failure;
}

TEST(Child, crash_hang_exit_and_noise_are_failures) {
  EXPECT_EQ(run_in_child([] {}, 60).failure(), "");
  EXPECT_EQ(run_in_child([] { ::raise(SIGKILL); }, 60).failure(), "ended by signal: Killed");
  EXPECT_EQ(run_in_child(
                [] {
                  for (;;) ::pause();
                },
                1)
                .failure(),
            "timed out");
  EXPECT_EQ(run_in_child([] { ::_exit(3); }, 60).failure(), "exit status 3");
  EXPECT_EQ(run_in_child([] { child::say("!"); }, 60).failure(), "wrote on stderr: !");
  EXPECT_NE(run_in_child([] { expect(false, "no"); }, 60).failure(), "");
}

}  // namespace
}  // namespace churn::conform

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (auto const& suite : churn::conform::collector_suites()) churn::conform::add(suite);
  churn::conform::add(churn::toy::suite());
  return RUN_ALL_TESTS();
}
