// Programs live in phases: each thread fills a live set block by block, passes some of what it
// makes on to the next thread, where it stays, and when a phase ends drops everything at once.
// So a thread's live set holds what others made, and its memory comes and goes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/hand_over.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::migrating_phases {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"blocks", 20'000, 1, 10'000'000, "most live blocks of each thread"},
    ParameterInfo{"max", 2'048, 64, 1 << 30, "bytes of the greatest block; small ones are many"},
    ParameterInfo{"migrate", 5, 1, 1'000'000, "one block of so many goes to the next thread"},
    ParameterInfo{"phase", 50, 1, 1'000'000, "units until a thread drops all it has"},
};

constexpr WorkloadInfo info{
    .name = "migrating-phases",
    .summary = "live sets that fill, partly with other threads' blocks, and are dropped whole",
    .source = "after mstress of Leijen, Zorn and de Moura, Mimalloc, APLAS 2019",
    .op = "one block made; what it takes the place of is read and freed",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class MigratingPhases final : public BlockSeats {
 public:
  explicit MigratingPhases(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["blocks"])),
        greatest_(static_cast<std::size_t>(context["max"])),
        migrate_(static_cast<std::uint64_t>(context["migrate"])),
        phase_(static_cast<std::uint64_t>(context["phase"])),
        hand_over_(context.threads, ops_aimed_at) {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] {
      BlockSeat& seat = seats_[thread];
      if (seat.step++ % phase_ == 0) drop(seat);
      hand_over_.begin(thread, [&](Block block) { keep(seat, block); });
      make_some(thread, seat);
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
  static void keep(BlockSeat& seat, Block block) noexcept {
    seat.sum += seat.blocks.replace(seat.random.below(seat.blocks.size()), block);
  }
  static void drop(BlockSeat& seat) noexcept {
    seat.sum = seat.blocks.sum(seat.sum);
    seat.blocks.clear();
  }

  // Each octave of sizes is half as likely as the one below it.
  std::size_t size(std::uint64_t draw) const noexcept {
    std::size_t const low = std::size_t{16} << __builtin_ctzll(draw | 1u << 20);
    return std::min(low + scaled(static_cast<std::uint32_t>(draw >> 32), low), greatest_);
  }

  CHURN_NEVER_INLINE void make_some(std::uint32_t thread, BlockSeat& seat) noexcept {
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = seat.random.next();
      Block const block = Block::make(size(draw), draw);
      if (i % migrate_ == 0) {
        hand_over_.leave(thread, block);
      } else {
        keep(seat, block);
      }
    }
  }

  std::size_t const greatest_;
  std::uint64_t const migrate_, phase_;
  HandOver hand_over_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<MigratingPhases>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::migrating_phases
