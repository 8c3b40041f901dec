// The two collectors whose work is bounded, with bounds so tight that every pass is cut off, every
// cycle takes many steps, and objects are old after a few operations: all properties and random
// operations; and that garbage stays within the bounds that their headers state.
#include <gtest/gtest.h>

#include <algorithm>

#include "collectors/generational_incremental.hpp"
#include "collectors/trial_deletion.hpp"
#include "harness/conform/collector_suite.hpp"
#include "harness/core/random.hpp"

namespace churn {
namespace {

template <class Loose>
HeapOptions tight(HeapOptions options) {
  options.settings.push_back({"candidates", 2});
  options.settings.push_back({"batch", 4});
  options.settings.push_back({"bound", 12});
  return options;
}

template <class Loose>
struct Tight : Loose {
  struct Heap : Loose::Heap {
    explicit Heap(HeapOptions const& options) : Loose::Heap(tight<Loose>(options)) {}
  };
  using Mutator = collectors::HeapMutator<Heap>;
};

using TightCollectors =
    testing::Types<Tight<trial_deletion::Collector>, Tight<generational_incremental::Collector>>;

template <class C>
class Bounded : public testing::Test {};
TYPED_TEST_SUITE(Bounded, TightCollectors);

constexpr unsigned seconds = 120;

TYPED_TEST(Bounded, every_property_holds) {
  auto const suite = conform::make_suite<TypeParam>("tight");
  for (auto const& property : suite.properties) {
    EXPECT_EQ(conform::run_in_child(property.run, seconds).failure(), "") << property.name;
  }
}

TYPED_TEST(Bounded, random_operations_agree_with_a_model) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto const run = [seed] {
      conform::mutate<TypeParam>({.seed = seed, .operations = 3000, .collect_every = 0});
    };
    ASSERT_EQ(conform::run_in_child(run, seconds).failure(), "") << "seed " << seed;
  }
}

// A cycle in steps of a few visits each, between any two operations of the mutator.
struct Stepped : generational_incremental::Collector {
  class Heap : public Tight<generational_incremental::Collector>::Heap {
   public:
    using Base = Tight<generational_incremental::Collector>::Heap;
    using Base::Base;
    void take_a_step() {
      if (!runs()) begin();
      visit(random_.between(1, 12));
    }
    void begin() { this->begin_cycle(); }
    bool runs() const noexcept { return this->cycle_runs(); }
    void visit(std::uint64_t objects) { this->step(this->accounts_.spare(), objects); }

   private:
    Random random_{1};
  };
  class Mutator : public collectors::HeapMutator<Heap> {
    using Base = HeapMutator;

   public:
    explicit Mutator(Heap& heap) : Base(heap), heap_(heap) {}
    void set(Local& local, Ref value) {
      Base::set(local, value);
      heap_.take_a_step();
    }
    void clear(Local& local) {
      Base::clear(local);
      heap_.take_a_step();
    }
    void move(Local& to, Local& from) {
      Base::move(to, from);
      heap_.take_a_step();
    }
    void take(Local& local, Ref object, std::uint32_t index) {
      Base::take(local, object, index);
      heap_.take_a_step();
    }

   private:
    Heap& heap_;
  };
};

// Two objects become a dead ring between the gathering of one and of the other, by the loss of a
// suspect that has not been gathered yet; one of them is held for this cycle.
TEST(GenerationalIncremental, loss_before_gathering_is_for_the_next_cycle) {
  constexpr Shape node{2, 0};
  HeapOptions options;
  options.settings.push_back({"candidates", 100});  // no bounded pass comes in between
  Stepped::Heap heap(options);
  collectors::HeapMutator<Stepped::Heap> m(heap);
  decltype(m)::Frame<3> frame(m);
  m.allocate(frame[0], node);
  m.allocate(frame[1], node);
  collectors::Ref const early = frame[0].get(), late = frame[1].get();
  m.write(late, 0, early);
  for (collectors::Ref const suspect : {early, late}) {
    m.set(frame[2], suspect);
    m.clear(frame[2]);
  }
  m.clear(frame[0]);
  heap.begin();
  heap.visit(1);  // the first suspect is gathered, and looked into
  m.write(early, 0, late);
  m.write(late, 1, early);  // now the first one is held
  m.clear(frame[1]);
  while (heap.runs()) heap.visit(1);
  heap.begin();
  while (heap.runs()) heap.visit(1);
  EXPECT_EQ(heap.stats().present_objects(), 0u);
}

// A dead ring of two that are named weakly, and one of them perhaps watched.
struct DeadRing {
  static constexpr Shape node{1, 8};
  using M = collectors::HeapMutator<Stepped::Heap>;

  explicit DeadRing(bool watched) : heap(options()), m(heap), weak(m), other(m) {
    M::Frame<2> frame(m);
    for (std::uint64_t i = 0; i < 2; ++i) {
      m.allocate(frame[i], node);
      conform::stamp(m.payload(frame[i].get(), node), node.payload_bytes, i);
    }
    m.write(frame[0].get(), 0, frame[1].get());
    m.write(frame[1].get(), 0, frame[0].get());
    m.weaken(weak, frame[0].get());
    m.weaken(other, frame[1].get());
    if (watched) m.watch(frame[1].get(), 7);
  }
  static HeapOptions options() {
    HeapOptions options;
    options.settings.push_back({"candidates", 100});  // no bounded pass comes in between
    return options;
  }
  void visit(int times) {
    for (int i = 0; i < times && heap.runs(); ++i) heap.visit(1);
  }
  bool is_whole(collectors::Ref ref) {
    return conform::stamped(m.payload(ref, node), node.payload_bytes, 0) &&
           conform::stamped(m.payload(m.read(ref, 0), node), node.payload_bytes, 1);
  }

