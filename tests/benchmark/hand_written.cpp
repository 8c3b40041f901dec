// Three workloads as a C++ programmer would write them for malloc and free alone: no mutator, no
// erased instance, no harness. The benchmark of instructions runs them beside the cell programs;
// equal checksums prove that both did the same work.
//
//     hand_written WORKLOAD SEED UNITS PARAMETER...
//
// prints the checksum and the ns per op of the units. The parameters are the workload's, in its
// order: a compiler that knew them would not compile the same work.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "harness/core/clock.hpp"
#include "harness/core/random.hpp"

namespace {

using churn::mix;
using churn::Random;

void* allocated(std::size_t bytes) {
  void* const block = std::malloc(bytes);
  if (block == nullptr) {
    std::fputs("hand_written: malloc returned NULL\n", stderr);
    std::exit(1);
  }
  return block;
}

// ---- managed/cycle-churn ----

struct Node {
  Node* links[2];  // next, previous
  std::uint64_t value;
};

class CycleChurn {
 public:
  static constexpr std::size_t parameters = 2;

  // Parameters: nodes of a ring, live rings.
  CycleChurn(std::uint64_t seed, std::span<std::uint64_t const> parameters)
      : size_(static_cast<std::uint32_t>(parameters[0])),
        random_(Random::fork(seed, 0)),
        rings_(parameters[1]) {
    for (Node*& ring : rings_) ring = build(random_.next());
  }

  std::uint64_t ops_per_unit() const { return rings_per_unit() * size_; }

  void unit() {
    for (std::uint64_t i = 0, rings = rings_per_unit(); i < rings; ++i) {
      Node* const fresh = build(random_.next());
      Node*& slot = rings_[random_.below(rings_.size())];
      sum_ = mix(sum_, walk<true>(slot, turns_++ % 2));
      slot = fresh;
    }
  }

  std::uint64_t checksum() const {
    std::uint64_t sum = sum_;
    for (std::size_t i = 0; i < rings_.size(); ++i) sum = mix(sum, walk<false>(rings_[i], i % 2));
    return sum;
  }

 private:
  std::uint64_t rings_per_unit() const { return size_ < 1000 ? 1000 / size_ : 1; }

  static Node* make(std::uint64_t value) {
    auto* const node = static_cast<Node*>(allocated(sizeof(Node)));
    *node = {{nullptr, nullptr}, value};
    return node;
  }

  Node* build(std::uint64_t start) const {
    Node* const first = make(start);
    Node* last = first;
    for (std::uint32_t i = 1; i < size_; ++i) {
      Node* const fresh = make(start + i);
      fresh->links[1] = last;
      last->links[0] = fresh;
      last = fresh;
    }
    last->links[0] = first;
    first->links[1] = last;
    return first;
  }

  template <bool freeing>
  std::uint64_t walk(Node* const first, std::uint64_t direction) const {
    Node* node = first;
    std::uint64_t sum = 0;
    auto const start = reinterpret_cast<std::uintptr_t>(first);
    for (std::uint32_t i = 0; i < size_; ++i) {
      Node* const following = node->links[direction];
      sum = 3 * sum + node->value;
      if (freeing) std::free(node);
      node = following;
    }
    return reinterpret_cast<std::uintptr_t>(node) == start ? sum : ~sum;
  }

  std::uint32_t size_;
  Random random_;
  std::vector<Node*> rings_;
  std::uint64_t sum_ = 0, turns_ = 0;
};

// ---- malloc/larson, malloc/random-sizes ----

struct Block {
  unsigned char* start;
  std::size_t bytes;
};

Block make_block(std::size_t bytes, std::uint64_t stamp) {
  auto* const start = static_cast<unsigned char*>(allocated(bytes));
  for (std::size_t at = 4096; at < bytes; at += 4096) start[at] = 1;
  std::memcpy(start, &stamp, sizeof stamp);
  start[bytes - 1] = static_cast<unsigned char>(bytes);
  return {start, bytes};
}

std::uint64_t read_block(Block const& block) {
  std::uint64_t stamp;
  std::memcpy(&stamp, block.start, sizeof stamp);
  return stamp + (static_cast<std::uint64_t>(block.start[block.bytes - 1]) << 56);
}

std::uint64_t scaled(std::uint64_t bits, std::uint64_t bound) {
  return ((bits & 0xffffffffu) * bound) >> 32;
}

class Larson {
 public:
  static constexpr std::size_t parameters = 3;

