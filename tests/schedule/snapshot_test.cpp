// Snapshot marking beside running mutators, on a heap of up to four objects, in every interleaving:
// barrier, logs, the two stops, and objects made meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "collectors/parts/snapshot_cycle.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/schedule/scheduled_policy.hpp"

namespace churn::schedule {
namespace {

using collectors::Word;
using conform::expect;
using World = collectors::WorldOf<ScheduledPolicy>;

// Which mistake the heap makes.
enum class Mistake { none, no_barrier, no_barrier_for_null, new_objects_white, log_lost_at_detach };

// Objects are words 1 to 4, with one slot each. Logs have room for one reference, so that handing
// over is part of every schedule.
template <Mistake mistake>
struct Heap {
  using Cycle = collectors::SnapshotCycle<Heap, ScheduledPolicy, 1>;
  static constexpr std::size_t objects = 4;

  struct Object {
    ScheduledAtomic<Word> slot{0};
    bool allocated = false, marked = false, grey = false;
  };
  struct Mutator : World::Member {
    explicit Mutator(Heap& heap) : heap(heap) {}

    void attach() {
      heap.world.attach(*this, [this] {
        attached = true;
        heap.cycle.attach(log);
      });
    }
    void detach() {
      roots = {};
      heap.world.detach(*this, [this] {
        attached = false;
        if (mistake != Mistake::log_lost_at_detach) heap.cycle.detach(log);
      });
    }
    void poll() { heap.world.poll(*this); }
    void allocate(std::size_t root, Word word) {
      poll();
      Object& object = heap.at(word);
      object.allocated = true;
      object.marked = heap.cycle.marking() && mistake != Mistake::new_objects_white;
      roots[root] = word;
    }
    void load(std::size_t root, Word object) {
      roots[root] = heap.at(object).slot.load(std::memory_order_acquire);
      heap.require(roots[root] == 0 || heap.at(roots[root]).allocated, "a dead object is loaded");
    }
    void store(Word object, Word value) {
      note(heap.at(object).slot.load(std::memory_order_relaxed), value);
      heap.at(object).slot.store(value, std::memory_order_release);
    }
    // pre: the slot is null
    void store_new(Word object, Word value) {
      heap.at(object).slot.store(value, std::memory_order_release);
    }
    // As exchange_shared: the old value is noted after it has been taken out.
    void exchange(std::size_t root, Word object) {
      Word const value = roots[root];
      roots[root] = heap.at(object).slot.exchange(value, std::memory_order_acq_rel);
      note(roots[root], value);
    }
    void note(Word old, Word value) {
      bool const forgets =
          mistake == Mistake::no_barrier || (mistake == Mistake::no_barrier_for_null && value == 0);
      if (log.on && old != 0 && !forgets) heap.cycle.logs().note(log, old);
    }

    Heap& heap;
    typename Cycle::Log log;
    std::array<Word, 3> roots{};
    bool attached = false;
  };

  Object& at(Word word) { return all[word - 1]; }
  void require(bool holds, char const* what) {
    if (!holds && fault == nullptr) fault = what;
  }

  // ---- the host of the cycle ----

  template <class Visit>
  void for_each_log(Visit visit) {
    world.for_each([&](World::Member& member) { visit(static_cast<Mutator&>(member).log); });
  }
  void grey_roots() {
    world.for_each([&](World::Member& member) {
      for (Word const root : static_cast<Mutator&>(member).roots) grey(root);
    });
    grey(global);
  }
  void grey(Word word) {
    if (word == 0 || at(word).marked) return;
    require(at(word).allocated, "a dead object is marked");
    at(word).marked = at(word).grey = true;
  }
  template <class Patience>
  bool trace(Patience patience) {
    for (;;) {
      auto const object =
          std::find_if(all.begin(), all.end(), [](Object const& each) { return each.grey; });
      if (object == all.end()) return true;
      if (!patience()) return false;
      object->grey = false;
      grey(object->slot.load(std::memory_order_acquire));
    }
  }
  bool revive() { return false; }
  void began() {
    for (Object& object : all) object.marked = false;
  }
  void ended() {
    for (Object& object : all) {
      if (!object.marked) object.allocated = false;
    }
    ++cycles;
  }

  // ---- the marker's thread ----

  void begin() {
    run_stopped([this] { ended_at_once = cycle.begin([] { return false; }); });
  }
  void end() {
    if (ended_at_once) return;
    run_stopped([this] { cycle.end([] { return true; }); });
  }
  template <class Work>
  void run_stopped(Work work) {
    while (!world.run_stopped(nullptr, work)) {
    }
  }

  // Every object that a root leads to is there, whatever has been marked.
  void check_reachable() {
    require(cycles > 0, "no cycle has ended");
    std::array<bool, objects> seen{};
    auto const walk = [&](auto const& self, Word word) -> void {
      if (word == 0 || seen[word - 1]) return;
      seen[word - 1] = true;
      require(at(word).allocated, "a reachable object is dead");
      self(self, at(word).slot.load(std::memory_order_relaxed));
    };
    walk(walk, global);
    for (Mutator const& mutator : mutators) {
      for (Word const root : mutator.roots) walk(walk, root);
    }
  }

