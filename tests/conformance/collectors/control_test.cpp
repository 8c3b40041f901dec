// The collector `generational` as Python's own teaching shows its model: how references are
// counted, what `del` does and what collect() does, which generation is collected when. What is
// expected is what CPython prints; where its figure holds more than ours, the test says why.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "collectors/generational.hpp"
#include "harness/conform/collector_child.hpp"

namespace churn::tests {
namespace {

using generational::Heap;
using M = generational::Collector::Mutator;
using Ref = M::Ref;
using Local = M::Local;
template <std::size_t n>
using Frame = M::Frame<n>;
using Rows = std::array<GenerationStats, generations>;
using Tags = std::vector<std::uint64_t>;

constexpr Shape node{2, 8};
constexpr std::uint32_t full = generations - 1;

HeapOptions python(std::int64_t version) { return {0, {{"python", version}}}; }
constexpr std::int64_t python_3_11 = 0, python_3_13 = 1;

void link(M& m, Local& a, Local& b) {
  m.write(a.get(), 0, b.get());
  m.write(b.get(), 0, a.get());
}
void drop_cycle(M& m) {
  Frame<2> frame(m);
  m.allocate(frame[0], node);
  m.allocate(frame[1], node);
  link(m, frame[0], frame[1]);
}

// The generations that are collected while so many objects are allocated and kept.
std::string collected_for_survivors(M& m, std::uint32_t survivors) {
  std::string generations_collected;
  m.on_collection({&generations_collected, [](void* context, CollectionEvent const& event) {
                     if (event.stops) return;
                     *static_cast<std::string*>(context) +=
                         static_cast<char>('0' + event.generation);
                   }});
  Frame<2> frame(m);
  for (std::uint32_t i = 0; i < survivors; ++i) {
    m.allocate(frame[1], node);
    m.write_new(frame[1].get(), 0, std::move(frame[0]));
    m.move(frame[0], frame[1]);
  }
  m.on_collection({});
  return generations_collected;
}

// Runs what it is given inside the hooks, and notes the tags.
struct Hooks {
  Tags finalized, told;
  void (*in_finalizer)(Hooks&, M&, Ref) = nullptr;
  Local* keep = nullptr;
  std::uint64_t answer = ~std::uint64_t{0};

  DeathHooks<M> as_hooks() {
    return {this,
            [](void* context, M& m, Ref object, std::uint64_t tag) {
              auto& self = *static_cast<Hooks*>(context);
              self.finalized.push_back(tag);
              if (self.in_finalizer != nullptr) self.in_finalizer(self, m, object);
            },
            [](void* context, M&, Ref, std::uint64_t tag) {
              static_cast<Hooks*>(context)->told.push_back(tag);
            }};
  }
};

// x = object(); y = x; del y
TEST(Teaching, ReferencesAreCounted) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Frame<2> frame(m);
  // sys.getrefcount(x) has x as its argument, which is a reference too: it prints one more.
  auto const getrefcount = [&](Local& named) {
    Frame<1> argument(m);
    m.set(argument[0], named.get());
    return m.reference_count(argument[0].get());
  };
  std::vector<std::uint64_t> ours, pythons;
  auto const look = [&] {
    ours.push_back(m.reference_count(frame[0].get()));
    pythons.push_back(getrefcount(frame[0]));
  };
  m.allocate(frame[0], node);
  look();
  m.set(frame[1], frame[0].get());
  look();
  m.clear(frame[1]);
  look();
  EXPECT_EQ(ours, (std::vector<std::uint64_t>{1, 2, 1}));
  EXPECT_EQ(pythons, (std::vector<std::uint64_t>{2, 3, 2}));
}

// a.other = b; b.other = a; del a; del b; gc.collect()
TEST(Teaching, DelDoesNotFinalizeACycleAndCollectDoes) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  m.on_death(hooks.as_hooks());
  {
    Frame<2> frame(m);
    for (std::uint64_t i = 0; i < 2; ++i) {
      m.allocate(frame[i], node);
      m.watch(frame[i].get(), 1 + i);
    }
    link(m, frame[0], frame[1]);
    m.clear(frame[0]);
    m.clear(frame[1]);
    EXPECT_EQ(hooks.finalized, Tags{});
    EXPECT_EQ(heap.stats().present_objects(), 2u);
  }
  EXPECT_EQ(m.collect(full), 2u);
  EXPECT_EQ(hooks.finalized, (Tags{1, 2}));
  EXPECT_EQ(heap.stats().present_objects(), 0u);
}