  // Parameters: live blocks, bytes of the smallest and of the greatest one.
  Larson(std::uint64_t seed, std::span<std::uint64_t const> parameters)
      : least_(parameters[1]),
        greatest_(parameters[2]),
        random_(Random::fork(seed, 0)),
        blocks_(parameters[0]) {
    for (Block& block : blocks_) block = make(random_.next());
  }

  std::uint64_t ops_per_unit() const { return 1000; }

  void unit() {
    Random random = random_;
    std::uint64_t sum = sum_;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      std::uint64_t const draw = random.next();
      Block& block = blocks_[scaled(draw, blocks_.size())];
      sum += read_block(block);
      std::free(block.start);
      block = make(draw);
    }
    random_ = random;
    sum_ = sum;
  }

  std::uint64_t checksum() const {
    std::uint64_t sum = sum_;
    for (Block const& block : blocks_) sum = mix(sum, read_block(block));
    return sum;
  }

 private:
  Block make(std::uint64_t draw) const {
    return make_block(least_ + scaled(draw >> 32, greatest_ - least_ + 1), draw);
  }

  std::size_t least_, greatest_;
  Random random_;
  std::vector<Block> blocks_;
  std::uint64_t sum_ = 0;
};

class RandomSizes {
 public:
  static constexpr std::size_t parameters = 3;

  // Parameters: live blocks, bytes of the smallest and of the greatest one.
  RandomSizes(std::uint64_t seed, std::span<std::uint64_t const> parameters)
      : least_(parameters[1]),
        greatest_(parameters[2]),
        random_(Random::fork(seed, 0)),
        blocks_(parameters[0]) {
    for (Block& block : blocks_) {
      std::uint64_t const draw = random_.next();
      block = make_block(size(random_.next()), draw);
    }
  }

  std::uint64_t ops_per_unit() const { return 1000; }

  void unit() {
    Random random = random_;
    std::uint64_t sum = sum_;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      std::uint64_t const draw = random.next();
      std::size_t const bytes = size(random.next());
      Block& block = blocks_[scaled(draw, blocks_.size())];
      sum += read_block(block);
      std::free(block.start);
      block = make_block(bytes, draw);
    }
    random_ = random;
    sum_ = sum;
  }

  std::uint64_t checksum() const {
    std::uint64_t sum = sum_;
    for (Block const& block : blocks_) sum = mix(sum, read_block(block));
    return sum;
  }

 private:
  std::size_t size(std::uint64_t draw) const {
    int const octave = std::countr_zero(draw | std::uint64_t{1} << (octaves_ - 1));
    std::uint64_t const low = least_ << octave;
    return std::min(low + scaled(draw >> 32, low), greatest_);
  }

  std::size_t least_, greatest_;
  int octaves_ = std::bit_width(greatest_ / least_);
  Random random_;
  std::vector<Block> blocks_;
  std::uint64_t sum_ = 0;
};

template <class Program>
int run(std::span<std::uint64_t const> numbers) {
  if (numbers.size() != 2 + Program::parameters) {
    std::fprintf(stderr, "hand_written: this workload takes SEED UNITS and %zu parameters\n",
                 Program::parameters);
    return 2;
  }
  Program program(numbers[0], numbers.subspan(2));
  std::uint64_t const start_ns = churn::now_ns();
  for (std::uint64_t i = 0; i < numbers[1]; ++i) program.unit();
  std::uint64_t const run_ns = churn::now_ns() - start_ns;
  std::printf(
      "%016llx %.4f\n", static_cast<unsigned long long>(program.checksum()),
      static_cast<double>(run_ns) / static_cast<double>(numbers[1] * program.ops_per_unit()));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::uint64_t> numbers;
  for (int i = 2; i < count; ++i) numbers.push_back(std::strtoull(arguments[i], nullptr, 10));
  char const* const workload = count > 1 ? arguments[1] : "";
  if (std::strcmp(workload, "managed/cycle-churn") == 0) return run<CycleChurn>(numbers);
  if (std::strcmp(workload, "malloc/larson") == 0) return run<Larson>(numbers);
  if (std::strcmp(workload, "malloc/random-sizes") == 0) return run<RandomSizes>(numbers);
  std::fputs(
      "usage: hand_written managed/cycle-churn|malloc/larson|malloc/random-sizes SEED UNITS "
      "PARAMETER...\n",
      stderr);
  return 2;
}
