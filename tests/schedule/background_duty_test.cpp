// What is posted for a heap's own thread, and who waits for it, in every interleaving.
#include <gtest/gtest.h>

#include "collectors/parts/background_duty.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using conform::expect;
using conform::expect_equal;
using Duty = collectors::BackgroundDutyOf<ScheduledPolicy>;

struct World {
  Duty duty;
  Duty::Number done = 0;   // what the thread has done
  Duty::Number posts = 0;  // made by others
  bool is_resting = false, worked_at_rest = false;

  // The heap's own thread.
  void live() {
    Duty::Task task;
    while (duty.next(task)) {
      if (is_resting && !task.urgent) worked_at_rest = true;
      done = task.number;
      duty.done(task);
    }
  }
  Duty::Number post() {
    ++posts;
    return duty.post();
  }
  void post_and_await() {
    Duty::Number const number = post();
    duty.await(number);
    expect(done >= number, "it was awaited and not done");
  }
  void rest() {
    duty.rest();
    is_resting = true;
  }
  void post_urgently_and_await() {
    ++posts;
    Duty::Number const number = duty.post_urgently();
    duty.await(number);
    expect(done >= number, "it was urgent and not done");
  }
  void work() {
    is_resting = false;
    duty.work();
  }
};

using Body = void (*)(World&);

// The heap's thread and one other, which ends it when its body has.
std::string explore(Body body) {
  auto const make = [=] {
    auto const world = std::make_shared<World>();
    Scheduler::Scenario scenario;
    scenario.threads.push_back([world, body] {
      body(*world);
      world->duty.rest();
      world->duty.end();
    });
    scenario.threads.push_back([world] { world->live(); });
    scenario.check = [world] {
      expect(!world->worked_at_rest, "it worked at rest");
      expect_equal(world->done, world->posts, "the last post that was done");
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

TEST(BackgroundDuty, who_waits_is_served) {
  EXPECT_EQ(explore([](World& world) { world.post_and_await(); }), "");
}
TEST(BackgroundDuty, nothing_that_was_posted_is_lost) {
  EXPECT_EQ(explore([](World& world) {
              world.post();
              world.post();
            }),
            "");
}
TEST(BackgroundDuty, at_rest_only_what_is_urgent_is_done) {
  EXPECT_EQ(explore([](World& world) {
              world.rest();
              world.post();
              world.post_urgently_and_await();
            }),
            "");
}
TEST(BackgroundDuty, what_was_posted_at_rest_is_done_afterwards) {
  EXPECT_EQ(explore([](World& world) {
              world.rest();
              world.post();
              world.work();
            }),
            "");
}

// It was never told to rest.
TEST(Canary, work_at_rest_is_found) {
  auto const body = [](World& world) {
    world.is_resting = true;
    world.post_and_await();
  };
  EXPECT_NE(explore(body).find("it worked at rest"), std::string::npos);
}

}  // namespace
}  // namespace churn::schedule
