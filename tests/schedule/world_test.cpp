// The safepoint protocol: stops, handshakes, and members that come, go and block, in every
// interleaving of two or three threads.
#include <gtest/gtest.h>

#include <array>

#include "collectors/parts/world.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"

namespace churn::schedule {
namespace {

using conform::expect;
using conform::expect_equal;
using World = collectors::WorldOf<ScheduledPolicy>;

// A world whose members say what they are doing, so that whoever stops it, or acts for one of them,
// can see whether it may.
struct Stage {
  struct Actor : World::Member {
    explicit Actor(Stage& stage) : stage(stage) {}

    void attach() {
      stage.world.attach(*this, [this] {
        attached = true;
        attached_after_announcement = stage.announced;
      });
    }
    void detach() {
      stage.world.detach(*this, [this] { attached = false; });
    }
    // Two steps of a mutator's work, in between of which anything may happen.
    void work() {
      working = true;
      stage.look();
      Scheduler::current().before_operation();
      stage.look();
      working = false;
    }
    void poll() { stage.world.poll(*this); }
    // For a condition: a look that takes no step.
    bool is_asked() const {
      ++ScheduledMutex::held_locks;
      bool const answer = asked();
      --ScheduledMutex::held_locks;
      return answer;
    }
    void rest() {
      stage.world.block(*this);
      stage.world.unblock(*this);
    }
    // Stops the world, and looks whether it stands still.
    bool stop() {
      bool const won = stage.world.stop(this);
      if (!won) return false;
      stage.stopped_by = this;
      Scheduler::current().before_operation();
      stage.look();
      stage.stopped_by = nullptr;
      ++stage.stops;
      stage.world.resume();
      return true;
    }

    Stage& stage;
    bool attached = false, attached_after_announcement = false, working = false, acting = false;
    int actions = 0;
  };

  // Nobody works in a world that another one has stopped, or while it is acted for.
  void look() {
    for (Actor& actor : actors) {
      bool const stands_still = stopped_by == nullptr || stopped_by == &actor;
      require(stands_still || !actor.working, "a member works in a world that is stopped");
      require(!(actor.working && actor.acting), "a member works while it is acted for");
    }
  }
  void require(bool holds, char const* what) {
    if (!holds && fault == nullptr) fault = what;
  }
  void stop_from_outside() {
    if (!world.stop(nullptr)) return;
    stopped_by = &outside;
    Scheduler::current().before_operation();
    look();
    stopped_by = nullptr;
    ++stops;
    world.resume();
  }
  // Looks whether each member that is there when it begins is acted for once.
  void shake_hands(Actor* self) {
    world.handshake(
        self, [this] { announced = true; },
        [this](World::Member& member) {
          auto& actor = static_cast<Actor&>(member);
          actor.acting = true;
          look();
          Scheduler::current().before_operation();
          look();
          actor.acting = false;
          ++actor.actions;
        });
    ++handshakes;
    for (Actor const& actor : actors) {
      require(!actor.acting, "a handshake ends while a member still acts");
      bool const was_there = actor.attached && !actor.attached_after_announcement;
      require(!was_there || actor.actions == handshakes,
              "a handshake ends before every member has acted");
    }
  }
  void check(int wanted_stops) const {
    expect(fault == nullptr, fault);
    expect_equal(static_cast<std::uint64_t>(stops), static_cast<std::uint64_t>(wanted_stops),
                 "stops");
  }

