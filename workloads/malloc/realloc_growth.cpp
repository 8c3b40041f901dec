// Buffers that grow. how=vector: an array that doubles by realloc until it is long enough.
// how=append: a string that grows by one realloc for each piece added to it. how=join: the same
// string, its pieces kept apart and put together once they are all there; the last piece is written
// in place. Append and join build the same strings and have the same checksum.
//
// A finished buffer is read and freed when the next one is finished.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "workloads/parts/block_seats.hpp"

namespace churn::realloc_growth {

extern MallocWorkload const workload;

namespace {

constexpr std::array<std::string_view, 3> how_words{"vector", "append", "join"};
enum How : int { vector, append, join };

constexpr std::size_t least_vector_bytes = 64, least_piece_bytes = 8, most_piece_bytes = 64;

constexpr std::array parameters{
    ParameterInfo{"how", How::vector, How::vector, How::join, "a buffer grows", how_words},
    ParameterInfo{"doublings", 14, 1, 24, "of the longest vector, from 64 bytes"},
    ParameterInfo{"pieces", 64, 2, 1'000'000, "of a string"},
};

constexpr WorkloadInfo info{
    .name = "realloc-growth",
    .summary = "buffers that grow: vectors that double, strings appended to or joined",
    .source = "growth of std::vector and CPython's str.join, as programmers meet them",
    .op = "one growth: a vector doubled, or a piece added to a string",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

class ReallocGrowth final : public BlockSeats {
 public:
  explicit ReallocGrowth(WorkloadContext const& context)
      : BlockSeats(context, static_cast<std::size_t>(context["pieces"]) + 2),
        how_(static_cast<How>(context["how"])),
        doublings_(static_cast<std::uint64_t>(context["doublings"])),
        pieces_(static_cast<std::uint64_t>(context["pieces"])) {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] {
      for (std::uint64_t i = 0; i < ops_aimed_at; ++i) grow(seats_[thread]);
    });
  }

  // Slots: the growing buffer, the finished one, then the pieces of a string that is joined.
  std::uint64_t check(std::uint32_t thread) override {
    BlockSeat& seat = seats_[thread];
    std::uint64_t sum = mix(seat.sum, whole_sum(seat.blocks[finished]));
    for (std::uint64_t i = 0; how_ == How::join && i < seat.step; ++i) {
      sum += whole_sum(seat.blocks[first_piece + i]);
    }
    return mix(sum, how_ == How::join ? 0 : whole_sum(seat.blocks[growing]));
  }

 private:
  static constexpr std::size_t growing = 0, finished = 1, first_piece = 2;

  void grow(BlockSeat& seat) const noexcept {
    switch (how_) {
      case How::vector:
        return double_vector(seat);
      case How::append:
        return append_piece(seat);
      case How::join:
        return join_piece(seat);
    }
  }

  // The step is the number of doublings that are left.
  void double_vector(BlockSeat& seat) const noexcept {
    Block& vector = seat.blocks[growing];
    if (vector.start == nullptr) {
      seat.step = seat.random.below(doublings_) + 1;
      resize(vector, least_vector_bytes);
      fill(vector, 0, seat.random.next());
    } else {
      std::size_t const before = vector.bytes;
      resize(vector, 2 * before);
      fill(vector, before, seat.random.next());
    }
    if (seat.step-- == 0) finish(seat);
  }

  // The step is the number of pieces that are there.
  void append_piece(BlockSeat& seat) const noexcept {
    Block& string = seat.blocks[growing];
    std::uint64_t const draw = seat.random.next();
    std::size_t const before = string.start == nullptr ? 0 : string.bytes;
    resize(string, before + piece_bytes(draw));
    fill(string, before, draw);
    if (++seat.step == pieces_) {
      seat.step = 0;
      finish(seat);
    }
  }

  void join_piece(BlockSeat& seat) const noexcept {
    std::uint64_t const draw = seat.random.next();
    if (seat.step + 1 < pieces_) {
      Block& piece = seat.blocks[first_piece + seat.step++];
      piece = {unstamped(piece_bytes(draw)), piece_bytes(draw)};
      return fill(piece, 0, draw);
    }
    std::size_t total = piece_bytes(draw);
    for (std::uint64_t i = 0; i < seat.step; ++i) total += seat.blocks[first_piece + i].bytes;
    Block& joined = seat.blocks[growing];
    joined = {unstamped(total), total};
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < seat.step; ++i) {
      Block const piece = std::exchange(seat.blocks[first_piece + i], Block{});
      std::memcpy(joined.start + at, piece.start, piece.bytes);
      at += piece.bytes;
      std::free(piece.start);
    }
    fill(joined, at, draw);
    seat.step = 0;
    finish(seat);
  }

  static std::size_t piece_bytes(std::uint64_t draw) noexcept {
    constexpr std::size_t words = most_piece_bytes / least_piece_bytes;
    return (draw % words + 1) * least_piece_bytes;
  }

  static void resize(Block& block, std::size_t bytes) noexcept {
    auto* const start = static_cast<std::byte*>(std::realloc(block.start, bytes));
    if (__builtin_expect(start == nullptr, 0)) refused(bytes);
    block = {start, bytes};
  }

  // From there to its end, as whoever made it longer would.
  static void fill(Block block, std::size_t from, std::uint64_t value) noexcept {
    for (std::size_t at = from; at < block.bytes; at += sizeof value) {
      set_word(block.start + at, value += at);
    }
  }

  static std::uint64_t whole_sum(Block block) noexcept {
    std::uint64_t sum = 0;
    if (block.start == nullptr) return sum;
    for (std::size_t at = 0; at < block.bytes; at += sizeof sum) {
      sum = 3 * sum + word(block.start + at);
    }
    return sum;
  }

  static void finish(BlockSeat& seat) noexcept {
    Block const done =
        std::exchange(seat.blocks[finished], std::exchange(seat.blocks[growing], Block{}));
    if (done.start == nullptr) return;
    seat.sum = mix(seat.sum, whole_sum(done));
    std::free(done.start);
  }

  How const how_;
  std::uint64_t const doublings_, pieces_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<ReallocGrowth>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::realloc_growth
