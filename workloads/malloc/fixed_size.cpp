// The fast path: blocks of one size, each freed after as many others as are live. What remains is
// the least that a pair of malloc and free costs.
#include <array>
#include <cstdint>
#include <memory>

#include "workloads/parts/block_seats.hpp"

namespace churn::fixed_size {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"bytes", 64, Block::least_bytes, 1 << 30, "of each block"},
    ParameterInfo{"live", 16, 2, 10'000'000, "live blocks of each thread"},
};

constexpr WorkloadInfo info{
    .name = "fixed-size",
    .summary = "blocks of one size, the oldest freed first: the fast path alone",
    .source = "bench-malloc-simple of the GNU C library's benchmarks",
    .op = "one block made, the oldest read and freed",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class FixedSize final : public BlockSeats {
 public:
  explicit FixedSize(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["live"])),
        bytes_(static_cast<std::size_t>(context["bytes"])) {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] { replace_oldest(seats_[thread]); });
  }

 private:
  // Out of line, where the loop has the registers to itself.
  CHURN_NEVER_INLINE void replace_oldest(BlockSeat& seat) const noexcept {
    std::uint64_t sum = seat.sum;
    std::size_t slot = seat.step;
    std::uint64_t stamp = seat.random.next();
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      sum += seat.blocks.replace(slot, Block::make(bytes_, stamp++));
      if (++slot == seat.blocks.size()) slot = 0;
    }
    seat.step = slot;
    seat.sum = sum;
  }

  std::size_t const bytes_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<FixedSize>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::fixed_size
