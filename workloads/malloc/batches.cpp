// Batches of small blocks, freed as a whole: the last one made first, as a stack unwinds, or the
// first one first, or both by turns. With across=yes a batch is freed by the next thread.
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/hand_over.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::batches {

extern MallocWorkload const workload;

namespace {

constexpr std::array<std::string_view, 3> order_words{"last-first", "first-first", "by-turns"};
enum Order : int { last_first, first_first, by_turns };
constexpr std::array<std::string_view, 2> across_words{"no", "yes"};

constexpr std::array parameters{
    ParameterInfo{"batch", 1'000, 2, 1'000'000, "blocks that are made, then freed, together"},
    ParameterInfo{"min", 16, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 400, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
    ParameterInfo{"order", Order::by_turns, Order::last_first, Order::by_turns,
                  "in which a batch is freed", order_words},
    ParameterInfo{"across", 0, 0, 1, "whether the next thread frees it", across_words},
};

constexpr WorkloadInfo info{
    .name = "batches",
    .summary = "batches of small blocks, freed last first and first first by turns",
    .source = "sh6bench and sh8bench of MicroQuill, as mimalloc-bench describes them",
    .op = "one block made, and read and freed with its batch",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class Batches final : public BlockSeats {
 public:
  explicit Batches(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["batch"])),
        sizes_(SizeRange::of(context, info.name)),
        batch_(static_cast<std::size_t>(context["batch"])),
        per_unit_(rounds_per_unit(batch_)),
        order_(static_cast<Order>(context["order"])),
        across_(context["across"] != 0),
        hand_over_(context.threads, across_ ? batch_ : 1) {}

  std::uint64_t ops_per_unit() const noexcept override { return batch_ * per_unit_; }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    BlockSeat& seat = seats_[thread];
    run_units(units, times, [&] {
      for (std::uint64_t i = 0; i < per_unit_; ++i, ++seat.step) {
        if (across_) {
          pass_on(thread, seat);
        } else {
          make_batch(seat);
          free_batch(seat, {&seat.blocks[0], batch_});
        }
      }
    });
  }

  // Blocks within the table are dead; those that were passed on are not.
  std::uint64_t check(std::uint32_t thread) override {
    return hand_over_.sum(thread, seats_[thread].sum);
  }
  void teardown(std::uint32_t thread) override { hand_over_.let_go(thread); }

 private:
  void pass_on(std::uint32_t thread, BlockSeat& seat) noexcept {
    free_batch(seat, hand_over_.waiting(thread));
    hand_over_.ready(thread);
    make_batch(seat);
    for (std::size_t i = 0; i < batch_; ++i) hand_over_.leave(thread, seat.blocks[i]);
    hand_over_.end(thread);
  }

  CHURN_NEVER_INLINE void make_batch(BlockSeat& seat) const noexcept {
    Random random = seat.random;  // in registers for the loop
    for (std::size_t i = 0; i < batch_; ++i) {
      std::uint64_t const draw = random.next();
      seat.blocks[i] = Block::make(sizes_.pick(static_cast<std::uint32_t>(draw >> 32)), draw);
    }
    seat.random = random;
  }

  CHURN_NEVER_INLINE void free_batch(BlockSeat& seat, std::span<Block const> batch) const noexcept {
    bool const forwards = order_ == first_first || (order_ == by_turns && seat.step % 2 == 1);
    std::uint64_t sum = seat.sum;
    if (forwards) {
      for (Block const& block : batch) sum += released(block);
    } else {
      for (std::size_t i = batch.size(); i-- > 0;) sum += released(batch[i]);
    }
    seat.sum = sum;
  }

  SizeRange const sizes_;
  std::size_t const batch_;
  std::uint64_t const per_unit_;
  Order const order_;
  bool const across_;
  HandOver hand_over_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<Batches>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::batches
