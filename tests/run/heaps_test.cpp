// Heap limits: how they are written, what multiples become, and the search for the smallest heap
// with trials whose truth is known.
#include "harness/run/heaps.hpp"

#include <gtest/gtest.h>

#include "harness/core/error.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/random.hpp"
#include "harness/run/smallest_heap.hpp"

namespace churn::run {
namespace {

PlannedCell cell(std::string const& workload, std::string const& collector, std::uint64_t block) {
  PlannedCell result;
  result.key.allocator.name = "glibc";
  result.key.collector.name = collector;
  result.key.workload.name = workload;
  result.key.threads = 1;
  result.block = block;
  return result;
}

Plan three_cells() {
  Plan plan;
  plan.cells = {cell("managed/a", "one", 0), cell("managed/a", "two", 0), cell("malloc/b", "", 1)};
  return plan;
}

TEST(Heaps, SizesAndMultiplesAreRead) {
  EXPECT_EQ(parse_heaps("64Mi").at(0).bytes, std::uint64_t{64} << 20);
  auto const two = parse_heaps("1.5x,3M");
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].multiple, 1.5);
  EXPECT_EQ(two[0].bytes, 0u);
  EXPECT_EQ(two[1].bytes, 3'000'000u);
}

TEST(Heaps, NonsenseIsRefusedByName) {
  for (char const* const text : {"0", "-1", "much", "1.5G", "", "x", "0.5x", "2x,", "1001x", "nanx",
                                 "infx", "2xx", "1e400x"}) {
    try {
      parse_heaps(text);
      FAIL() << text << " was taken";
    } catch (UserError const& error) {
      EXPECT_NE(std::string(error.what()).find("--heap " + std::string(text)), std::string::npos)
          << error.what();
    }
  }
}

TEST(Heaps, ManagedBlocksComeOnceForEachHeap) {
  Plan const limited = with_heaps(three_cells(), parse_heaps("2x,1Gi"), {{0, 10 * page_bytes + 1}});
  ASSERT_EQ(limited.cells.size(), 5u);
  EXPECT_EQ(limited.cells[0].key.heap_limit_bytes, 21 * page_bytes);
  EXPECT_EQ(limited.cells[1].key.heap_limit_bytes, 21 * page_bytes);
  EXPECT_EQ(limited.cells[2].key.heap_limit_bytes, 0u) << "malloc cells have none";
  EXPECT_EQ(limited.cells[3].key.heap_limit_bytes, std::uint64_t{1} << 30);
  EXPECT_EQ(limited.cells[0].block, limited.cells[1].block);
  EXPECT_NE(limited.cells[0].block, limited.cells[3].block);
  EXPECT_NE(limited.cells[2].block, limited.cells[3].block);
}

TEST(Heaps, WhereNothingRunsTheRowSaysWhy) {
  Plan const limited = with_heaps(three_cells(), parse_heaps("2x,4x"), {});
  ASSERT_EQ(limited.cells.size(), 3u);
  EXPECT_NE(limited.cells[0].why_not.find("in any heap"), std::string::npos);
  EXPECT_EQ(limited.cells[2].why_not, "");
}

TEST(SmallestHeap, IsFoundToOnePercentWhereverItLies) {
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    std::uint64_t const truth = 1 + random.below(std::uint64_t{1} << random.between(10, 34));
    int runs = 0;
    auto const found = smallest_heap(cell("managed/a", "one", 0), 5, std::uint64_t{1} << 40,
                                     [&](PlannedCell const& asked) {
                                       ++runs;
                                       return asked.key.heap_limit_bytes >= truth;
                                     });
    ASSERT_TRUE(found && found->why_not.empty());
    EXPECT_GE(found->bytes, truth);
    EXPECT_LE(found->bytes, std::max(truth + truth / 100 + 2 * page_bytes, 16 * page_bytes));
    EXPECT_LT(found->too_small_bytes, truth);
    EXPECT_LT(runs, 45) << truth;
  }
}

TEST(SmallestHeap, MustHoldInEveryTrial) {
  // Between half of the bound and the bound one run in two works.
  constexpr std::uint64_t bound = 10'000'000;
  Random random(4);
  auto const found = smallest_heap(
      cell("managed/a", "one", 0), 30, std::uint64_t{1} << 40, [&](PlannedCell const& asked) {
        std::uint64_t const bytes = asked.key.heap_limit_bytes;
        return bytes >= bound || (bytes >= bound / 2 && random.below(2) == 0);
      });
  ASSERT_TRUE(found && found->why_not.empty());
  EXPECT_GE(found->bytes, bound);
}

TEST(SmallestHeap, SaysWhereThereIsNone) {
  auto const found = smallest_heap(cell("managed/a", "one", 0), 5, std::uint64_t{1} << 30,
                                   [](PlannedCell const&) { return false; });
  ASSERT_TRUE(found);
  EXPECT_NE(found->why_not.find("MiB"), std::string::npos);
}

TEST(SmallestHeap, EndsWhenItIsInterrupted) {
  int runs = 0;
  auto const found = smallest_heap(cell("managed/a", "one", 0), 5, std::uint64_t{1} << 30,
                                   [&](PlannedCell const&) -> std::optional<bool> {
                                     if (++runs == 4) return std::nullopt;
                                     return false;
                                   });
  EXPECT_FALSE(found);
  EXPECT_EQ(runs, 4);
}

}  // namespace
}  // namespace churn::run
