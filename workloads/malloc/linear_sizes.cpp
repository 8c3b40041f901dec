// Blocks of uniformly drawn sizes, replaced at random; of those that go, one in `across` is left to
// the next thread, which frees it. So the same size classes see frees of their own thread and of
// others, mixed.
#include <array>
#include <cstdint>
#include <memory>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/hand_over.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::linear_sizes {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"blocks", 10'000, 1, 10'000'000, "live blocks of each thread"},
    ParameterInfo{"min", 16, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 8'000, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
    ParameterInfo{"across", 4, 1, 1'000'000, "one block of so many is freed by the next thread"},
};

constexpr WorkloadInfo info{
    .name = "linear-sizes",
    .summary = "uniform sizes, replaced at random; one in four freed by another thread",
    .source = "the linear mode with cross-thread frees of Jansson's rpmalloc-benchmark",
    .op = "one random block replaced; the old one read and freed, here or by the next thread",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class LinearSizes final : public BlockSeats {
 public:
  explicit LinearSizes(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["blocks"])),
        sizes_(SizeRange::of(context, info.name)),
        across_(static_cast<std::uint64_t>(context["across"])),
        hand_over_(context.threads, ops_aimed_at) {}

  void setup(std::uint32_t thread) override {
    BlockSeat& seat = seats_[thread];
    for (std::size_t slot = 0; slot < seat.blocks.size(); ++slot) {
      seat.blocks[slot] = make_block(seat.random.next());
    }
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] {
      BlockSeat& seat = seats_[thread];
      hand_over_.begin(thread, [&](Block block) { seat.sum += released(block); });
      replace_some(thread, seat);
      hand_over_.end(thread);
    });
  }

  std::uint64_t check(std::uint32_t thread) override {
    return hand_over_.sum(thread, BlockSeats::check(thread));
  }
  void teardown(std::uint32_t thread) override {
    hand_over_.let_go(thread);
    BlockSeats::teardown(thread);
  }

 private:
  Block make_block(std::uint64_t draw) const noexcept {
    return Block::make(sizes_.pick(static_cast<std::uint32_t>(draw >> 32)), draw);
  }

  CHURN_NEVER_INLINE void replace_some(std::uint32_t thread, BlockSeat& seat) noexcept {
    Random random = seat.random;  // in registers for the loop
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = random.next();
      Block& slot = seat.blocks[scaled(static_cast<std::uint32_t>(draw), seat.blocks.size())];
      if (i % across_ == 0) {
        hand_over_.leave(thread, slot);
      } else {
        seat.sum += released(slot);
      }
      slot = make_block(draw);
    }
    seat.random = random;
  }

  SizeRange const sizes_;
  std::uint64_t const across_;
  HandOver hand_over_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<LinearSizes>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::linear_sizes