  World world;
  std::array<Actor, 3> actors{Actor(*this), Actor(*this), Actor(*this)};
  Actor outside{*this};  // stands for a thread that is no member
  Actor const* stopped_by = nullptr;
  char const* fault = nullptr;
  int stops = 0, handshakes = 0;
  bool announced = false;
};

// script(stage) is the body of one thread; checked(stage) is asked at the end of each schedule.
using Script = void (*)(Stage&);
struct Play {
  std::vector<Script> scripts;
  Script checked;
};

std::string explore(Play const& play) {
  auto const all = [&play] {
    auto const runs = Scheduler::explore([&play] {
      auto const stage = std::make_shared<Stage>();
      Scheduler::Scenario scenario;
      for (Script const script : play.scripts) {
        scenario.threads.push_back([stage, script] { script(*stage); });
      }
      scenario.check = [stage, checked = play.checked] { checked(*stage); };
      return scenario;
    });
    std::printf("%llu schedules\n", static_cast<unsigned long long>(runs));
    std::fflush(stdout);
    expect(runs > 10, "hardly anything was interleaved");
  };
  return conform::run_in_child(all, 30).failure();
}

template <std::size_t i>
void work_and_poll(Stage& stage) {
  auto& actor = stage.actors[i];
  actor.attach();
  actor.work();
  actor.poll();
  actor.work();
  actor.detach();
}
template <std::size_t i>
void work_and_rest(Stage& stage) {
  auto& actor = stage.actors[i];
  actor.attach();
  actor.work();
  actor.rest();
  actor.work();
  actor.detach();
}
template <std::size_t i>
void stop_and_work(Stage& stage) {
  auto& actor = stage.actors[i];
  actor.attach();
  actor.stop();
  actor.work();
  actor.detach();
}
template <std::size_t i>
void shake_and_work(Stage& stage) {
  auto& actor = stage.actors[i];
  actor.attach();
  stage.shake_hands(&actor);
  actor.work();
  actor.detach();
}
// As little as there can be, for three threads.
template <std::size_t i>
void come_and_go(Stage& stage) {
  auto& actor = stage.actors[i];
  actor.attach();
  actor.working = true;
  stage.look();
  actor.working = false;
  actor.detach();
}
template <std::size_t i>
void stop_only(Stage& stage) {
  auto& actor = stage.actors[i];
  actor.attach();
  actor.stop();
  actor.detach();
}
// Goes on only where it is asked to stand still, or was not there then.
void set_a_limit(Stage& stage) {
  auto& actor = stage.actors[0];
  actor.attach();
  actor.set_limit(actor.lowest_limit + 63);
  Scheduler::current().await([&] { return stage.stops != 0 || actor.is_asked(); });
  actor.poll();
  actor.detach();
}
void stop_from_outside(Stage& stage) { stage.stop_from_outside(); }
void shake_from_outside(Stage& stage) { stage.shake_hands(nullptr); }

// One after the other, or one instead of both.
void one_or_two_stops(Stage& stage) { stage.check(stage.stops == 2 ? 2 : 1); }

TEST(World, a_stop_waits_for_the_next_poll) {
  EXPECT_EQ(explore({{work_and_poll<0>, stop_from_outside}, [](Stage& s) { s.check(1); }}), "");
}
TEST(World, a_stop_does_not_wait_for_the_blocked_and_keeps_them_out) {
  EXPECT_EQ(explore({{work_and_rest<0>, stop_from_outside}, [](Stage& s) { s.check(1); }}), "");
}
TEST(World, a_limit_set_meanwhile_does_not_hide_a_stop) {
  EXPECT_EQ(explore({{set_a_limit, stop_from_outside}, [](Stage& s) { s.check(1); }}), "");
}
TEST(World, of_two_that_stop_one_goes_first) {
  EXPECT_EQ(explore({{stop_and_work<0>, stop_and_work<1>}, one_or_two_stops}), "");
}
TEST(World, two_come_and_go_while_a_third_thread_stops) {
  auto const checked = [](Stage& s) { s.check(1); };
  EXPECT_EQ(explore({{stop_from_outside, come_and_go<0>, come_and_go<1>}, checked}), "");
}
TEST(World, two_stop_while_a_third_comes_and_goes) {
  EXPECT_EQ(explore({{stop_only<0>, stop_from_outside, come_and_go<1>}, one_or_two_stops}), "");
}
TEST(World, a_handshake_reaches_the_running) {
  auto const checked = [](Stage& s) {
    s.check(0);
    bool const was_there = s.actors[0].actions == 1;
    expect(was_there || s.actors[0].actions == 0, "acted for more than once");
  };
  EXPECT_EQ(explore({{work_and_poll<0>, shake_from_outside}, checked}), "");
}
TEST(World, a_handshake_is_done_on_behalf_of_the_blocked) {
  auto const checked = [](Stage& s) {
    s.check(0);
    expect(s.actors[0].actions <= 1, "acted for more than once");
  };
  EXPECT_EQ(explore({{work_and_rest<0>, shake_from_outside}, checked}), "");
}
TEST(World, of_two_handshakes_one_goes_first) {
  auto const checked = [](Stage& s) {
    s.check(0);
    expect_equal(static_cast<std::uint64_t>(s.handshakes), 2, "handshakes");
  };
  EXPECT_EQ(explore({{shake_and_work<0>, shake_from_outside}, checked}), "");
}
TEST(World, a_stop_and_a_handshake_at_once) {
  auto const checked = [](Stage& s) {
    s.check(1);
    expect_equal(static_cast<std::uint64_t>(s.handshakes), 1, "handshakes");
  };
  EXPECT_EQ(explore({{stop_and_work<0>, shake_and_work<1>}, checked}), "");
}

// A member that never polls.
void work_for_ever(Stage& stage) {
  auto& actor = stage.actors[0];
  actor.attach();
  Scheduler::current().await([] { return false; });
}
// One that works in the stopped world.
void work_where_it_must_not(Stage& stage) {
  auto& actor = stage.actors[0];
  actor.attach();
  stage.world.block(actor);
  actor.work();
  stage.world.unblock(actor);
  actor.detach();
}

TEST(Canary, a_member_that_never_polls_is_a_deadlock) {
  std::string const failure =
      explore({{work_for_ever, stop_from_outside}, [](Stage& s) { s.check(1); }});
  EXPECT_NE(failure.find("deadlock"), std::string::npos) << failure;
}
TEST(Canary, work_while_blocked_is_found) {
  std::string const failure =
      explore({{work_where_it_must_not, stop_from_outside}, [](Stage& s) { s.check(1); }});
  EXPECT_NE(failure.find("works in a world that is stopped"), std::string::npos) << failure;
}

}  // namespace
}  // namespace churn::schedule
