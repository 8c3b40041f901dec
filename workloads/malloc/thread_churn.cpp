// Threads that end and leave live memory: each unit is the life of a thread, which replaces blocks
// that dead threads made by its own. What an allocator keeps for a thread must find a new owner, or
// it is lost; a thread's first call is not as cheap as its later ones.
//
// Making and joining a thread is part of the unit; it costs the same on every allocator, but for
// the small blocks that the C library takes for it.
#include <array>
#include <cstdint>
#include <memory>
#include <thread>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::thread_churn {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"blocks", 5'000, 1, 10'000'000, "live blocks of each line of threads"},
    ParameterInfo{"min", 16, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 512, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
};

constexpr WorkloadInfo info{
    .name = "thread-churn",
    .summary = "threads that replace 1000 blocks of dead threads and end, theirs still live",
    .source = "the ending threads of Larson and Krishnan, ISMM 1998, without a pool",
    .op = "one block replaced by a thread that lives for 1000 of them",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class ThreadChurn final : public BlockSeats {
 public:
  explicit ThreadChurn(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["blocks"])),
        sizes_(SizeRange::of(context, info.name)) {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] { std::thread([&] { replace_some(seats_[thread]); }).join(); });
  }

 private:
  CHURN_NEVER_INLINE void replace_some(BlockSeat& seat) const noexcept {
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = seat.random.next();
      std::size_t const slot = scaled(static_cast<std::uint32_t>(draw), seat.blocks.size());
      std::size_t const bytes = sizes_.pick(static_cast<std::uint32_t>(draw >> 32));
      seat.sum += seat.blocks.replace(slot, Block::make(bytes, draw));
    }
  }

  SizeRange const sizes_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<ThreadChurn>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::thread_churn
