// What mutators log while they come and go, and the ends of epochs that take the logs over, in
// every interleaving.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "collectors/parts/seats.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using conform::expect;

struct Member;
struct Seat {
  std::vector<int> log;
  Member* member = nullptr;
  bool known = false;
};
struct Member : collectors::WorldOf<ScheduledPolicy>::Member {
  Seat* seat = nullptr;
};

struct Heap {
  collectors::SeatedWorldOf<ScheduledPolicy, Member, Seat> world;
  std::array<Seat, 2> seats;
  std::vector<int> logged, taken;
  bool is_stopped = false;
  char const* fault = nullptr;

  void log(Member& member, int entry) {
    if (is_stopped) fault = "a mutator logs while the world is stopped";
    member.seat->log.push_back(entry);
    logged.push_back(entry);
  }
  void end_epoch(Member* member) {
    if (!world.stop(member)) return;
    is_stopped = true;
    Scheduler::current().before_operation();  // whoever runs all the same may run now
    world.for_each_seat([this](Seat& seat) {
      taken.insert(taken.end(), seat.log.begin(), seat.log.end());
      seat.log.clear();
    });
    // What was logged before is taken now, whoever logged it.
    if (taken.size() != logged.size()) fault = "an end of an epoch misses what was logged before";
    is_stopped = false;
    world.resume();
  }
};

using Body = void (*)(Heap&);

std::string explore(std::vector<Body> const& bodies) {
  auto const make = [&] {
    auto const heap = std::make_shared<Heap>();
    Scheduler::Scenario scenario;
    for (Body const body : bodies) {
      scenario.threads.push_back([heap, body] { body(*heap); });
    }
    scenario.check = [heap] {
      expect(heap->fault == nullptr, heap->fault);
      expect(heap->taken.size() == heap->logged.size(), "a log is lost, or taken twice");
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

// Ends an epoch after everything else, as the next collection would.
constexpr Body collects = [](Heap& heap) {
  Member member;
  heap.world.attach(member, heap.seats[0]);
  heap.log(member, 1);
  heap.end_epoch(&member);
  heap.log(member, 2);
  heap.world.block(member);
  Scheduler::current().await([&heap] { return heap.seats[1].known && !heap.seats[1].member; });
  heap.world.unblock(member);
  heap.end_epoch(&member);
  heap.world.detach(member);
};

TEST(Seats, a_mutator_logs_and_ends) {
  auto const comes_and_goes = [](Heap& heap) {
    Member member;
    heap.world.attach(member, heap.seats[1]);
    heap.log(member, 3);
    heap.world.poll(member);
    heap.log(member, 4);
    heap.world.detach(member);
  };
  EXPECT_EQ(explore({collects, comes_and_goes}), "");
}

TEST(Seats, a_mutator_is_blocked_meanwhile) {
  auto const blocks = [](Heap& heap) {
    Member member;
    heap.world.attach(member, heap.seats[1]);
    heap.log(member, 3);
    heap.world.block(member);
    heap.world.unblock(member);
    heap.log(member, 4);
    heap.world.detach(member);
  };
  EXPECT_EQ(explore({collects, blocks}), "");
}

TEST(Seats, both_end_an_epoch) {
  auto const collects_too = [](Heap& heap) {
    Member member;
    heap.world.attach(member, heap.seats[1]);
    heap.log(member, 3);
    heap.end_epoch(&member);
    heap.world.detach(member);
  };
  EXPECT_EQ(explore({collects, collects_too}), "");
}

TEST(Canary, a_mutator_that_does_not_poll_is_found) {
  auto const logs_when_stopped = [](Heap& heap) {
    Member member;
    heap.world.attach(member, heap.seats[1]);
    heap.world.block(member);
    Scheduler::current().before_operation();
    heap.log(member, 3);
    heap.world.unblock(member);
    heap.world.detach(member);
  };
  EXPECT_NE(explore({collects, logs_when_stopped}), "");
}

}  // namespace
}  // namespace churn::schedule
