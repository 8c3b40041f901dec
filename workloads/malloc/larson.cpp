// The server of Larson and Krishnan; the shape is told in parts/larson.hpp.
#include "workloads/parts/larson.hpp"

#include <cstdlib>
#include <memory>

#include "harness/core/let_go.hpp"

namespace churn::larson {

extern MallocWorkload const workload;

namespace {

constexpr WorkloadInfo info{
    .name = "larson",
    .summary = "server threads replace random blocks and leave them to one another",
    .source = source,
    .op = op,
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

struct Plain {
  CHURN_ALWAYS_INLINE static Block make(std::size_t bytes, std::uint64_t stamp) noexcept {
    return Block::make(bytes, stamp);
  }
  CHURN_ALWAYS_INLINE static void free(Block block) noexcept { std::free(block.start); }
  static void let_go(Block block) noexcept { churn::let_go(block.start); }
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<Larson<Plain>>(context, info.name);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::larson
