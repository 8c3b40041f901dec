// Every malloc workload with watched malloc and free: it frees what it allocates, its live set is
// bounded, its checksum depends on what it should and tells a wrong allocator, and NULL is an
// outcome.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "harness/cell/program.hpp"
#include "harness/core/crew.hpp"
#include "harness/core/error.hpp"
#include "tests/conformance/workloads/settings.hpp"
#include "tests/conformance/workloads/watched_malloc.hpp"

namespace churn {
namespace {

constexpr std::uint64_t seed = 20;

struct Life {
  std::uint64_t checksum = 0, ops_per_unit = 0, calls_in_run = 0;
  MallocWatch at_end;
};

class MallocTest : public testing::TestWithParam<cell::Entry> {
 protected:
  WorkloadInfo const& info() const { return *GetParam().info; }
  std::uint32_t more_threads() const {
    return info().max_threads >= 2 * info().min_threads ? 2 * info().min_threads
                                                        : info().min_threads;
  }
  WorkloadContext context() const { return standard_context(info(), seed, info().min_threads); }
  // So many units, or where these are small as many as have some 60 ops in each of them.
  std::uint64_t units(std::uint64_t count) const {
    constexpr std::uint64_t least_ops = 60;
    return count * (least_ops / GetParam().make(context(), {})->ops_per_unit() + 1);
  }

