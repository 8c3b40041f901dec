// Documents as a JSON parser makes them: a tree of nodes, each with a key and a text in blocks of
// their own, built in one go, kept for a while, walked and dropped whole. All that a document has
// dies together, but as single blocks, in the order of the tree.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::documents {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"nodes", 100, 1, 10'000'000, "of a document, each of three blocks"},
    ParameterInfo{"live", 16, 1, 1'000'000, "documents that each thread keeps"},
    ParameterInfo{"text", 80, 1, 1 << 20, "bytes of the longest text"},
};

constexpr WorkloadInfo info{
    .name = "documents",
    .summary = "JSON-like documents built, kept for a while, walked and dropped whole",
    .source = "the trees of cJSON, as in Yip's nativejson-benchmark",
    .op = "one block of a document: a node, a key or a text, made, read and freed",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

struct Node {
  Node *sibling, *child;
  Block key, text;
};

// Depth is bounded, so that walking one may recurse.
constexpr std::uint32_t most_depth = 8;

std::uint64_t sum_of(Node const* node) noexcept {
  std::uint64_t sum = 0;
  for (; node != nullptr; node = node->sibling) {
    sum = mix(sum, node->key.sum() + node->text.sum() + sum_of(node->child));
  }
  return sum;
}

template <auto release = std::free>
void drop(Node* node) noexcept {
  while (node != nullptr) {
    drop<release>(node->child);
    Node* const gone = std::exchange(node, node->sibling);
    release(gone->text.start);
    release(gone->key.start);
    release(gone);
  }
}

class Documents final : public Instance {
 public:
  explicit Documents(WorkloadContext const& context)
      : nodes_(static_cast<std::uint64_t>(context["nodes"])),
        live_(static_cast<std::uint64_t>(context["live"])),
        text_(static_cast<std::uint64_t>(context["text"])),
        per_unit_(rounds_per_unit(nodes_ * blocks_per_node)) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, 0, PageArray<Node*>(live_)});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override {
    return per_unit_ * nodes_ * blocks_per_node;
  }
  void setup(std::uint32_t) override {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Seat& seat = seats_[thread];
    run_units(units, times, [&] {
      for (std::uint64_t i = 0; i < per_unit_; ++i) {
        Node* const old = std::exchange(seat.documents[seat.built++ % live_], build(seat.random));
        seat.sum = mix(seat.sum, sum_of(old));
        drop(old);
      }
    });
  }
  std::uint64_t check(std::uint32_t thread) override {
    std::uint64_t sum = seats_[thread].sum;
    for (std::uint64_t i = 0; i < live_; ++i) sum = mix(sum, sum_of(seats_[thread].documents[i]));
    return sum;
  }
  void teardown(std::uint32_t thread) override {
    for (std::uint64_t i = 0; i < live_; ++i) drop<let_go>(seats_[thread].documents[i]);
  }

 private:
  static constexpr std::uint64_t blocks_per_node = 3;
  static constexpr std::size_t least_key = 8, key_range = 17;

  struct alignas(128) Seat {
    Random random;
    std::uint64_t sum, built;
    PageArray<Node*> documents;
  };

  // Node by node, as a parser reads them: into the innermost open node, after the last one there.
  CHURN_NEVER_INLINE Node* build(Random& random) const noexcept {
    Node* root = nullptr;
    std::array<Node**, most_depth> end{&root};  // where the next node of each open one goes
    std::uint32_t depth = 0;
    for (std::uint64_t i = 0; i < nodes_; ++i) {
      std::uint64_t const draw = random.next();
      auto* const node = new (unstamped(sizeof(Node))) Node{nullptr, nullptr, {}, {}};
      node->key = Block::make(least_key + draw % key_range, draw);
      node->text =
          Block::make(least_key + scaled(static_cast<std::uint32_t>(draw >> 32), text_), ~draw);
      *end[depth] = node;
      end[depth] = &node->sibling;
      switch (draw >> 29 & 7) {  // of eight, two open a level and two close one
        case 0:
        case 1:
          if (depth + 1 < most_depth) end[++depth] = &node->child;
          break;
        case 2:
        case 3:
          if (depth > 0) --depth;
      }
    }
    return root;
  }

  std::uint64_t const nodes_, live_, text_, per_unit_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<Documents>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::documents
