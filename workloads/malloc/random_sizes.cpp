// A live set of blocks whose sizes follow a power law; a random one is freed and replaced at each
// step.
//
// Sizes fall into octaves [min, 2 min), [2 min, 4 min), …; each octave is half as likely as the one
// below it and uniform within, the last one takes the rest. So every octave holds about as many
// bytes as every other: small blocks dominate the calls, large ones the memory, as in most real
// programs. Threads have live sets of their own and share nothing but the allocator.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::random_sizes {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"blocks", 50'000, 1, 10'000'000, "live blocks of each thread"},
    ParameterInfo{"min", 16, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 65'536, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
};

constexpr WorkloadInfo info{
    .name = "random-sizes",
    .summary = "a live set with power-law sizes, replaced at random",
    .source =
        "random-lifetime models of Zorn and Grunwald, Evaluating Models of Memory Allocation, 1994",
    .op = "one random block read, freed and replaced by a new one",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class RandomSizes final : public Instance {
 public:
  explicit RandomSizes(WorkloadContext const& context)
      : sizes_(SizeRange::of(context, info.name)),
        last_octave_(std::bit_floor(sizes_.greatest / sizes_.least)),
        blocks_(static_cast<std::uint64_t>(context["blocks"])) {
    seats_.reserve(context.threads);
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, PageArray<Block>(blocks_)});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }

  void setup(std::uint32_t thread) override {
    Seat& seat = seats_[thread];
    for (std::uint64_t slot = 0; slot < blocks_; ++slot) {
      std::uint64_t const draw = seat.random.next();
      seat.blocks[slot] = Block::make(size(seat.random.next()), draw);
    }
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Seat& seat = seats_[thread];
    run_units(units, times, [&] { replace_some(seat); });
  }

  std::uint64_t check(std::uint32_t thread) override {
    Seat const& seat = seats_[thread];
    std::uint64_t sum = seat.sum;
    for (std::uint64_t slot = 0; slot < blocks_; ++slot) sum = mix(sum, seat.blocks[slot].sum());
    return sum;
  }

  void teardown(std::uint32_t thread) override {
    for (std::uint64_t slot = 0; slot < blocks_; ++slot) let_go(seats_[thread].blocks[slot].start);
  }

 private:
  struct alignas(128) Seat {
    Random random;
    std::uint64_t sum;
    PageArray<Block> blocks;
  };

  // The number of trailing zeros is k with probability 2^-(k+1): the octave. The upper half of the
  // draw places the size within it.
  CHURN_ALWAYS_INLINE std::size_t size(std::uint64_t draw) const noexcept {
    int const octave = __builtin_ctzll(draw | last_octave_);  // unlike std's, not defined for zero
    std::uint64_t const low = static_cast<std::uint64_t>(sizes_.least) << octave;
    return std::min(low + scaled(static_cast<std::uint32_t>(draw >> 32), low), sizes_.greatest);
  }

  // Out of line, where the loop has the registers to itself.
  CHURN_NEVER_INLINE void replace_some(Seat& seat) const noexcept {
    Random random = seat.random;  // in registers for the loop
    std::uint64_t sum = seat.sum;
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = random.next();
      std::size_t const bytes = size(random.next());  // before free, whose call spills registers
      Block& block = seat.blocks[scaled(static_cast<std::uint32_t>(draw), blocks_)];
      sum += block.sum();
      std::free(block.start);
      block = Block::make(bytes, draw);
    }
    seat.random = random;
    seat.sum = sum;
  }

  SizeRange const sizes_;
  std::uint64_t const last_octave_;  // 2^k for the greatest k, so that countr_zero stops there
  std::uint64_t const blocks_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<RandomSizes>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::random_sizes
