// Lanes of a replay that hand blocks over, in every interleaving of their announcements and looks:
// nobody uses what is not made yet, and nobody begins a pass before all have ended the last.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"
#include "tests/schedule/scheduler.hpp"
#include "workloads/parts/announcements.hpp"

namespace churn::schedule {
namespace {

using conform::expect;

struct Relaxing {
  template <class T>
  using Atomic = ScheduledAtomic<T>;
  static void wait(std::uint32_t) { Scheduler::current().relax(); }
};
using Announcements = replay::Announcements<Relaxing>;

// Each lane makes a block in each pass, where it is a maker, and the other lane ends it.
struct Table {
  std::array<replay::Lane, 2> lanes{replay::Lane{0, 0, 1, 0}, replay::Lane{0, 0, 1, 0}};
  Announcements announcements{lanes.data(), 2};
  std::array<bool, 2> made{};
  std::array<std::uint64_t, 2> passes{};
  char const* fault = nullptr;

  void demand(bool condition, char const* otherwise) {
    if (!condition) fault = otherwise;
  }
};

struct Scene {
  std::array<bool, 2> makes;
  std::uint64_t passes = 1;
  bool awaits = true, begins = true;
};

void run_lane(Table& table, std::uint32_t lane, Scene const& scene) {
  for (std::uint64_t pass = 0; pass < scene.passes; ++pass) {
    if (scene.begins) table.announcements.begin_pass(lane, pass);
    table.demand(table.passes[1 - lane] >= pass, "a pass begins before the last has ended");
    if (scene.makes[lane]) {
      table.demand(!table.made[lane], "a slot is used anew while its block lives");
      table.made[lane] = true;
      table.announcements.announce(lane, pass, 1);
    }
    if (scene.makes[1 - lane]) {
      if (scene.awaits) table.announcements.await(1 - lane, pass, 1);
      table.demand(table.made[1 - lane], "a block is ended that is not made");
      table.made[1 - lane] = false;
    }
    ++table.passes[lane];
    table.announcements.end_pass(lane, pass);
  }
}

std::string explore(Scene const& scene) {
  auto const make = [&] {
    auto const table = std::make_shared<Table>();
    Scheduler::Scenario scenario;
    for (std::uint32_t lane = 0; lane < 2; ++lane) {
      scenario.threads.push_back([table, lane, &scene] { run_lane(*table, lane, scene); });
    }
    scenario.check = [table] {
      expect(table->fault == nullptr, table->fault);
      expect(!table->made[0] && !table->made[1], "a block is left");
    };
    return scenario;
  };
  try {
    auto const runs = Scheduler::explore(make);
    std::printf("%llu schedules\n", static_cast<unsigned long long>(runs));
    return runs > 10 ? "" : "hardly anything was interleaved";
  } catch (conform::Violation const& violation) {
    return violation.text;
  }
}

TEST(Announcements, hand_blocks_over_both_ways) { EXPECT_EQ(explore({{true, true}}), ""); }
TEST(Announcements, hand_blocks_over_in_two_passes) { EXPECT_EQ(explore({{true, false}, 2}), ""); }
TEST(Canary, who_does_not_wait_is_found) { EXPECT_NE(explore({{true, false}, 1, false}), ""); }
TEST(Canary, who_begins_a_pass_too_early_is_found) {
  EXPECT_NE(explore({{true, false}, 2, true, false}), "");
}

}  // namespace
}  // namespace churn::schedule
