// The racing slot and the atomic count of the counting collectors, in every interleaving.
#include <gtest/gtest.h>

#include <array>

#include "collectors/parts/counts.hpp"
#include "collectors/parts/racing_slot.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using collectors::Word;
using conform::expect;
using conform::expect_equal;

// Objects are words 2, 4, 6 …; each has a count, and is freed when that is dropped to zero.
struct World {
  static constexpr std::size_t objects = 4;
  std::array<Word, objects> counts{};
  std::array<int, objects> frees{};
  Word slot = 0;
  char const* fault = nullptr;  // the first one: the code under test lets no exception through

  void require(bool holds, char const* what) {
    if (!holds && fault == nullptr) fault = what;
  }
  static std::size_t index(Word word) { return word / 2 - 1; }
  static Word word(std::size_t index) { return 2 * (index + 1); }

  void retain(Word word) {
    require(frees[index(word)] == 0, "an object is counted that was freed before");
    collectors::AtomicCountOf<ScheduledRef>::retain(counts[index(word)]);
    require(frees[index(word)] == 0, "an object was freed while it was counted");
  }
  void drop(Word word) {
    require(frees[index(word)] == 0, "an object is dropped that was freed before");
    if (collectors::AtomicCountOf<ScheduledRef>::drop(counts[index(word)])) ++frees[index(word)];
  }
};

// Increments without holding the slot: the mistake that RacingSlot exists to avoid.
struct NaiveSlot {
  explicit NaiveSlot(Word& word) : word(word) {}
  template <class Retain>
  Word load(Retain retain) {
    Word const value = word.load();
    if (value != 0) retain(value);
    return value;
  }
  Word exchange(Word wanted) {
    for (Word value = word.load();;) {
      if (word.compare_exchange_weak(value, wanted, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
        return value;
      }
    }
  }
  ScheduledRef<Word> word;
};
// Waits for a bit that nobody clears.
struct StuckSlot {
  explicit StuckSlot(Word&) {}
  template <class Retain>
  Word load(Retain) {
    for (;;) ScheduledRelax()();
  }
  Word exchange(Word) { return 0; }
};
using Slot = collectors::RacingSlot<ScheduledRef, ScheduledRelax>;

// The slot holds object 0. Each reader loads and drops; each writer puts its own object in and
// drops what it gets out. At the end every object is freed once, but the one in the slot, which has
// a count of one.
template <class AnySlot>
Scheduler::Scenario readers_and_writers(std::size_t readers, std::size_t writers) {
  auto const world = std::make_shared<World>();
  world->slot = World::word(0);
  for (std::size_t i = 0; i <= writers; ++i) world->counts[i] = 1;
  Scheduler::Scenario scenario;
  for (std::size_t i = 0; i < readers; ++i) {
    scenario.threads.push_back([world] {
      Word const got = AnySlot(world->slot).load([&](Word word) { world->retain(word); });
      if (got != 0) world->drop(got);
    });
  }
  for (std::size_t i = 1; i <= writers; ++i) {
    scenario.threads.push_back([world, i] {
      Word const old = AnySlot(world->slot).exchange(World::word(i));
      if (old != 0) world->drop(old);
    });
  }
  scenario.check = [world, writers] {
    expect(world->fault == nullptr, world->fault);
    expect(world->slot % 2 == 0 && world->slot != 0, "the slot is left held, or empty");
    for (std::size_t i = 0; i <= writers; ++i) {
      bool const in_slot = world->slot == World::word(i);
      expect_equal(world->frees[i], in_slot ? 0 : 1, "times an object was freed");
      if (in_slot) expect_equal(world->counts[i], 1, "count of the object in the slot");
    }
  };
  return scenario;
}

template <class AnySlot>
std::string explore(std::size_t readers, std::size_t writers) {
  try {
    auto const runs =
        Scheduler::explore([=] { return readers_and_writers<AnySlot>(readers, writers); });
    testing::Test::RecordProperty("schedules", std::to_string(runs));
    std::printf("%zu readers, %zu writers: %llu schedules\n", readers, writers,
                static_cast<unsigned long long>(runs));
    return runs > 10 ? "" : "hardly anything was interleaved";
  } catch (conform::Violation const& violation) {
    return violation.text;
  }
}

TEST(RacingSlot, one_reader_one_writer) { EXPECT_EQ(explore<Slot>(1, 1), ""); }
TEST(RacingSlot, two_readers) { EXPECT_EQ(explore<Slot>(2, 0), ""); }
TEST(RacingSlot, two_writers) { EXPECT_EQ(explore<Slot>(0, 2), ""); }

TEST(Canary, counting_without_holding_the_slot_is_found) {
  std::string const failure = explore<NaiveSlot>(1, 1);
  EXPECT_NE(failure.find("freed"), std::string::npos) << failure;
  EXPECT_NE(failure.find("schedule "), std::string::npos) << failure;
}

TEST(Canary, a_deadlock_is_found) {
  auto const stuck = [] { explore<StuckSlot>(2, 0); };
  std::string const failure = conform::run_in_child(stuck, 60).failure();
  EXPECT_NE(failure.find("deadlock"), std::string::npos) << failure;
}

}  // namespace
}  // namespace churn::schedule
