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
