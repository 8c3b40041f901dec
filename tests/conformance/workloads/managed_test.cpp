// Every managed workload on the strict mutator: it keeps the contract, its checksum depends on what
// it should and on nothing else, dispose() leaves nothing, and a heap that is wrong gives another
// checksum.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/workloads/settings.hpp"
#include "tests/conformance/workloads/strict_table.hpp"

namespace churn::strict {
namespace {

using testing::IsEmpty;

constexpr std::uint64_t seed = 20;

class ManagedWorkload : public testing::TestWithParam<Managed> {
 protected:
  WorkloadInfo const& info() const { return *GetParam().info; }
  std::uint32_t some_threads() const { return info().max_threads >= 3 ? 3 : info().min_threads; }
  WorkloadContext context() const { return standard_context(info(), seed, info().min_threads); }
  Life live(WorkloadContext const& context, std::vector<std::uint64_t> const& calls,
            Fault fault = Fault::none) const {
    return GetParam().live(context, calls, fault);
  }
};

TEST_P(ManagedWorkload, KeepsTheContract) {
  for (std::uint32_t const threads : {info().min_threads, some_threads()}) {
    for (WorkloadContext const& context : contexts(info(), seed, threads)) {
      SCOPED_TRACE(described(context));
      Life const life = live(context, {2});
      EXPECT_THAT(life.violations, IsEmpty());
      EXPECT_EQ(life.owners_at_end, 0u) << "frames or roots outlive teardown";
    }
  }
}

TEST_P(ManagedWorkload, DisposeLeavesNothing) {
  if (!info().disposes) GTEST_SKIP() << "the workload does not know when its objects die";
  for (WorkloadContext const& context : contexts(info(), seed, some_threads())) {
    EXPECT_EQ(live(context, {3}).live_at_end, 0u) << described(context);
  }
}

TEST_P(ManagedWorkload, EachOpAllocates) {
  if (!info().allocates) GTEST_SKIP() << "the workload's ops read, or allocate in another process";
  for (WorkloadContext const& context : contexts(info(), seed, info().min_threads)) {
    Life const life = live(context, {2});
    std::uint64_t const ops = 2 * life.ops_per_unit * context.threads;
    EXPECT_GE(life.allocations_in_run, ops) << described(context);
    EXPECT_LE(life.allocations_in_run, 3 * ops + 64) << described(context);
  }
}

TEST_P(ManagedWorkload, LiveSetIsBounded) {
  if (!info().disposes) GTEST_SKIP() << "the workload does not know when its objects die";
  EXPECT_LE(live(context(), {6}).peak_live, live(context(), {2}).peak_live * 21 / 20);
}

TEST_P(ManagedWorkload, ChecksumDependsOnWhatIsAsked) {
  std::uint64_t const checksum = live(context(), {3}).checksum;
  EXPECT_EQ(live(context(), {3}).checksum, checksum);
  EXPECT_EQ(live(context(), {1, 2}).checksum, checksum) << "how units fall into calls matters";
  EXPECT_NE(live(context(), {4}).checksum, checksum) << "the number of units does not matter";
  WorkloadContext other = context();
  ++other.seed;
  EXPECT_NE(live(other, {3}).checksum, checksum) << "the seed does not matter";
  if (some_threads() != info().min_threads) {
    other = standard_context(info(), seed, some_threads());
    EXPECT_NE(live(other, {3}).checksum, checksum) << "the threads do not matter";
  }
}

// The canary: each of these heaps is wrong, and the checksum has to say so.
TEST_P(ManagedWorkload, ChecksumTellsAWrongHeap) {
  std::uint64_t const checksum = live(context(), {3}).checksum;
  EXPECT_NE(live(context(), {3}, Fault::loses_writes).checksum, checksum);
  EXPECT_NE(live(context(), {3}, Fault::forgets_payloads).checksum, checksum);
  EXPECT_NE(live(context(), {3}, Fault::gives_live_ones).checksum, checksum);
}

INSTANTIATE_TEST_SUITE_P(All, ManagedWorkload, testing::ValuesIn(managed_workloads()),
                         [](auto const& tested) { return test_name(tested.param.info->name); });

// ---- the strict mutator itself must be able to object ----

TEST(StrictMutator, FindsAReferenceKeptOverAGcPoint) {
  Heap heap;
  Mutator m(heap);
  Mutator::Frame<2> frame(m);
  m.allocate(frame[0], Shape{1, 8});
  auto const stale = frame[0].get();
  m.allocate(frame[1], Shape{1, 8});
  m.read(stale, 0);
  EXPECT_THAT(heap.violations(), testing::ElementsAre("a reference is used after a GC point"));
}

TEST(StrictMutator, FindsAnInitialisingStoreThatIsNone) {
  Heap heap;
  Mutator m(heap);
  Mutator::Frame<1> frame(m);
  m.allocate(frame[0], Shape{1, 0});
  m.write_new(frame[0].get(), 0, frame[0].get());
  m.write_new(frame[0].get(), 0, frame[0].get());
  m.safepoint();
  m.write(frame[0].get(), 0, Mutator::Ref{});
  m.write_new(frame[0].get(), 0, frame[0].get());
  EXPECT_THAT(heap.violations(), testing::ElementsAre("write_new over a slot that is not null",
                                                      "write_new after a GC point"));
}

TEST(StrictMutator, FindsASecondReleaseAndALaterUse) {
  Heap heap;
  Mutator m(heap);
  Mutator::Frame<1> frame(m);
  m.allocate(frame[0], Shape{1, 0});
  m.release(frame[0].get(), Shape{1, 0});
  m.release(frame[0].get(), Shape{1, 0});
  m.read(frame[0].get(), 0);
  EXPECT_THAT(heap.violations(),
              testing::ElementsAre("an object is released twice", "a released object is used"));
}

TEST(StrictMutator, TellsWhatIsDeadOnce) {
  Heap heap;
  Mutator m(heap);
  Mutator::Weak weak(m);
  Mutator::Frame<2> frame(m);
  std::uint64_t tag = 0;
  m.allocate(frame[0], Shape{1, 0});
  m.watch(frame[0].get(), 7);
  m.weaken(weak, frame[0].get());
  m.collect(2);
  EXPECT_TRUE(m.strengthen(frame[1], weak));
  EXPECT_FALSE(m.next_dead(frame[1], tag));
  m.clear(frame[0]);
  m.clear(frame[1]);
  m.collect(2);
  EXPECT_FALSE(m.strengthen(frame[1], weak));
  ASSERT_TRUE(m.next_dead(frame[1], tag));
  EXPECT_EQ(tag, 7u);
  m.watch(frame[1].get(), 8);
  EXPECT_THAT(heap.violations(), testing::ElementsAre("an object is watched twice"));
}

}  // namespace
}  // namespace churn::strict
