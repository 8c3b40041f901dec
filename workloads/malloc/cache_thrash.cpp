// Active false sharing; the shape is told in parts/false_sharing.hpp.
#include "workloads/parts/false_sharing.hpp"

#include <memory>

namespace churn::cache_thrash {

extern MallocWorkload const workload;

namespace {

constexpr WorkloadInfo info{
    .name = "cache-thrash",
    .summary = "threads write small blocks of their own, as close as the allocator puts them",
    .source = false_sharing::source,
    .op = false_sharing::op,
    .parameters = false_sharing::parameters,
    .min_threads = 2,
    .max_threads = 64,
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<false_sharing::FalseSharing<false>>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::cache_thrash
