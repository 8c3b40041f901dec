// A heap with parts left out: which of its work is done in each form. What each barrier and each
// allocation would cost is planted as a number, so no clock is needed to see where it shows.
#include <gtest/gtest.h>

#include <utility>

#include "collectors/generational_copying.hpp"
#include "collectors/refcount.hpp"
#include "collectors/trial_deletion.hpp"

namespace churn {
namespace {

constexpr Parts base{false, false, false}, allocation{true, false, false},
    barriers{false, true, false}, unreclaimed{true, true, false}, full{true, true, true};

struct Calls {
  int made = 0, retained = 0, dropped = 0;
};
Calls calls;

// Counts what reaches the heap.
class Watched : public refcount::Collector::Heap {
  using Base = refcount::Collector::Heap;

 public:
  using Base::Base;
  collectors::Ref make(Account& account, Shape shape) {
    ++calls.made;
    return Base::make(account, shape);
  }
  void retain(collectors::Ref object) noexcept {
    ++calls.retained;
    Base::retain(object);
  }
  void drop(Account& account, collectors::Ref object) {
    ++calls.dropped;
    Base::drop(account, object);
  }
  void drop_kept(Account& account, collectors::Ref object) {
    ++calls.dropped;
    Base::drop_kept(account, object);
  }
};

// Pairs of objects in which one names the other, `count` times; a word of each is read again.
template <class Split>
std::uint64_t pairs(Parts const& parts, int count, Stats& stats) {
  HeapOptions options;
  options.parts = parts;
  typename Split::Heap heap(options);
  std::uint64_t sum = 0;
  constexpr Shape shape{2, 8};
  {
    typename Split::Mutator m(heap);
    typename Split::Mutator::template Frame<2> frame(m);
    for (int i = 0; i < count; ++i) {
      m.allocate(frame[0], shape);
      m.allocate(frame[1], shape);
      *m.payload(frame[1].get(), shape) = std::byte(i);
      m.write(frame[0].get(), 0, frame[1].get());
      m.write(frame[0].get(), 1, frame[0].get());  // a cycle
      m.clear(frame[1]);
      sum = 3 * sum + std::to_integer<std::uint64_t>(*m.payload(m.read(frame[0].get(), 0), shape));
    }
    m.collect(generations - 1);
    stats = heap.stats();
  }
  return sum;
}

using WatchedSplit = collectors::SplitOf<Watched, collectors::HeapMutator>;

Calls calls_in(Parts const& parts) {
  calls = {};
  Stats stats;
  pairs<WatchedSplit>(parts, 100, stats);
  return std::exchange(calls, {});
}

TEST(Split, APartLeftOutDoesNothing) {
  Calls const none = calls_in(base), made = calls_in(allocation), counted = calls_in(barriers);
  EXPECT_EQ(none.made + none.retained + none.dropped, 0);
  EXPECT_EQ(made.made, 200);
  EXPECT_EQ(made.retained + made.dropped, 0);
  EXPECT_EQ(counted.made, 0);
  EXPECT_EQ(counted.retained, 200);
  EXPECT_EQ(counted.dropped, 200);
}

TEST(Split, WhatIsThereDoesItAllTheSame) {
  Calls const counted = calls_in(barriers), both = calls_in(unreclaimed), all = calls_in(full);
  EXPECT_EQ(both.made, 200);
  EXPECT_EQ(both.retained, counted.retained);
  EXPECT_EQ(both.dropped, counted.dropped);
  EXPECT_EQ(all.made, 200);
  EXPECT_EQ(all.retained, counted.retained);
}

template <class Split>
void expect_the_same_work() {
  Stats stats;
  std::uint64_t const sum = pairs<Split>(full, 5'000, stats);
  EXPECT_GT(stats.reclaimed_objects[0] + stats.reclaimed_objects[2], 0u);
  for (Parts const& parts : {base, allocation, barriers, unreclaimed}) {
    EXPECT_EQ(pairs<Split>(parts, 5'000, stats), sum);
    EXPECT_EQ(stats.allocated_objects, parts.allocation ? 10'000u : 0u);
    EXPECT_EQ(stats.present_objects(), stats.allocated_objects);
    for (auto const collections : stats.collections) EXPECT_EQ(collections, 0u);
  }
}
TEST(Split, NothingIsReclaimedAndTheAnswerIsTheSame) {
  expect_the_same_work<trial_deletion::Collector::Split>();
  expect_the_same_work<generational_copying::Collector::Split>();
}

TEST(SplitDeathTest, ReclamationNeedsBothOthers) {
  HeapOptions options;
  options.parts = {false, true, true};
  EXPECT_DEATH(WatchedSplit::Heap heap(options), "takes_back_what_is_not_its_own");
}

}  // namespace
}  // namespace churn
