// A live set that is filled with blocks of about one size, dropped but for one block in `survive`,
// and filled again with another size, until the survivors of many fillings lie strewn over the
// heap. What an allocator can still use of the pages around them is its fragmentation: look at the
// blow-up and the peak.
//
// A filling has as many bytes as every other. Blocks die in the order in which they were made.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::fragmentation {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"fill", 16 << 20, 4'096, std::int64_t{1} << 36, "bytes of one filling"},
    ParameterInfo{"min", 32, 16, 1 << 24, "bytes of the smallest block"},
    ParameterInfo{"max", 8'192, 16, 1 << 24, "bytes of the greatest block"},
    ParameterInfo{"survive", 100, 2, 1'000'000, "one block of so many outlives its filling"},
    ParameterInfo{"keep", 20, 1, 1'000, "fillings whose survivors are live"},
};

constexpr WorkloadInfo info{
    .name = "fragmentation",
    .summary = "filled, freed but for 1 %, filled again with blocks of another size",
    .source = "after Robson, Bounds for some functions concerning dynamic storage, JACM 1974",
    .op = "one block made, and read and freed with its filling or long after",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class Fragmentation final : public Instance {
 public:
  explicit Fragmentation(WorkloadContext const& context)
      : sizes_(SizeRange::of(context, info.name)),
        fill_(static_cast<std::uint64_t>(context["fill"])),
        survive_(static_cast<std::uint64_t>(context["survive"])),
        keep_(static_cast<std::uint64_t>(context["keep"])),
        most_(fill_ / sizes_.least + 1),
        most_survivors_(most_ / survive_ + 1) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, 0, 0, 0, 0, BlockTable(most_),
                        BlockTable(most_survivors_ * keep_)});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }
  void setup(std::uint32_t) override {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] {
      for (std::uint64_t i = 0; i < ops_aimed_at; ++i) make_one(seats_[thread]);
    });
  }

  std::uint64_t check(std::uint32_t thread) override {
    Seat const& seat = seats_[thread];
    return seat.survivors.sum(seat.filling.sum(seat.sum));
  }
  void teardown(std::uint32_t thread) override {
    seats_[thread].filling.let_go();
    seats_[thread].survivors.let_go();
  }

 private:
  struct alignas(128) Seat {
    Random random;
    std::uint64_t sum, fillings;
    std::uint64_t made, bytes;  // of this filling
    std::size_t size;           // its blocks have this many bytes and up to a quarter more
    BlockTable filling, survivors;
  };

  CHURN_ALWAYS_INLINE void make_one(Seat& seat) const noexcept {
    if (seat.bytes >= fill_ || seat.made == most_) drop(seat);
    if (seat.made == 0) seat.size = next_size(seat.random);
    std::uint64_t const draw = seat.random.next();
    std::size_t const bytes =
        seat.size + scaled(static_cast<std::uint32_t>(draw >> 32), seat.size / 4 + 1);
    seat.filling[seat.made++] = Block::make(bytes, draw);
    seat.bytes += bytes;
  }

  // Every octave of sizes is as likely as every other.
  std::size_t next_size(Random& random) const noexcept {
    int const octaves = std::bit_width(sizes_.greatest / sizes_.least);
    std::size_t const low = sizes_.least << random.below(static_cast<std::uint64_t>(octaves));
    return std::min<std::size_t>(low + random.below(low), sizes_.greatest);
  }

  // The survivors of this filling take the place of the oldest.
  CHURN_NEVER_INLINE void drop(Seat& seat) const noexcept {
    std::uint64_t const first = seat.fillings++ % keep_ * most_survivors_;
    std::uint64_t survivors = 0;
    for (std::uint64_t i = 0; i < seat.made; ++i) {
      Block const block = std::exchange(seat.filling[i], Block{});
      if (i % survive_ == 0) {
        seat.sum += seat.survivors.replace(first + survivors++, block);
      } else {
        seat.sum += released(block);
      }
    }
    for (; survivors < most_survivors_; ++survivors) {
      seat.sum += seat.survivors.replace(first + survivors, Block{});
    }
    seat.made = seat.bytes = 0;
  }

  SizeRange const sizes_;
  std::uint64_t const fill_, survive_, keep_, most_, most_survivors_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<Fragmentation>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::fragmentation
