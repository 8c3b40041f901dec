// What:  what most malloc workloads are made of: for each thread a random stream, a checksum and a
//        table of blocks, of which some slots may be empty.
// Why:   the workloads shall differ in what they call, not in how they keep what they got.
// Invariant: a slot is empty, its start null, or holds a block that its thread frees at the end.
// Cost:  the table is the workload's own, in pages touched ahead. Thread-safety: a seat belongs to
//        its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/units.hpp"

namespace churn {

class BlockTable {
 public:
  explicit BlockTable(std::size_t size) : size_(size), blocks_(size) {}

  std::size_t size() const noexcept { return size_; }
  Block& operator[](std::size_t slot) noexcept { return blocks_[slot]; }

  // Puts a block into the slot; what was there is read and freed.
  CHURN_ALWAYS_INLINE std::uint64_t replace(std::size_t slot, Block fresh) noexcept {
    Block const old = std::exchange(blocks_[slot], fresh);
    return old.start == nullptr ? 0 : released(old);
  }
  std::uint64_t sum(std::uint64_t sum) const noexcept {
    for (std::size_t slot = 0; slot < size_; ++slot) {
      if (blocks_[slot].start != nullptr) sum = mix(sum, blocks_[slot].sum());
    }
    return sum;
  }
  void clear() noexcept {
    for (std::size_t slot = 0; slot < size_; ++slot) {
      std::free(std::exchange(blocks_[slot].start, nullptr));
    }
  }
  // The same at the end of the workload.
  void let_go() noexcept {
    for (std::size_t slot = 0; slot < size_; ++slot) {
      churn::let_go(std::exchange(blocks_[slot].start, nullptr));
    }
  }

 private:
  std::size_t size_;
  PageArray<Block> blocks_;
};

struct alignas(128) BlockSeat {
  Random random;
  std::uint64_t sum = 0;
  std::uint64_t step = 0;  // the workload's own count
  BlockTable blocks;
};

class BlockSeats : public Instance {
 public:
  BlockSeats(WorkloadContext const& context, std::size_t slots) {
    seats_.reserve(context.threads);
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, 0, BlockTable(slots)});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }
  void setup(std::uint32_t) override {}
  std::uint64_t check(std::uint32_t thread) override {
    return seats_[thread].blocks.sum(seats_[thread].sum);
  }
  void teardown(std::uint32_t thread) override { seats_[thread].blocks.let_go(); }

 protected:
  std::vector<BlockSeat> seats_;
};

}  // namespace churn
