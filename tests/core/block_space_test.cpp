// The block space against a model: random cells of all sizes, random deaths, many collections. No
// two live cells overlap, new ones are zero, old ones keep their bytes, and what settle() counts is
// what was marked.
#include "collectors/parts/block_space.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "collectors/parts/world.hpp"
#include "harness/core/random.hpp"

namespace churn::collectors {
namespace {

struct Object {
  Ref ref;
  Shape shape;
  std::uint64_t identity;
};

class BlockSpaceTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  ~BlockSpaceTest() override { space_.starts().clear(space_.used_bytes()); }

  void allocate(Shape shape) {
    std::size_t const cell = ObjectHeader::cell(shape);
    std::byte* start = nullptr;
    if (cell > BlockSpace::largest_small_bytes) {
      bool zero = false;
      start = space_.take_large(cell, zero);
      ASSERT_NE(start, nullptr);
      if (!zero) std::memset(start, 0, cell);
    } else {
      Cursor& cursor = cell > medium_bytes ? medium_ : small_;
      while (!cursor.fits(cell) && !cursor.extend(cell)) {
        cursor.settle();
        cursor.drop_run();
        while (!space_.next_run(cursor, cell, most_run_bytes)) {
          ASSERT_TRUE(space_.take_block(cursor, &cursor == &medium_));
        }
      }
      std::size_t const cells = cursor.cells(), bytes = cursor.unsettled();
      EXPECT_FALSE(cursor.bump_within(World::Member::lowest_limit, cell, start));
      ASSERT_TRUE(cursor.bump_within(cursor.limit(), cell, start));
      EXPECT_EQ(cursor.cells(), cells + 1);
      EXPECT_EQ(cursor.unsettled(), bytes + cell);
      std::byte* further = nullptr;
      EXPECT_EQ(cursor.fits(cell), Cursor(cursor).bump_within(cursor.limit(), cell, further));
    }
    for (std::size_t i = 0; i < cell; ++i) ASSERT_EQ(start[i], std::byte{0});
    *reinterpret_cast<Word*>(start) = ObjectHeader::of(shape);
    Object const object{Ref(start + ObjectHeader::bytes), shape, next_identity_++};
    space_.starts().add(object.ref);
    expect_no_overlap(object);
    std::memset(object.ref.slots(), static_cast<int>(object.identity % 251 + 1),
                requested_bytes(shape));
    objects_[object.ref.word()] = object;
  }

  void expect_no_overlap(Object const& object) {
    auto const after = objects_.lower_bound(object.ref.word());
    if (after != objects_.end()) {
      EXPECT_LE(object.ref.word() + ObjectHeader::cell(object.shape), after->first);
    }
    if (after == objects_.begin()) return;
    auto const& [address, before] = *std::prev(after);
    EXPECT_LE(address + ObjectHeader::cell(before.shape), object.ref.word());
  }

  // Keeps each object with a probability of percent / 100.
  void collect(std::uint64_t percent) {
    for (Cursor* cursor : {&small_, &medium_}) {
      cursor->settle();
      cursor->drop_block();
    }
    space_.clear_marks();
    std::uint64_t live_bytes = 0;
    for (auto it = objects_.begin(); it != objects_.end();) {
      expect_intact(it->second);
      if (random_.below(100) >= percent) {
        it = objects_.erase(it);
        continue;
      }
      EXPECT_TRUE(space_.marks().set(it->first));
      live_bytes += ObjectHeader::cell(it->second.shape);
      ++it;
    }
    space_.starts().sweep(space_.marks(), space_.used_bytes());
    EXPECT_EQ(space_.settle(live_bytes), objects_.size());
    space_.discard_beyond(random_.below(4) * BlockSpace::block_bytes);
    for (auto const& [address, object] : objects_) expect_intact(object);
  }

  static void expect_intact(Object const& object) {
    EXPECT_EQ(ObjectHeader::at(object.ref), ObjectHeader::of(object.shape));
    auto const* const bytes = reinterpret_cast<unsigned char const*>(object.ref.slots());
    for (std::uint64_t i = 0; i < requested_bytes(object.shape); ++i) {
      ASSERT_EQ(bytes[i], object.identity % 251 + 1) << "byte " << i;
    }
  }

  Random random_{GetParam()};

 private:
  static constexpr std::size_t medium_bytes = 1024, most_run_bytes = 4096 * 4;

  BlockSpace space_{false};
  Cursor small_, medium_;
  std::map<Word, Object> objects_;
  std::uint64_t next_identity_ = 1;
};

TEST_P(BlockSpaceTest, cells_never_overlap_and_start_at_zero) {
  for (int round = 0; round < 30; ++round) {
    for (std::uint64_t left = random_.below(3000); left-- > 0;) {
      // Mostly small; now and then up to the largest small cell, or some blocks.
      std::uint64_t const kind = random_.below(200);
      std::uint32_t const most = kind == 0 ? 100'000 : kind < 5 ? 8'180 : 150;
      allocate({static_cast<std::uint32_t>(random_.below(4)),
                static_cast<std::uint32_t>(random_.below(most))});
      if (HasFatalFailure()) return;
    }
    // Nearly all live, half of it, nearly none; all dead in the end.
    collect(std::array<std::uint64_t, 4>{95, 50, 5, 80}[round % 4]);
    if (HasFatalFailure()) return;
  }
  collect(0);
}

INSTANTIATE_TEST_SUITE_P(seeds, BlockSpaceTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace churn::collectors
