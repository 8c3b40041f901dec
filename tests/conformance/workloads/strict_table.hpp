// What:  every registered managed workload, ready to be run on the strict mutator. The table is
//        generated from Meson's list, so a new workload is covered with no edit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/workload.hpp"
#include "tests/conformance/workloads/strict_mutator.hpp"

namespace churn::strict {

// What a whole life of a workload showed: setup, the units of `calls` on each thread, check,
// dispose, teardown.
struct Life {
  std::uint64_t checksum = 0, ops_per_unit = 0;
  std::uint64_t allocations_in_run = 0, peak_live = 0;
  std::uint64_t live_at_end = 0, owners_at_end = 0;
  std::vector<std::string> violations;
};

struct Managed {
  WorkloadInfo const* info;
  Life (*live)(WorkloadContext const& context, std::vector<std::uint64_t> const& calls,
               Fault fault);
};

std::vector<Managed> const& managed_workloads();

}  // namespace churn::strict