// gc.get_stats() has a row for each generation, and only that of the one collected changes.
TEST(Teaching, StatsHaveThreeRows) {
  Heap heap{HeapOptions{}};
  M m(heap);
  static_assert(std::tuple_size_v<Rows> == 3);
  EXPECT_EQ(m.get_stats(), Rows{});
  drop_cycle(m);
  m.collect(0);
  drop_cycle(m);
  drop_cycle(m);
  m.collect(1);
  m.collect(2);
  m.collect(2);
  EXPECT_EQ(m.get_stats(), (Rows{{{1, 2, 0}, {1, 4, 0}, {2, 0, 0}}}));
}

TEST(Thresholds, AreThoseOfTheVersionUnlessTheyAreSet) {
  Heap older(python(python_3_11)), newer(python(python_3_13));
  EXPECT_EQ(M(older).get_threshold(), (PerGeneration{700, 10, 10}));
  EXPECT_EQ(M(newer).get_threshold(), (PerGeneration{2000, 10, 10}));
  Heap set(
      {0, {{"python", python_3_13}, {"threshold0", -1}, {"threshold1", 7}, {"threshold2", 0}}});
  EXPECT_EQ(M(set).get_threshold(), (PerGeneration{2000, 7, 0}));
}

// gc.set_threshold(100, 3, 2) and 3000 objects, in an interpreter that had some counted before.
TEST(Thresholds, ChooseTheGeneration) {
  for (std::int64_t const version : {python_3_11, python_3_13}) {
    Heap heap(python(version));
    M m(heap);
    m.set_threshold({100, 3, 2});
    Frame<1> before(m);
    m.allocate(before[0], Shape{50, 0});
    for (std::uint32_t i = 0; i < 50; ++i) {
      Frame<1> frame(m);
      m.allocate(frame[0], node);
      m.write(before[0].get(), i, std::move(frame[0]));
    }
    EXPECT_EQ(m.get_count(), (PerGeneration{51, 0, 0}));
    EXPECT_EQ(collected_for_survivors(m, 3000), "000010000100001200001000010000") << version;
  }
}

// A million survivors: the rule of a quarter makes full collections rare. The figures are what
// [N() for _ in range(1000000)] gives in CPython 3.11.2 and 3.13.0.
TEST(Thresholds, LetAHeapGrowWithFewFullCollections) {
  struct Expected {
    std::int64_t version;
    std::uint64_t young, middle, all;
  };
  for (auto const& each : {Expected{python_3_11, 1300, 118, 8}, {python_3_13, 455, 41, 3}}) {
    Heap heap(python(each.version));
    M m(heap);
    collected_for_survivors(m, 1'000'000);
    Rows const rows = m.get_stats();
    EXPECT_EQ(rows[0].collections, each.young) << each.version;
    EXPECT_EQ(rows[1].collections, each.middle) << each.version;
    EXPECT_EQ(rows[2].collections, each.all) << each.version;
  }
}

// 3.11 collects before the object is tracked, 3.13 when the call that made it is over.
TEST(Thresholds, AreMetWithinTheAllocationOrAfterIt) {
  for (std::int64_t const version : {python_3_11, python_3_13}) {
    Heap heap(python(version));
    M m(heap);
    m.set_threshold({2, 10, 10});
    drop_cycle(m);
    EXPECT_EQ(m.get_count(), (PerGeneration{2, 0, 0}));
    Frame<1> third(m);
    m.allocate(third[0], node);
    EXPECT_EQ(m.get_count(), (PerGeneration{0, 1, 0}));
    EXPECT_EQ(m.get_stats()[0], (GenerationStats{1, 2, 0}));
    // Whether the third was looked at shows in what a collection of generation 0 finds now.
    m.write(third[0].get(), 0, third[0].get());
    m.clear(third[0]);
    EXPECT_EQ(m.collect(0), version == python_3_11 ? 1u : 0u);
    EXPECT_EQ(m.collect(1), version == python_3_11 ? 0u : 1u);
  }
}

