// What:  threads in a ring, each of which leaves blocks to the next one. Work falls into phases:
//        in each, a thread first takes what the one before it left in the phase before, then leaves
//        blocks of its own.
// Why:   a block that dies on another thread than it was born on is what caches of threads like
//        least; and what is live, and every checksum, must not depend on who is faster.
// How:   two buffers a thread, by turns. A thread waits until its predecessor has ended the phase
//        before, and until its successor has emptied the buffer that is to be filled. The slowest
//        thread never waits, so there is no deadlock; with one thread it is its own neighbour.
// Invariant: every thread runs the same number of phases.
// Cost:  two waits and two advances a phase, see progress.hpp.
// Thread-safety: each thread calls with its own number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "harness/core/check.hpp"
#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/progress.hpp"

namespace churn {

class HandOver {
 public:
  // `most`: blocks that a thread leaves in one phase.
  HandOver(std::uint32_t threads, std::size_t most) : most_(most) {
    for (std::uint32_t thread = 0; thread < threads; ++thread) seats_.emplace_back(buffers * most);
  }

  // Begins a phase. each(block) is to free it.
  template <class Each>
  CHURN_ALWAYS_INLINE void begin(std::uint32_t thread, Each&& each) noexcept {
    for (Block const& block : waiting(thread)) each(block);
    ready(thread);
  }
  // The same in two steps: what was left, and when that is all freed.
  std::span<Block const> waiting(std::uint32_t thread) noexcept {
    std::size_t const threads = seats_.size();
    Seat& before = seats_[(thread + threads - 1) % threads];
    std::uint32_t const phase = seats_[thread].phase;
    before.left.await(phase);
    return phase == 0 ? std::span<Block const>() : before.filled_in(phase - 1, most_);
  }
  void ready(std::uint32_t thread) noexcept {
    Seat& own = seats_[thread];
    own.taken.advance();
    seats_[(thread + 1) % seats_.size()].taken.await(own.phase);
    own.counts[own.phase % buffers] = 0;
  }

  // pre: between begin and end, at most `most` times
  CHURN_ALWAYS_INLINE void leave(std::uint32_t thread, Block block) noexcept {
    Seat& own = seats_[thread];
    std::uint32_t const buffer = own.phase % buffers;
    CHURN_ASSERT(own.counts[buffer] < most_);
    own.blocks[buffer * most_ + own.counts[buffer]++] = block;
  }
  void end(std::uint32_t thread) noexcept {
    ++seats_[thread].phase;
    seats_[thread].left.advance();
  }

  // Between runs: what this thread left and nobody took.
  std::span<Block const> untaken(std::uint32_t thread) noexcept {
    Seat& own = seats_[thread];
    return own.phase == 0 ? std::span<Block const>() : own.filled_in(own.phase - 1, most_);
  }
  std::uint64_t sum(std::uint32_t thread, std::uint64_t sum) noexcept {
    for (Block const& block : untaken(thread)) sum = mix(sum, block.sum());
    return sum;
  }
  // At the end of the workload.
  void let_go(std::uint32_t thread) noexcept {
    for (Block const& block : untaken(thread)) churn::let_go(block.start);
    if (seats_[thread].phase != 0) seats_[thread].counts[(seats_[thread].phase - 1) % buffers] = 0;
  }

 private:
  static constexpr std::uint32_t buffers = 2;

  struct alignas(128) Seat {
    explicit Seat(std::size_t size) : blocks(size) {}
    std::span<Block const> filled_in(std::uint32_t phase, std::size_t most) const noexcept {
      return {blocks.data() + phase % buffers * most, counts[phase % buffers]};
    }
    PageArray<Block> blocks;
    std::size_t counts[buffers]{};
    std::uint32_t phase = 0;
    Progress left, taken;  // phases
  };

  std::size_t const most_;
  std::deque<Seat> seats_;  // of atomics, which do not move
};

}  // namespace churn
