// What a profile says of a program by size, as size-profile:FILE: each row is drawn by its rate,
// and the new block takes the place of a random live one of the same row. So sizes, rates, live
// counts and mean lifetimes are those of the profile; the order of calls is not. Of the blocks
// that go, `across` of 1000 are left to the next thread, which frees them.
//
// A profile's live bytes, which may be a whole machine's, are scaled to `live` MiB a thread. What
// is live for less than half a block then is freed as soon as it is made. Sizes below 8 bytes
// count as 8, which is where blocks are watched from. Without a file, a small profile is made up
// here.
#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "workloads/parts/block_seats.hpp"
#include "workloads/parts/hand_over.hpp"
#include "workloads/parts/size_profile.hpp"
#include "workloads/parts/sizes.hpp"

namespace churn::size_profile {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"live", 32, 1, 1 << 20, "MiB that live blocks of each thread have, about"},
    ParameterInfo{"across", 100, 0, 1'000, "of 1000 blocks, so many are freed by the next thread"},
};

constexpr WorkloadInfo info{
    .name = "size-profile",
    .summary = "sizes, rates and live counts as a profile has them, as size-profile:FILE.csv",
    .source = "the profile; format and idea of Google's Fleetbench",
    .op = "one block made, and one of its size read and freed, here or by the next thread",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .reads_file = true,
};

// Half as often, and half as many live, for each doubling of the size.
std::vector<SizeRow> made_up() {
  std::vector<SizeRow> rows;
  double rate = 1000;
  for (std::size_t bytes = 16; bytes <= 1 << 18; bytes *= 2, rate /= 2) {
    rows.push_back({bytes, rate, rate * 20});
    rows.push_back({bytes + bytes / 2, rate / 2, rate * 5});
  }
  return rows;
}

std::vector<SizeRow> rows_of(std::string const& file) {
  if (file.empty()) return made_up();
  constexpr std::size_t most_bytes = 16 << 20;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw UserError("cannot read the size profile " + file);
  std::string text(most_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > most_bytes) throw UserError(file + " has more than 16 MiB: no size profile");
  return SizeProfileReader(text, file).rows();
}

// A row as it is run: its live blocks are `count` slots from `first` on.
struct Class {
  std::size_t bytes;
  std::uint32_t first, count;
  std::uint32_t keep;   // of 2^32: how often a draw of this row stands
  std::uint32_t alias;  // the row that it else is
};

// Scaled, with the alias table of A. Walker, ACM TOMS 1977.
class Profile {
 public:
  Profile(std::vector<SizeRow> rows, double live_bytes)
      : classes_(rows.size()), size_(rows.size()) {
    double bytes = 0, rates = 0;
    for (SizeRow& row : rows) {
      row.bytes = std::max(row.bytes, Block::least_bytes);
      bytes += static_cast<double>(row.bytes) * row.live;
      rates += row.rate;
    }
    double const scale = bytes > live_bytes ? live_bytes / bytes : 1;
    std::vector<double> share(size_);
    std::vector<std::uint32_t> poor, rich;
    for (std::uint32_t i = 0; i < size_; ++i) {
      auto const count = static_cast<std::uint32_t>(
          std::min(rows[i].live * scale, most_slots / static_cast<double>(size_)) + 0.5);
      classes_[i] = {rows[i].bytes, slots_, count, ~std::uint32_t{0}, i};
      slots_ += count;
      share[i] = rows[i].rate / rates * static_cast<double>(size_);
      (share[i] < 1 ? poor : rich).push_back(i);
    }
    while (!poor.empty() && !rich.empty()) {
      std::uint32_t const from = rich.back(), to = poor.back();
      poor.pop_back();
      classes_[to].keep = static_cast<std::uint32_t>(share[to] * 4294967295.0);
      classes_[to].alias = from;
      share[from] -= 1 - share[to];
      if (share[from] >= 1) continue;
      rich.pop_back();
      poor.push_back(from);
    }
  }

  std::uint32_t slots() const noexcept { return slots_; }
  std::size_t size() const noexcept { return size_; }
  Class const& operator[](std::size_t index) const noexcept { return classes_[index]; }

  CHURN_ALWAYS_INLINE Class const& draw(std::uint64_t bits) const noexcept {
    Class const& drawn = classes_[scaled(static_cast<std::uint32_t>(bits), size_)];
    return static_cast<std::uint32_t>(bits >> 32) <= drawn.keep ? drawn : classes_[drawn.alias];
  }

 private:
  static constexpr double most_slots = 1u << 30;

  PageArray<Class> classes_;
  std::size_t size_;
  std::uint32_t slots_ = 0;
};

class SizeProfile final : public Instance {
 public:
  explicit SizeProfile(WorkloadContext const& context)
      : across_(static_cast<std::uint64_t>(context["across"])),
        profile_(rows_of(context.file), static_cast<double>(context["live"]) * (1 << 20)),
        hand_over_(context.threads, ops_aimed_at) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, 0,
                        BlockTable(std::max<std::size_t>(profile_.slots(), 1))});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }

  void setup(std::uint32_t thread) override {
    BlockSeat& seat = seats_[thread];
    for (std::size_t i = 0; i < profile_.size(); ++i) {
      Class const& each = profile_[i];
      for (std::uint32_t slot = 0; slot < each.count; ++slot) {
        seat.blocks[each.first + slot] = Block::make(each.bytes, seat.random.next());
      }
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
    return hand_over_.sum(thread, seats_[thread].blocks.sum(seats_[thread].sum));
  }
  void teardown(std::uint32_t thread) override {
    hand_over_.let_go(thread);
    seats_[thread].blocks.let_go();
  }

 private:
  CHURN_NEVER_INLINE void replace_some(std::uint32_t thread, BlockSeat& seat) noexcept {
    Random random = seat.random;  // in registers for the loop
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = random.next(), place = random.next();
      Class const& drawn = profile_.draw(draw);
      Block block = Block::make(drawn.bytes, place);
      if (drawn.count != 0) {
        std::uint64_t const slot = scaled(static_cast<std::uint32_t>(place), drawn.count);
        std::swap(block, seat.blocks[drawn.first + slot]);
      }
      if (place >> 54 < across_ * 1024 / 1000) {
        hand_over_.leave(thread, block);
      } else {
        seat.sum += released(block);
      }
    }
    seat.random = random;
  }

  std::uint64_t const across_;
  Profile const profile_;
  std::vector<BlockSeat> seats_;
  HandOver hand_over_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<SizeProfile>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::size_profile