TEST(Thresholds, CountWhatIsTrackedLessWhatIsFreedAndNeverBelowZero) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Frame<3> frame(m);
  m.allocate(frame[0], Shape{0, 16});
  EXPECT_EQ(m.get_count()[0], 0u);
  EXPECT_FALSE(m.is_tracked(frame[0].get()));
  m.allocate(frame[1], node);
  m.allocate(frame[2], node);
  EXPECT_EQ(m.get_count()[0], 2u);
  EXPECT_TRUE(m.is_tracked(frame[1].get()));
  m.collect(0);
  EXPECT_EQ(m.get_count(), (PerGeneration{0, 1, 0}));
  m.clear(frame[1]);
  EXPECT_EQ(m.get_count()[0], 0u);
  m.allocate(frame[1], node);
  m.clear(frame[1]);
  m.clear(frame[2]);
  EXPECT_EQ(m.get_count()[0], 0u);
}

// gc.set_debug(gc.DEBUG_SAVEALL)
TEST(Garbage, IsSavedAndFoundAgain) {
  Heap heap{HeapOptions{}};
  M m(heap);
  m.save_all(true);
  drop_cycle(m);
  EXPECT_EQ(m.collect(full), 2u);
  EXPECT_EQ(m.garbage_size(), 2u);
  EXPECT_EQ(m.get_stats()[full], (GenerationStats{1, 2, 0}));
  EXPECT_EQ(m.collect(full), 0u);
  m.save_all(false);
  m.clear_garbage();
  EXPECT_EQ(m.garbage_size(), 0u);
  EXPECT_EQ(heap.stats().present_objects(), 2u);
  EXPECT_EQ(m.collect(full), 2u);
  EXPECT_EQ(heap.stats().present_objects(), 0u);
}

TEST(Freezing, HidesGarbageUntilItIsUndone) {
  Heap heap{HeapOptions{}};
  M m(heap);
  drop_cycle(m);
  m.freeze();
  EXPECT_EQ(m.get_freeze_count(), 2u);
  EXPECT_EQ(m.get_count(), PerGeneration{});
  EXPECT_EQ(m.collect(full), 0u);
  m.unfreeze();
  EXPECT_EQ(m.get_freeze_count(), 0u);
  EXPECT_EQ(m.collect(full), 2u);
}

// What is acyclic behind a cycle dies with it and is counted; what has no slots is not.
TEST(Collecting, CountsAcyclicTails) {
  Heap heap{HeapOptions{}};
  M m(heap);
  {
    Frame<3> frame(m);
    m.allocate(frame[0], node);
    m.allocate(frame[1], node);
    link(m, frame[0], frame[1]);
    m.allocate(frame[2], node);
    m.write(frame[1].get(), 1, frame[2].get());
    m.allocate(frame[0], Shape{0, 8});
    m.write(frame[2].get(), 0, frame[0].get());
  }
  EXPECT_EQ(m.collect(full), 3u);
  EXPECT_EQ(heap.stats().present_objects(), 0u);
}

TEST(Collecting, WithinACollectionDoesNothing) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  hooks.in_finalizer = [](Hooks& self, M& m, Ref) { self.answer = m.collect(full); };
  m.on_death(hooks.as_hooks());
  Frame<1> frame(m);
  m.allocate(frame[0], node);
  m.watch(frame[0].get(), 1);
  m.write(frame[0].get(), 0, frame[0].get());
  m.clear(frame[0]);
  drop_cycle(m);
  EXPECT_EQ(m.collect(full), 3u);
  EXPECT_EQ(hooks.answer, 0u);
  EXPECT_EQ(m.get_stats()[full].collections, 1u);
  // A finalizer that a drop runs is in no collection: its collect is one.
  drop_cycle(m);
  m.allocate(frame[0], node);
  m.watch(frame[0].get(), 2);
  m.clear(frame[0]);
  EXPECT_EQ(hooks.answer, 2u);
}

TEST(Finalizers, RunOnceAndWhatTheySaveIsNotCounted) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  Frame<1> kept(m);
  hooks.keep = &kept[0];
  hooks.in_finalizer = [](Hooks& self, M& m, Ref object) { m.set(*self.keep, object); };
  m.on_death(hooks.as_hooks());
  {
    Frame<2> frame(m);
    m.allocate(frame[0], node);
    m.watch(frame[0].get(), 5);
    m.allocate(frame[1], node);
    link(m, frame[0], frame[1]);
  }
  drop_cycle(m);
  EXPECT_EQ(m.collect(full), 2u);  // the other cycle
  EXPECT_EQ(heap.stats().present_objects(), 2u);
  m.clear(kept[0]);
  EXPECT_EQ(m.collect(full), 2u);
  EXPECT_EQ(hooks.finalized, Tags{5});
}