  // Empty where the parameters contradict each other.
  std::optional<Life> live_if_possible(WorkloadContext const& context,
                                       std::vector<std::uint64_t> const& calls,
                                       MallocFault fault = MallocFault::none,
                                       std::uint64_t interval = 61) const {
    std::unique_ptr<Instance> instance;
    try {
      instance = GetParam().make(context, {});
    } catch (UserError const&) {
      return std::nullopt;
    }
    Crew crew(context.threads, {});
    std::vector<std::uint64_t> sums(context.threads);
    Life life;
    watch_malloc(fault, interval);
    crew.run([&](std::uint32_t thread) { instance->setup(thread); });
    std::uint64_t const before = watched_malloc().calls;
    for (std::uint64_t const units : calls) {
      crew.run([&](std::uint32_t thread) { instance->run(thread, units, {}); });
    }
    life.calls_in_run = watched_malloc().calls - before;
    crew.run([&](std::uint32_t thread) { sums[thread] = instance->check(thread); });
    crew.run([&](std::uint32_t thread) { instance->teardown(thread); });
    life.at_end = stop_watching_malloc();
    life.ops_per_unit = instance->ops_per_unit();
    for (std::uint64_t const sum : sums) life.checksum += sum;
    return life;
  }
  Life live(WorkloadContext const& context, std::vector<std::uint64_t> const& calls,
            MallocFault fault = MallocFault::none) const {
    return live_if_possible(context, calls, fault).value();
  }
  // None: the child ended without one, or had to be ended.
  std::optional<std::uint64_t> checksum_in_child(WorkloadContext const& context,
                                                 std::uint64_t units, MallocFault fault) const {
    int ends[2];
    if (pipe(ends) != 0) return std::nullopt;
    pid_t const child = fork();
    if (child == 0) {
      alarm(10);
      std::uint64_t const checksum = live(context, {units}, fault).checksum;
      _exit(write(ends[1], &checksum, sizeof checksum) == sizeof checksum ? 0 : 1);
    }
    close(ends[1]);
    std::uint64_t checksum = 0;
    bool const told = read(ends[0], &checksum, sizeof checksum) == sizeof checksum;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return told ? std::optional(checksum) : std::nullopt;
  }
};

TEST_P(MallocTest, FreesWhatItAllocates) {
  std::size_t possible = 0;
  for (std::uint32_t const threads : {info().min_threads, more_threads()}) {
    for (WorkloadContext const& context : contexts(info(), seed, threads)) {
      SCOPED_TRACE(described(context));
      auto const life = live_if_possible(context, {2, 1});
      if (!life) continue;
      ++possible;
      EXPECT_GT(life->at_end.calls, 0u);
      EXPECT_EQ(life->at_end.live_blocks, 0u);
      EXPECT_EQ(life->at_end.live_bytes, 0u);
      EXPECT_EQ(life->at_end.unknown_frees, 0u);
    }
  }
  EXPECT_GE(possible, 2u) << "the standard parameters contradict each other";
}

TEST_P(MallocTest, EachOpIsACall) {
  Life const life = live(context(), {2});
  std::uint64_t const ops = 2 * life.ops_per_unit * context().threads;
  // Where one side only frees, or each free is an op, half of the ops are calls of malloc. Some
  // workloads have tables that grow, too.
  EXPECT_GE(life.calls_in_run * (info().reads_file ? 2 : info().min_threads), ops);
  EXPECT_LE(life.calls_in_run, ops + ops / 50);
}

// How far a consumer lags behind may vary, so the peak may too; it must not grow with the work.
TEST_P(MallocTest, LiveSetIsBounded) {
  WorkloadContext context = this->context();
  for (auto& each : context.settings) {  // what fills slowly has less to fill
    if (each.name == "fill") each.value = 1 << 16;
    if (each.name == "entries") each.value = 1'000;
    if (each.name == "phase") each.value = 5;
  }
  MallocWatch const few = live(context, {10}).at_end, many = live(context, {40}).at_end;
  ASSERT_GT(many.total_bytes, few.total_bytes);
  if (many.peak_live_bytes > few.peak_live_bytes) {
    EXPECT_LT((many.peak_live_bytes - few.peak_live_bytes) * 4, many.total_bytes - few.total_bytes);
  }
}

TEST_P(MallocTest, ChecksumDependsOnWhatIsAsked) {
  std::uint64_t const checksum = live(context(), {3}).checksum;
  EXPECT_EQ(live(context(), {3}).checksum, checksum);
  EXPECT_EQ(live(context(), {1, 2}).checksum, checksum) << "how units fall into calls matters";
  EXPECT_NE(live(context(), {4}).checksum, checksum) << "the number of units does not matter";
  WorkloadContext other = context();
  ++other.seed;
  EXPECT_NE(live(other, {3}).checksum, checksum) << "the seed does not matter";
}

TEST_P(MallocTest, ThreadsDoNotMakeTheChecksumChance) {
  WorkloadContext const context = standard_context(info(), seed, more_threads());
  std::uint64_t const checksum = live(context, {34}).checksum;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(live(context, {34}).checksum, checksum);
  EXPECT_NE(live(this->context(), {34}).checksum, checksum) << "the threads do not matter";
}

// The canary: each of these allocators is wrong, and the checksum has to say so. Where blocks name
// each other the process may not live to tell one, which is an outcome, too.
TEST_P(MallocTest, ChecksumTellsAWrongAllocator) {
  WorkloadContext context = this->context();
  for (auto& each : context.settings) {
    if (each.name == "touch") each.value = 2;  // all: only what was written can be read back
  }
  std::uint64_t const checksum = live(context, {units(3)}).checksum;
  for (MallocFault const fault : {MallocFault::gives_live_ones, MallocFault::scribbles}) {
    EXPECT_NE(checksum_in_child(context, units(3), fault), checksum);
  }
}

TEST_P(MallocTest, NullIsAnOutcome) {
  EXPECT_EXIT(live_if_possible(context(), {units(2)}, MallocFault::gives_null, 100),
              testing::ExitedWithCode(70),
              "churn: out-of-memory: malloc\\([0-9]+\\) returned NULL");
}

INSTANTIATE_TEST_SUITE_P(All, MallocTest, testing::ValuesIn(cell::program.entries),
                         [](auto const& tested) { return test_name(tested.param.info->name); });

}  // namespace
}  // namespace churn
