// What:  a server that never stops: each thread replaces random blocks of an array by new ones of
//        random size, and from time to time leaves the array, with blocks it did not free, to
//        another thread. What larson and larson-sized have in common: all but how a block is made
//        and freed.
// How:   in the original a thread ends and its successor inherits the array. Here the threads stay
//        and the arrays go round: after a tenure, thread t takes over what thread t + 1 leaves. It
//        waits for that moment, so that the sequence of calls on each array, and so what is live,
//        depends on the seed alone. The wait cannot be for ever: it is for the end of a tenure that
//        lies before, and every thread runs the same number of units.
// Policy: static Block make(bytes, stamp); static void free(Block); static void let_go(Block), at the
//         end of the workload.
// Source: P. Larson and M. Krishnan, ISMM 1998.
// Thread-safety: an array belongs to the thread whose tenure it is.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/progress.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::larson {

inline constexpr std::array parameters{
    ParameterInfo{"blocks", 5'000, 1, 10'000'000, "live blocks of each thread"},
    ParameterInfo{"min", 8, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 1'000, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
    ParameterInfo{"tenure", 16, 1, 1'000'000, "units after which an array goes to another thread"},
};
inline constexpr char source[] =
    "Larson and Krishnan, Memory Allocation for Long-Running Server Applications, ISMM 1998";
inline constexpr char op[] = "one random block read, freed and replaced by a new one";

template <class Policy>
class Larson final : public Instance {
 public:
  explicit Larson(WorkloadContext const& context, std::string_view name)
      : sizes_(SizeRange::of(context, name)),
        blocks_(static_cast<std::uint64_t>(context["blocks"])),
        tenure_(static_cast<std::uint64_t>(context["tenure"])),
        seats_(context.threads) {
    arrays_.reserve(context.threads);
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      arrays_.push_back({Random::fork(context.seed, thread), 0, PageArray<Block>(blocks_)});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }

  void setup(std::uint32_t thread) override {
    Array& array = arrays_[thread];
    for (std::uint64_t slot = 0; slot < blocks_; ++slot) {
      array.blocks[slot] = make_block(array.random.next());
    }
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Seat& seat = seats_[thread];
    run_units(units, times, [&] {
      if (seat.units == 0) take_over(seat, thread);
      replace_some(arrays_[(thread + seat.tenures) % seats_.size()]);
      if (++seat.units == tenure_) leave(seat);
    });
  }

  std::uint64_t check(std::uint32_t thread) override {
    Array const& array = arrays_[thread];
    std::uint64_t sum = array.sum;
    for (std::uint64_t slot = 0; slot < blocks_; ++slot) sum = mix(sum, array.blocks[slot].sum());
    return sum;
  }

  void teardown(std::uint32_t thread) override {
    for (std::uint64_t slot = 0; slot < blocks_; ++slot) {
      Policy::let_go(arrays_[thread].blocks[slot]);
    }
  }

 private:
  struct alignas(128) Array {
    Random random;
    std::uint64_t sum;
    PageArray<Block> blocks;
  };
  struct Seat {
    std::uint64_t units = 0;    // of the present tenure
    std::uint32_t tenures = 0;  // completed
    Progress left;              // tenures completed, for the thread that takes over
  };

  Block make_block(std::uint64_t draw) const noexcept {
    return Policy::make(sizes_.pick(static_cast<std::uint32_t>(draw >> 32)), draw);
  }

  // Kept out of line: it belongs to one unit of a tenure, not to the loop.
  CHURN_NEVER_INLINE void take_over(Seat& seat, std::uint32_t thread) const noexcept {
    seats_[(thread + 1) % seats_.size()].left.await(seat.tenures);
  }
  CHURN_NEVER_INLINE static void leave(Seat& seat) noexcept {
    seat.units = 0;
    ++seat.tenures;
    seat.left.advance();
  }

  // Out of line, where the loop has the registers to itself.
  CHURN_NEVER_INLINE void replace_some(Array& array) const noexcept {
    Random random = array.random;  // in registers for the loop
    std::uint64_t sum = array.sum;
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = random.next();
      Block& block = array.blocks[scaled(static_cast<std::uint32_t>(draw), blocks_)];
      sum += block.sum();
      Policy::free(block);
      block = make_block(draw);
    }
    array.random = random;
    array.sum = sum;
  }

  SizeRange const sizes_;
  std::uint64_t const blocks_, tenure_;
  std::vector<Array> arrays_;
  std::vector<Seat> seats_;
};

}  // namespace churn::larson