  World world;
  std::array<Object, objects> all;
  Cycle cycle{*this};
  std::array<Mutator, 2> mutators{Mutator(*this), Mutator(*this)};
  Word global = 0;
  char const* fault = nullptr;
  int cycles = 0;
  bool ended_at_once = false;
};

// Objects 1 and up in a chain from the global, as many as `length`; the rest are not there yet.
// What the first mutator has in hand when it starts.
struct Setting {
  Word chain_length = 0;
  std::vector<Word> in_hand;
  bool begins = true;  // the cycle begins beside the threads, not before them
  bool ends = true;    // and ends beside them, not after them
};
template <Mistake mistake>
using Script = void (*)(typename Heap<mistake>::Mutator&);

template <Mistake mistake>
Scheduler::Scenario scenario(Setting const& setting, std::vector<Script<mistake>> const& scripts) {
  auto const heap = std::make_shared<Heap<mistake>>();
  for (Word word = 1; word <= setting.chain_length; ++word) {
    heap->at(word).allocated = true;
    Word const next = word == setting.chain_length ? 0 : word + 1;
    heap->at(word).slot.store(next, std::memory_order_relaxed);
  }
  heap->global = 1;
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    auto& mutator = heap->mutators[i];
    std::copy(setting.in_hand.begin(), setting.in_hand.end(), mutator.roots.begin());
    mutator.attach();
    heap->world.block(mutator);
  }
  if (!setting.begins) heap->begin();
  for (std::size_t i = 0; i < scripts.size(); ++i) heap->world.unblock(heap->mutators[i]);

  Scheduler::Scenario result;
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    result.threads.push_back([heap, i, setting, script = scripts[i]] {
      auto& mutator = heap->mutators[i];
      script(mutator);
      if (setting.ends && mutator.attached) heap->world.block(mutator);
    });
  }
  result.threads.push_back([heap, setting] {
    if (setting.begins) heap->begin();
    heap->cycle.mark([] { return true; });
    if (setting.ends) heap->end();
  });
  result.check = [heap, setting] {
    for (auto& mutator : heap->mutators) {
      if (!setting.ends && mutator.attached) heap->world.block(mutator);
    }
    if (!setting.ends) heap->end();
    heap->check_reachable();
    for (auto& mutator : heap->mutators) {
      if (!mutator.attached) continue;
      heap->world.unblock(mutator);
      mutator.detach();
    }
    expect(heap->fault == nullptr, heap->fault);
  };
  return result;
}

template <Mistake mistake = Mistake::none>
std::string explore(Setting const& setting, std::vector<Script<mistake>> const& scripts) {
  auto const all = [&] {
    auto const runs = Scheduler::explore([&] { return scenario<mistake>(setting, scripts); });
    std::printf("%llu schedules\n", static_cast<unsigned long long>(runs));
    std::fflush(stdout);
    expect(runs > 10, "hardly anything was interleaved");
  };
  return conform::run_in_child(all, 60).failure();
}

// 1 -> 2: takes 2 out of 1 and keeps it in a local.
constexpr auto take_out = [](auto& m) {
  m.poll();
  m.load(0, 1);
  m.store(1, 0);
  m.poll();
};
// 1 -> 2 -> 3, and 2 in hand: cuts 2 out.
constexpr auto cut_out = [](auto& m) {
  m.load(1, 2);
  m.store(1, m.roots[1]);
  m.store(2, 0);
};
// 1 -> 2: puts a new object in between.
constexpr auto put_between = [](auto& m) {
  m.load(0, 1);
  m.allocate(1, 4);
  m.store_new(4, m.roots[0]);
  m.store(1, 4);
};
// 1 -> 2 -> 3, and 3 in hand: hangs 2 behind 3, then goes, and its locals with it.
constexpr auto replace_and_go = [](auto& m) {
  m.load(1, 1);
  m.store(1, 3);
  m.store_new(3, m.roots[1]);
  m.detach();
};
// 1 -> 2 -> 3, and 3 in hand of two mutators: one carries 2 from 1 to 3, the other cuts it off 1.
constexpr auto carry = [](auto& m) {
  m.load(1, 1);
  m.store_new(3, m.roots[1]);
};
constexpr auto cut_off = [](auto& m) { m.exchange(1, 1); };

TEST(Snapshot, what_is_taken_out_stays) { EXPECT_EQ(explore({2, {}}, {take_out}), ""); }
TEST(Snapshot, what_is_behind_a_cut_stays) {
  EXPECT_EQ(explore({3, {2}, false, false}, {cut_out}), "");
}
TEST(Snapshot, what_is_new_stays) { EXPECT_EQ(explore({2, {}}, {put_between}), ""); }
TEST(Snapshot, what_a_mutator_leaves_behind_stays) {
  EXPECT_EQ(explore({3, {3}, false}, {replace_and_go}), "");
}
TEST(Snapshot, what_two_mutators_hide_stays) {
  EXPECT_EQ(explore({3, {3}, false, false}, {carry, cut_off}), "");
}

template <Mistake mistake, class Body>
void expect_found(Setting const& setting, Body body) {
  std::string const failure = explore<mistake>(setting, {body});
  EXPECT_NE(failure.find("dead"), std::string::npos) << failure;
}
TEST(Canary, no_barrier_is_found) { expect_found<Mistake::no_barrier>({2, {}}, take_out); }
TEST(Canary, no_barrier_for_null_is_found) {
  expect_found<Mistake::no_barrier_for_null>({2, {}, false}, take_out);
}
TEST(Canary, white_new_objects_are_found) {
  expect_found<Mistake::new_objects_white>({2, {}, false}, put_between);
}
TEST(Canary, a_log_lost_at_detach_is_found) {
  expect_found<Mistake::log_lost_at_detach>({3, {3}, false}, replace_and_go);
}

}  // namespace
}  // namespace churn::schedule
