// Buffers of several MiB, as images, tables and messages are: beyond all caches of threads and, in
// most allocators, beyond their heap. What is compared is what an allocator does with so large a
// block when it is freed: kept, it is memory that nobody uses; given back, its pages are touched
// for the first time again.
#include <array>
#include <cstdint>
#include <memory>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::large_buffers {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"live", 4, 2, 10'000, "live buffers of each thread"},
    ParameterInfo{"min", 5 << 20, Block::least_bytes, 1 << 30, "bytes of the smallest buffer"},
    ParameterInfo{"max", 25 << 20, Block::least_bytes, 1 << 30, "bytes of the greatest buffer"},
};

constexpr WorkloadInfo info{
    .name = "large-buffers",
    .summary = "buffers of 5 to 25 MiB, each page written once, the oldest freed first",
    .source = "malloc-large of Leijen's mimalloc-bench",
    .op = "one buffer made and touched, the oldest read and freed",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class LargeBuffers final : public BlockSeats {
 public:
  explicit LargeBuffers(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["live"])),
        sizes_(SizeRange::of(context, info.name)) {}

  std::uint64_t ops_per_unit() const noexcept override { return buffers_per_unit; }

  // So many go by that an allocator which learns from the sizes it sees has learnt them.
  void setup(std::uint32_t thread) override {
    for (std::size_t i = 0; i < 4 * seats_[thread].blocks.size(); ++i) replace(seats_[thread]);
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    BlockSeat& seat = seats_[thread];
    run_units(units, times, [&] {
      for (std::uint64_t i = 0; i < buffers_per_unit; ++i) replace(seat);
    });
  }

 private:
  static constexpr std::uint64_t buffers_per_unit = 4;  // a unit of 1000 would take a second

  void replace(BlockSeat& seat) const noexcept {
    std::uint64_t const draw = seat.random.next();
    std::size_t const bytes = sizes_.pick(static_cast<std::uint32_t>(draw >> 32));
    seat.sum += seat.blocks.replace(seat.step++ % seat.blocks.size(), Block::make(bytes, draw));
  }

  SizeRange const sizes_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<LargeBuffers>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::large_buffers