  Stepped::Heap heap;
  M m;
  M::Weak weak, other;
};

TEST(GenerationalIncremental, a_weak_reference_gives_what_lives_on_or_null_at_any_step) {
  int given = 0;
  for (int i = 0; i < 80; ++i) {
    int const steps = i / 2;
    DeadRing ring(false);
    ring.heap.begin();
    ring.visit(steps);
    DeadRing::M::Frame<1> frame(ring.m);
    bool const lives = ring.m.strengthen(frame[0], i % 2 == 0 ? ring.weak : ring.other);
    if (lives && i % 2 != 0) ring.m.set(frame[0], ring.m.read(frame[0].get(), 0));
    given += lives;
    ring.visit(1000);
    EXPECT_EQ(ring.heap.stats().present_objects(), lives ? 2u : 0u) << steps << " steps";
    if (lives) {
      EXPECT_TRUE(ring.is_whole(frame[0].get())) << steps << " steps";
    }
    ring.heap.verify();
  }
  EXPECT_GT(given, 8);
  EXPECT_LT(given, 72);
}

TEST(GenerationalIncremental, the_watched_are_handed_out_whole_at_any_step) {
  for (int steps = 0; steps < 40; ++steps) {
    DeadRing ring(true);
    ring.heap.begin();
    ring.visit(steps);
    DeadRing::M::Frame<1> frame(ring.m);
    std::uint64_t tag = 0;
    bool const early = ring.m.next_dead(frame[0], tag);
    ring.visit(1000);
    ASSERT_TRUE(early || ring.m.next_dead(frame[0], tag)) << steps << " steps";
    EXPECT_EQ(tag, 7u);
    EXPECT_TRUE(ring.is_whole(ring.m.read(frame[0].get(), 0))) << steps << " steps";
    ring.heap.verify();
    ring.m.clear(frame[0]);
    ring.m.collect(conform::full);
    EXPECT_EQ(ring.heap.stats().present_objects(), 0u) << steps << " steps";
    EXPECT_FALSE(ring.m.strengthen(frame[0], ring.weak));
  }
}

TEST(GenerationalIncremental, a_step_may_come_anywhere) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    auto const run = [seed] { conform::mutate<Stepped>({.seed = seed, .operations = 6000}); };
    ASSERT_EQ(conform::run_in_child(run, seconds).failure(), "") << "seed " << seed;
  }
}

// Rings that grow old before they die, the oldest first: bounded passes alone find none of them.
// Returns the most bytes, with headers, that were present at any time, and those that live.
template <class C>
struct Growth {
  static constexpr std::uint32_t rings = 2000, members = 5;
  static constexpr Shape node{2, 8};
  std::uint64_t most_bytes = 0, live_bytes = 0;
  Stats stats;

  static std::uint64_t bytes(Stats const& stats) {
    return stats.present_bytes() + C::Heap::header_bytes * stats.present_objects();
  }

  Growth() {
    typename C::Heap heap(HeapOptions{});
    typename C::Mutator m(heap);
    {
      typename C::Mutator::template Frame<4> frame(m);
      m.allocate(frame[0], Shape{rings, 0});
      for (std::uint32_t i = 0; i < 6 * rings; ++i) {
        build_ring(m, frame[1], frame[2], frame[3]);
        m.write(frame[0].get(), i % rings, frame[1].get());
        m.clear(frame[1]);  // a loss: it is suspected, and lives
        if (i >= 500) {     // once more, so that it grows old
          m.set(frame[1], m.read(frame[0].get(), (i - 500) % rings));
          m.clear(frame[1]);
        }
        Stats const now = heap.stats();
        if (i == rings) {
          m.collect(conform::full);
          live_bytes = bytes(heap.stats());
        }
        if (i > rings) most_bytes = std::max(most_bytes, bytes(now));
      }
      stats = heap.stats();
    }
    m.collect(conform::full);
    EXPECT_EQ(heap.stats().present_objects(), 0u);
  }

  template <class M, class Local>
  static void build_ring(M& m, Local& first, Local& last, Local& next) {
    m.allocate(first, node);
    m.set(last, first.get());
    for (std::uint32_t i = 1; i < members; ++i) {
      m.allocate(next, node);
      m.write(last.get(), 0, next.get());
      m.move(last, next);
    }
    m.write(last.get(), 0, first.get());
    m.clear(last);
  }
};

// Two polls: one that the figures were not looked at, and one before the next step.
template <class Heap>
constexpr double poll_slack = 4096;

TEST(TrialDeletion, garbage_stays_below_what_lives) {
  using Heap = trial_deletion::Heap;
  Growth<trial_deletion::Collector> const growth;
  EXPECT_GT(growth.stats.collections[2], 1u) << "nothing grew old";
  EXPECT_LE(static_cast<double>(growth.most_bytes), 2.0 * static_cast<double>(growth.live_bytes) +
                                                        Heap::small_heap_bytes + poll_slack<Heap>);
}

TEST(GenerationalIncremental, garbage_stays_within_its_bound) {
  using Heap = generational_incremental::Heap;
  Growth<generational_incremental::Collector> const growth;
  EXPECT_EQ(growth.stats.collections[2], 1u) << "only the one that was asked for stops for all";
  EXPECT_GT(growth.stats.collections[1], 100u);
  double const begins = 1.5 * static_cast<double>(growth.live_bytes) + Heap::small_heap_bytes;
  EXPECT_LE(static_cast<double>(growth.most_bytes), (1 + 7.0 / 23) * begins + poll_slack<Heap>);
}

}  // namespace
}  // namespace churn