// Slots are dropped in order, and each child dies completely before the next.
TEST(Finalizers, RunDepthFirstInADrop) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  m.on_death(hooks.as_hooks());
  Frame<3> frame(m);
  auto const make = [&](Local& local, std::uint64_t tag) {
    m.allocate(local, node);
    m.watch(local.get(), tag);
  };
  // 1 -> (2 -> (3, 4), 5)
  make(frame[0], 1);
  make(frame[1], 2);
  for (std::uint32_t slot : {0, 1}) {
    make(frame[2], 3 + slot);
    m.write(frame[1].get(), slot, std::move(frame[2]));
  }
  m.write(frame[0].get(), 0, std::move(frame[1]));
  make(frame[1], 5);
  m.write(frame[0].get(), 1, std::move(frame[1]));
  m.clear(frame[0]);
  EXPECT_EQ(hooks.finalized, (Tags{1, 2, 3, 4, 5}));
}

// Allocating in hooks, during a collection, is allowed, counted, and triggers nothing.
TEST(Finalizers, MayAllocate) {
  Heap heap{HeapOptions{}};
  M m(heap);
  m.set_threshold({5, 10, 10});
  Hooks hooks;
  hooks.in_finalizer = [](Hooks&, M& m, Ref) {
    for (int i = 0; i < 10; ++i) drop_cycle(m);
  };
  m.on_death(hooks.as_hooks());
  Frame<1> frame(m);
  m.allocate(frame[0], node);
  m.watch(frame[0].get(), 1);
  m.write(frame[0].get(), 0, frame[0].get());
  m.clear(frame[0]);
  EXPECT_EQ(m.collect(full), 1u);
  EXPECT_EQ(m.get_count(), (PerGeneration{19, 0, 0}));  // the finalized one is freed after them
  EXPECT_EQ(m.get_stats()[0].collections, 0u);
  EXPECT_EQ(m.collect(0), 20u);
}

// Cleared before finalizers in a collection, newest first, and dead although what they named lives.
TEST(WeakObjects, AreToldBeforeFinalizersUnlessTheyAreTrashToo) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  Frame<4> frame(m);
  hooks.keep = &frame[3];
  hooks.in_finalizer = [](Hooks& self, M& m, Ref object) {
    self.told.push_back(0);  // among the weak objects' tags: when it was
    m.set(*self.keep, object);
  };
  m.on_death(hooks.as_hooks());
  m.allocate(frame[0], node);
  m.watch(frame[0].get(), 9);
  m.write(frame[0].get(), 0, frame[0].get());
  m.allocate_weak(frame[1], frame[0].get(), 1);
  m.allocate_weak(frame[2], frame[0].get(), 2);
  m.allocate_weak(frame[3], frame[0].get(), 3);
  m.write(frame[0].get(), 1, std::move(frame[3]));  // trash with its referent
  m.clear(frame[0]);
  EXPECT_EQ(m.collect(full), 0u);
  EXPECT_EQ(hooks.told, (Tags{2, 1, 0}));
  EXPECT_NE(frame[3].get(), Ref{});
  for (std::uint32_t weak : {1, 2}) EXPECT_FALSE(m.referent(frame[0], frame[weak].get()));
}

// In a drop it is the other way round: the finalizer may still save the object, and with it the
// weak objects.
TEST(WeakObjects, OutliveADropThatAFinalizerUndoes) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  Frame<3> frame(m);
  hooks.keep = &frame[2];
  hooks.in_finalizer = [](Hooks& self, M& m, Ref object) { m.set(*self.keep, object); };
  m.on_death(hooks.as_hooks());
  m.allocate(frame[0], node);
  m.watch(frame[0].get(), 9);
  m.allocate_weak(frame[1], frame[0].get(), 1);
  m.clear(frame[0]);
  EXPECT_EQ(hooks.told, Tags{});
  EXPECT_TRUE(m.referent(frame[0], frame[1].get()));
  m.clear(frame[0]);
  m.clear(frame[2]);
  EXPECT_EQ(hooks.told, Tags{1});
  EXPECT_EQ(hooks.finalized, Tags{9});
}

