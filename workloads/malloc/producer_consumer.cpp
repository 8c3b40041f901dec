// Pairs of threads: one allocates, the other frees. Every block dies on a thread that did not make
//        it,
// which is what per-thread caches like least.
//
// Blocks change hands in batches, through two buffers: while the consumer empties one, the producer
// fills the other, and neither runs further ahead. So no more than two batches are live at any
// time, however the threads are scheduled, and the batches of a unit are complete when both have
// run it.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/progress.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::producer_consumer {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"batch", 500, 1, 1'000'000, "blocks that change hands together"},
    ParameterInfo{"min", 16, Block::least_bytes, 1 << 30, "bytes of the smallest block"},
    ParameterInfo{"max", 256, Block::least_bytes, 1 << 30, "bytes of the greatest block"},
};

constexpr WorkloadInfo info{
    .name = "producer-consumer",
    .summary = "one thread of a pair allocates, the other frees, through a bounded queue",
    .source =
        "xmalloc-test of Lever and Boreham, malloc() Performance in a Multithreaded Linux "
        "Environment, USENIX 2000",
    .op = "one block allocated and handed over, or one taken over and freed",
    .parameters = parameters,
    .min_threads = 2,
    .max_threads = 64,
};

class ProducerConsumer final : public Instance {
 public:
  explicit ProducerConsumer(WorkloadContext const& context)
      : sizes_(SizeRange::of(context, info.name)),
        batch_(static_cast<std::uint64_t>(context["batch"])),
        batches_per_unit_(rounds_per_unit(batch_)) {
    for (std::uint32_t pair = 0; pair < context.threads / 2; ++pair) {
      pairs_.push_back(std::make_unique<Pair>(Random::fork(context.seed, pair), batch_));
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return batches_per_unit_ * batch_; }

  void setup(std::uint32_t) override {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Pair& pair = *pairs_[thread / 2];
    if (thread % 2 == 0) {
      run_units(units, times, [&] {
        for (std::uint64_t i = 0; i < batches_per_unit_; ++i) produce(pair);
      });
    } else {
      run_units(units, times, [&] {
        for (std::uint64_t i = 0; i < batches_per_unit_; ++i) consume(pair);
      });
    }
  }

  // What the consumer has read; the producer reads nothing.
  std::uint64_t check(std::uint32_t thread) override {
    return thread % 2 == 0 ? 0 : mix(thread, pairs_[thread / 2]->sum);
  }

  void teardown(std::uint32_t) override {}

 private:
  static constexpr std::uint32_t buffers = 2;

  struct Pair {
    Pair(Random random, std::uint64_t batch) : random(random), blocks(buffers * batch) {}
    alignas(128) Random random;          // the producer's
    std::uint32_t produced = 0;          // batches
    alignas(128) std::uint64_t sum = 0;  // the consumer's
    std::uint32_t consumed = 0;
    Progress filled, emptied;
    PageArray<Block> blocks;
  };

  CHURN_ALWAYS_INLINE void produce(Pair& pair) const noexcept {
    std::uint32_t const batch = pair.produced++;
    pair.emptied.await(batch + 1 - buffers);
    Block* const buffer = pair.blocks.data() + (batch % buffers) * batch_;
    Random random = pair.random;  // in registers for the loop
    for (std::uint64_t i = 0; i < batch_; ++i) {
      std::uint64_t const draw = random.next();
      buffer[i] = Block::make(sizes_.pick(static_cast<std::uint32_t>(draw >> 32)), draw);
    }
    pair.random = random;
    pair.filled.advance();
  }

  CHURN_ALWAYS_INLINE void consume(Pair& pair) const noexcept {
    std::uint32_t const batch = pair.consumed++;
    pair.filled.await(batch + 1);
    Block const* const buffer = pair.blocks.data() + (batch % buffers) * batch_;
    std::uint64_t sum = pair.sum;
    for (std::uint64_t i = 0; i < batch_; ++i) {
      sum += buffer[i].sum();
      std::free(buffer[i].start);
    }
    pair.sum = sum;
    pair.emptied.advance();
  }

  SizeRange const sizes_;
  std::uint64_t const batch_, batches_per_unit_;
  std::vector<std::unique_ptr<Pair>> pairs_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<ProducerConsumer>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::producer_consumer
