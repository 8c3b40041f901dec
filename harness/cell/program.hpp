// What:  the table that a generated unit hands to the cell program's main: which collector (if any)
//        and which workloads this program can run, and how to make an instance of each.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "harness/core/contracts.hpp"
#include "harness/core/workload.hpp"

namespace churn::cell {

struct CollectorInfo {
  std::string_view name, summary;
  Traits traits;
  std::span<ParameterInfo const> parameters;
};

struct Entry {
  WorkloadInfo const* info;
  // Null where the collector cannot run this workload; `why_not` says why.
  std::unique_ptr<Instance> (*make)(WorkloadContext const& context, HeapOptions const& heap);
  std::string_view why_not;
};

struct Program {
  CollectorInfo const* collector;  // null: plain malloc and free
  std::span<Entry const> entries;
  std::string_view kind() const noexcept { return collector == nullptr ? "malloc/" : "managed/"; }
};

// Defined by the generated unit of this program.
extern Program const program;

}  // namespace churn::cell