// A weak object that is trash lets go of what it names, which lives on and dies unheard.
TEST(WeakObjects, LeaveTheirReferentWhenTheyAreTrash) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Hooks hooks;
  m.on_death(hooks.as_hooks());
  Frame<3> frame(m);
  m.allocate(frame[0], node);
  m.allocate(frame[1], node);
  m.allocate_weak(frame[2], frame[0].get(), 1);
  m.write(frame[1].get(), 0, frame[1].get());
  m.write(frame[1].get(), 1, std::move(frame[2]));
  m.clear(frame[1]);
  EXPECT_EQ(m.collect(full), 2u);
  heap.verify();
  m.allocate_weak(frame[2], frame[0].get(), 2);
  m.clear(frame[0]);
  EXPECT_EQ(hooks.told, Tags{2});
  m.clear(frame[2]);
  EXPECT_EQ(heap.stats().present_objects(), 0u);
}

// One that dies of its own callback was no trash, and is found by the collection all the same.
TEST(WeakObjects, ThatDieInTheirCallbackAreCounted) {
  Heap heap{HeapOptions{}};
  M m(heap);
  Frame<2> frame(m);
  DeathHooks<M> hooks;
  hooks.context = &frame[1];
  hooks.weak_died = [](void* context, M& m, Ref, std::uint64_t) {
    m.clear(*static_cast<Local*>(context));
  };
  m.on_death(hooks);
  m.allocate(frame[0], node);
  m.write(frame[0].get(), 0, frame[0].get());
  m.allocate_weak(frame[1], frame[0].get(), 1);
  m.clear(frame[0]);
  EXPECT_EQ(m.collect(full), 2u);
  EXPECT_EQ(heap.stats().present_objects(), 0u);
}

// A list of 60 watched nodes, 0 to 59; the tenth one's second slot names a leaf, 100. In 3.11 node
// 50 would die within 50 deaths, and is put aside until all that are begun are over. (CPython
// 3.11.7 and, as Pyodide has it, 3.13.2 tell the same.)
Tags deaths_of_a_long_list(std::int64_t version, bool& named_while_it_waits) {
  constexpr std::uint64_t nodes = 60, waits = 50, leaf = 100;
  Heap heap(python(version));
  M m(heap);
  struct Seen {
    Tags finalized;
    M::Weak weak;
    Local* weak_object;
    bool named = false;
  } seen{{}, M::Weak(m), nullptr};
  m.on_death({&seen,
              [](void* context, M& m, Ref, std::uint64_t tag) {
                auto& self = *static_cast<Seen*>(context);
                self.finalized.push_back(tag);
                if (tag != leaf) return;
                Frame<2> found(m);
                self.named = m.strengthen(found[0], self.weak) ||
                             m.referent(found[1], self.weak_object->get());
              },
              nullptr});
  Frame<3> frame(m);
  seen.weak_object = &frame[2];
  for (std::uint64_t i = nodes; i-- > 0;) {
    m.allocate(frame[1], node);
    m.watch(frame[1].get(), i);
    m.write(frame[1].get(), 0, std::move(frame[0]));
    m.move(frame[0], frame[1]);
    if (i == waits) {
      m.weaken(seen.weak, frame[0].get());
      m.allocate_weak(frame[2], frame[0].get(), 0);
    }
    if (i != 10) continue;
    m.allocate(frame[1], node);
    m.watch(frame[1].get(), leaf);
    m.write(frame[0].get(), 1, std::move(frame[1]));
  }
  m.clear(frame[0]);
  m.clear(frame[2]);
  EXPECT_EQ(heap.stats().present_objects(), 0u);
  named_while_it_waits = seen.named;
  return seen.finalized;
}
TEST(Depth, BoundsHowDeathsNestInPython311) {
  auto const compare = [] {
    Tags expected;
    for (std::uint64_t i = 0; i < 60; ++i) {
      if (i == 50) expected.push_back(100);
      expected.push_back(i);
    }
    bool named = true;
    conform::expect(deaths_of_a_long_list(python_3_11, named) == expected, "3.11: another order");
    conform::expect(!named, "what waits for its death is given to a weak reference");
    expected.erase(expected.begin() + 50);
    expected.push_back(100);
    conform::expect(deaths_of_a_long_list(python_3_13, named) == expected, "3.13: another order");
  };
  EXPECT_EQ(conform::run_in_child(compare, 60).failure(), "");
}

}  // namespace
}  // namespace churn::tests
