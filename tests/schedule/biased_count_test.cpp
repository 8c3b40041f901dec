// The two halves of a biased count, their merging and the owner's queue, in every interleaving.
#include <gtest/gtest.h>

#include <vector>

#include "collectors/parts/biased_count.hpp"
#include "collectors/parts/owner_queue.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using conform::expect;
using conform::expect_equal;

// An object with its count, which the threads of one scenario retain and drop.
struct Object {
  collectors::BiasedHalves halves{};
  int frees = 0;
};

// As ScheduledRef, but notes an operation on an object that was freed.
class WatchedObject {
 public:
  static inline Object const* object = nullptr;
  static inline bool was_touched_after_its_death = false;

 protected:
  static void look() {
    if (object->frees != 0) was_touched_after_its_death = true;
  }
};
template <class T>
struct WatchedRef : ScheduledRef<T>, WatchedObject {
  using Base = ScheduledRef<T>;
  using Base::Base;

  T load(std::memory_order order) const {
    T const value = Base::load(order);
    look();
    return value;
  }
  void store(T value, std::memory_order order) const {
    Base::store(value, order);
    look();
  }
  T fetch_add(T more, std::memory_order order) const {
    T const value = Base::fetch_add(more, order);
    look();
    return value;
  }
  bool compare_exchange_weak(T& seen, T wanted, std::memory_order yes, std::memory_order no) const {
    bool const done = Base::compare_exchange_weak(seen, wanted, yes, no);
    look();
    return done;
  }
};

struct Table {
  void push(Object* object) { objects.push_back(object); }
  Object* pop() {
    Object* const last = objects.back();
    objects.pop_back();
    return last;
  }
  bool empty() const { return objects.empty(); }
  std::vector<Object*> objects;
};

using Count = collectors::BiasedCountOf<WatchedRef>;
using Plain = collectors::BiasedCount;  // of the same halves, before any thread runs
using Queue = collectors::OwnerQueueOf<Object, ScheduledPolicy, Table>;

struct World {
  static constexpr Count::Owner owner = Count::owner(7), other = Count::owner(8);

  // The owner has retained the object so often, others so often, whoever may hold those references.
  World(std::uint32_t own, std::uint32_t shared, bool owner_is_there) : queue(owner_is_there) {
    Count::start(object.halves, owner);
    for (std::uint32_t i = 1; i < own; ++i) Plain::retain(object.halves, owner);
    for (std::uint32_t i = 0; i < shared; ++i) Plain::retain(object.halves, other);
    if (own == 0) Plain::drop(object.halves, owner);  // the last of its own: merged
    WatchedObject::object = &object;
    WatchedObject::was_touched_after_its_death = false;
  }

  void retain(Count::Owner self) { Count::retain(object.halves, self); }
  void drop(Count::Owner self) {
    switch (Count::drop(object.halves, self)) {
      case Count::Drop::others_remain:
        return;
      case Count::Drop::was_last:
        expect(!noted, "the death of a noted object is an exchange");
        ++object.frees;
        return;
      case Count::Drop::was_last_and_noted:
        die();
        return;
      case Count::Drop::to_be_queued:
        expect_equal(Count::owner_of(object.halves), Count::number(owner), "owner");
        if (queue.put(&object, [this] { return Count::merge(object.halves); })) die();
        return;
    }
  }
  // As CountedDeaths: a noted object is freed when nothing names it weakly any more.
  void die() {
    std::lock_guard const lock(table);
    ++object.frees;
  }
  void strengthen_and_drop(Count::Owner self) {
    {
      std::lock_guard const lock(table);
      if (object.frees != 0 || !Count::retain_living(object.halves, self)) return;
    }
    drop(self);
  }
  void take() {
    Queue::Taken place;
    for (;;) {
      auto const taken = queue.take(place);
      if (taken.empty()) return;
      for (Object* const each : taken) {
        if (Count::merge(each->halves)) die();
      }
    }
  }
  void go() {
    do {
      take();
    } while (!queue.go());
  }

  Object object;
  Queue queue;
  ScheduledMutex table;
  bool noted = false;
  bool given = false;
};

using Step = void (*)(World&);
using Steps = std::vector<Step>;

