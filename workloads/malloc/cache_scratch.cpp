// Passive false sharing; the shape is told in parts/false_sharing.hpp.
#include "workloads/parts/false_sharing.hpp"

#include <memory>

namespace churn::cache_scratch {

extern MallocWorkload const workload;

namespace {

constexpr WorkloadInfo info{
    .name = "cache-scratch",
    .summary = "threads write small blocks, the first of them made side by side by one thread",
    .source = false_sharing::source,
    .op = false_sharing::op,
    .parameters = false_sharing::parameters,
    .min_threads = 2,
    .max_threads = 64,
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<false_sharing::FalseSharing<true>>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::cache_scratch
