// What:  threads that each write their own small blocks again and again. What cache-scratch and
//        cache-thrash have in common: all but where the first blocks come from.
// Why:   two threads that write the same cache line send it back and forth, at a hundred times the
//        cost of a store. An allocator that cuts one line into blocks of two threads causes that by
//        itself (active false sharing, cache-thrash); one that gives a freed block to the thread
//        that freed it, where its neighbours belong to the thread that made them, passes it on
//        (passive, cache-scratch).
// How:   a thread makes a block, writes it `writes` times, reads the one before it, and frees that.
//        Passive: the first block of every thread is made by thread 0, side by side.
// When:  with two threads and more; with one there is nothing to share.
// Source: E. Berger, K. McKinley, R. Blumofe, P. Wilson, Hoard, ASPLOS 2000.
#pragma once

#include <array>
#include <cstdint>

#include "workloads/parts/block_seats.hpp"

namespace churn::false_sharing {

inline constexpr std::array parameters{
    ParameterInfo{"bytes", 8, Block::least_bytes, 1 << 20, "of each block"},
    ParameterInfo{"writes", 100, 1, 1'000'000, "to each block"},
};
inline constexpr char source[] = "Berger, McKinley, Blumofe, Wilson, Hoard, ASPLOS 2000";
inline constexpr char op[] = "one block made, written 100 times (writes), read and freed";

template <bool passive>
class FalseSharing final : public BlockSeats {
 public:
  explicit FalseSharing(WorkloadContext const& context)
      : BlockSeats(context, 1),
        bytes_(static_cast<std::size_t>(context["bytes"])),
        writes_(static_cast<std::uint64_t>(context["writes"])) {}

  void setup(std::uint32_t thread) override {
    if (passive && thread != 0) return;
    for (std::uint32_t each = 0; each < seats_.size(); ++each) {
      if (passive || each == thread) {
        seats_[each].blocks[0] = Block::make(bytes_, seats_[each].random.next());
      }
    }
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] { write_some(seats_[thread]); });
  }

 private:
  CHURN_NEVER_INLINE void write_some(BlockSeat& seat) const noexcept {
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      Block const fresh = Block::make(bytes_, seat.random.next());
      for (std::uint64_t left = writes_; left > 0; --left) {
        set_word(fresh.start, word(fresh.start) + left);
        asm volatile("" ::: "memory");  // each one is a store
      }
      seat.sum += seat.blocks.replace(0, fresh);
    }
  }

  std::size_t const bytes_;
  std::uint64_t const writes_;
};

}  // namespace churn::false_sharing
