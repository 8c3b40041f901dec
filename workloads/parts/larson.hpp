// What:  a server that never stops: each thread replaces random blocks of an array by new ones of
//        random size; when its tenure is over it ends, and a new thread inherits the array, with
//        blocks that are not its own. What larson and larson-sized have in common: all but how a
//        block is made and freed.
// How:   the threads of the cell only start servers and wait for them, so that a server outlives
//        the slices in which it is timed and ends with its tenure alone. A process is never
//        single-threaded here, which some allocators, glibc's among them, would profit from; the
//        original's are not either.
// Policy: static Block make(bytes, stamp); static void free(Block); static void let_go(Block), at
//        the end of the workload.
// Cost:  two wake-ups a slice, and a thread made and joined a tenure: with 500 units some 0.2 %.
// Source: P. Larson and M. Krishnan, ISMM 1998; the standard tenure is that of the usual run of
//        their program, 100 rounds of 5000 blocks.
// Thread-safety: an array belongs to its server while that runs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <semaphore>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::larson {

inline constexpr std::array parameters{
    ParameterInfo{"blocks", 5'000, 1, 10'000'000, "live blocks of each thread"},
    ParameterInfo{"min", 8, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 1'000, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
    ParameterInfo{"tenure", 500, 1, 1'000'000,
                  "units after which a thread ends and another inherits"},
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
  ~Larson() override {
    for (Seat& seat : seats_) end_server(seat);
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }

  // By a thread that ends, as all that come after it: the first server inherits, too, and no block
  // lies in what an allocator keeps for a thread that goes on.
  void setup(std::uint32_t thread) override {
    std::thread([&array = arrays_[thread], this] {
      for (std::uint64_t slot = 0; slot < blocks_; ++slot) {
        array.blocks[slot] = make_block(array.random.next());
      }
    }).join();
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Seat& seat = seats_[thread];
    while (units > 0) {
      if (!seat.server.joinable()) {
        seat.served = 0;
        seat.server = std::thread([this, thread] { serve(thread); });
      }
      seat.wanted = std::min(units, tenure_ - seat.served);
      seat.times = times;
      seat.begin.release();
      seat.done.acquire();
      if (times.next != nullptr) times.next += seat.wanted;
      units -= seat.wanted;
      seat.served += seat.wanted;
      if (seat.served == tenure_) end_server(seat);
    }
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
  struct alignas(128) Seat {
    std::thread server;
    std::uint64_t served = 0;  // units of the present tenure
    std::uint64_t wanted = 0;  // units of the present order; 0: the server is to end
    UnitTimes times;
    std::binary_semaphore begin{0}, done{0};
  };

  Block make_block(std::uint64_t draw) const noexcept {
    return Policy::make(sizes_.pick(static_cast<std::uint32_t>(draw >> 32)), draw);
  }

  void serve(std::uint32_t thread) noexcept {
    Seat& seat = seats_[thread];
    for (seat.begin.acquire(); seat.wanted != 0; seat.begin.acquire()) {
      run_units(seat.wanted, seat.times, [&] { replace_some(arrays_[thread]); });
      seat.done.release();
    }
  }
  static void end_server(Seat& seat) noexcept {
    if (!seat.server.joinable()) return;
    seat.wanted = 0;
    seat.begin.release();
    seat.server.join();
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
  std::deque<Seat> seats_;  // of semaphores, which do not move
};

}  // namespace churn::larson