constexpr Step own_drop = [](World& world) { world.drop(World::owner); };
constexpr Step own_retain = [](World& world) { world.retain(World::owner); };
constexpr Step others_drop = [](World& world) { world.drop(World::other); };
constexpr Step others_weak = [](World& world) { world.strengthen_and_drop(World::other); };
constexpr Step others_retain = [](World& world) { world.retain(World::other); };
// The other thread gives all the references that it has to the owner.
constexpr Step others_give = [](World& world) {
  world.given = true;
  Scheduler::current().wrote();
};
constexpr Step await_gift = [](World& world) {
  Scheduler::current().await([&world] { return world.given; });
};
constexpr Step merge = [](World& world) {
  if (Count::merge(world.object.halves)) world.die();
};
constexpr Step come = [](World& world) { world.queue.come(); };
constexpr Step take = [](World& world) { world.take(); };
constexpr Step go = [](World& world) { world.go(); };

struct Start {
  std::uint32_t own, shared;
  bool owner_is_there = true;
  bool noted = false, is_queued = false;
};
constexpr Start noted(std::uint32_t own, std::uint32_t shared) { return {own, shared, true, true}; }

// The object dies once, nothing touches it afterwards, and nothing stays in the queue.
std::string explore(Start start, std::vector<Steps> const& threads) {
  auto const make = [&] {
    auto const world = std::make_shared<World>(start.own, start.shared, start.owner_is_there);
    world->noted = start.noted;
    if (start.noted) Plain::note(world->object.halves);
    if (start.is_queued) Plain::drop(world->object.halves, World::other);
    Scheduler::Scenario scenario;
    for (Steps const& steps : threads) {
      scenario.threads.push_back([world, steps] {
        for (Step const step : steps) step(*world);
      });
    }
    scenario.check = [world] {
      expect(!WatchedObject::was_touched_after_its_death, "the object is touched after its death");
      expect_equal(world->object.frees, 1, "times the object was freed");
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

TEST(BiasedCount, the_owner_and_another_drop_the_last_two) {
  EXPECT_EQ(explore({1, 1}, {{own_drop}, {others_drop}}), "");
  EXPECT_EQ(explore({2, 0}, {{own_drop, go}, {others_drop}}), "");
}

TEST(BiasedCount, two_others_drop_the_last_two_of_a_merged_object) {
  EXPECT_EQ(explore({0, 2}, {{others_drop}, {others_drop}}), "");
}

TEST(BiasedCount, what_was_given_away_comes_back_through_the_queue) {
  EXPECT_EQ(explore({1, 0}, {{go}, {others_drop}}), "");
  EXPECT_EQ(explore({2, 0}, {{go}, {others_drop, others_drop}}), "");
}

TEST(BiasedCount, an_owner_that_has_gone_is_acted_for) {
  EXPECT_EQ(explore({2, 0, false}, {{others_drop}, {others_drop}}), "");
}

TEST(BiasedCount, the_next_owner_goes_on_where_the_last_one_ended) {
  EXPECT_EQ(explore({2, 0}, {{go, come, own_drop, go}, {others_drop}}), "");
}

TEST(BiasedCount, an_owner_counts_what_is_queued) {
  EXPECT_EQ(explore({2, 0}, {{own_retain, own_drop, own_drop, go}, {others_drop}}), "");
}

TEST(BiasedCount, what_the_owner_drops_last_may_be_queued) {
  EXPECT_EQ(explore({3, 0}, {{await_gift, own_drop, own_drop, own_drop, go},
                             {others_drop, others_retain, others_give}}),
            "");
}

TEST(BiasedCount, a_weak_reference_gives_a_living_object_or_none) {
  EXPECT_EQ(explore(noted(1, 0), {{own_drop}, {others_weak}}), "");
  EXPECT_EQ(explore(noted(0, 1), {{others_drop}, {others_weak}}), "");
}

// An other one has dropped what the owner has retained.
TEST(BiasedCount, a_weak_reference_competes_with_the_queue) {
  Start start = noted(1, 0);
  start.is_queued = true;
  EXPECT_EQ(explore(start, {{merge}, {others_weak}}), "");
}

// Leaves the owner's queue as it is: what is in there never dies.
TEST(Canary, an_owner_that_ends_without_its_queue_is_found) {
  EXPECT_NE(explore({1, 0}, {{take}, {others_drop}}).find("times the object was freed"),
            std::string::npos);
}

TEST(Canary, a_drop_too_many_is_found) {
  EXPECT_NE(explore({1, 0}, {{own_drop, go}, {others_drop}}), "");
}

}  // namespace
}  // namespace churn::schedule
