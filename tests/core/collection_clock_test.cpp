// CPU time of collections, on clocks that the test moves.
#include "collectors/parts/collection_clock.hpp"

#include <gtest/gtest.h>

namespace churn::collectors {
namespace {

struct Moved {
  using Thread = int;
  static inline std::uint64_t wall = 0, cpu = 0, readings = 0;
  static inline int current = 1;
  static Thread thread() noexcept { return current; }
  static std::uint64_t wall_ns() noexcept { return wall; }
  static std::uint64_t cpu_ns() noexcept {
    ++readings;
    return cpu;
  }
};
using Clock = CollectionClock<Moved>;

void run_for(std::uint64_t ns) {
  Moved::wall += ns;
  Moved::cpu += ns;
}
void be_preempted_for(std::uint64_t ns) { Moved::wall += ns; }

class CollectionClockTest : public testing::Test {
 protected:
  CollectionClockTest() {
    Moved::wall = Moved::cpu = 1'000'000;
    Moved::readings = 0;
    Moved::current = 1;
  }
  // What a collection of so much work is booked with; preempted in its middle.
  std::uint64_t collect(std::uint32_t generation, std::uint64_t ns,
                        std::uint64_t preempted_ns = 0) {
    std::uint64_t const before = clock_.total_ns();
    std::uint64_t const start_ns = clock_.begin(generation);
    run_for(ns / 2);
    be_preempted_for(preempted_ns);
    run_for(ns - ns / 2);
    clock_.end(generation, start_ns);
    return clock_.total_ns() - before;
  }
  Clock clock_;
};

TEST_F(CollectionClockTest, BriefOnesHardlyEverAskForCpuTime) {
  for (int i = 0; i < 640; ++i) EXPECT_EQ(collect(0, 8'000), 8'000u);
  EXPECT_EQ(Moved::readings, 10u);
}

TEST_F(CollectionClockTest, APreemptedBriefOneIsNotBookedAsLong) {
  for (int i = 0; i < 64; ++i) collect(0, 8'000);
  EXPECT_EQ(collect(0, 8'000, 4'000'000), Clock::brief_ns);
  EXPECT_EQ(collect(0, 8'000), 8'000u);
}

TEST_F(CollectionClockTest, AnExpectedLongOneIsExact) {
  collect(2, 500'000);
  be_preempted_for(3'000'000);  // the mutator
  EXPECT_EQ(collect(2, 600'000, 4'000'000), 600'000u);
  EXPECT_EQ(collect(2, 700'000), 700'000u);
}

TEST_F(CollectionClockTest, AnUnexpectedLongOneLosesWhatItsThreadWasOffTheCpu) {
  for (int i = 0; i < 64; ++i) collect(0, 8'000);
  run_for(100'000);
  EXPECT_EQ(collect(2, 500'000), 500'000u);
  for (int i = 0; i < 64; ++i) collect(0, 8'000);
  EXPECT_EQ(collect(1, 500'000, 4'000'000), 500'000u);
}

TEST_F(CollectionClockTest, AnotherThreadsClockIsNotCompared) {
  for (int i = 0; i < 64; ++i) collect(0, 8'000);
  Moved::current = 2;
  Moved::cpu = 5;
  EXPECT_EQ(collect(0, 40'000), 40'000u);
}

}  // namespace
}  // namespace churn::collectors
