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
  // Environment variables on which the promises depend, and what they are in this environment.
  std::span<std::string_view const> varies_with = {};
  Traits (*variant)() = nullptr;
};
template <class Collector>
constexpr CollectorInfo collector_info_of(std::string_view name) {
  CollectorInfo info{name, Collector::summary, Collector::traits, Collector::parameters};
  if constexpr (requires { Collector::variant(); }) {
    info.varies_with = Collector::varies_with;
    info.variant = Collector::variant;
  }
  return info;
}

struct Entry {
  WorkloadInfo const* info;
  // Null where the collector cannot run this workload; `why_not` says why.
  std::unique_ptr<Instance> (*make)(WorkloadContext const& context, HeapOptions const& heap);
  std::string_view why_not;
  // The same work, told apart by what is alive; where the workload releases its objects.
  std::unique_ptr<Instance> (*make_oracle)(WorkloadContext const& context,
                                           HeapOptions const& heap) = nullptr;
  // The same work on a heap that obeys HeapOptions::parts; null: `why_no_split` says why.
  std::unique_ptr<Instance> (*make_split)(WorkloadContext const& context,
                                          HeapOptions const& heap) = nullptr;
  std::string_view why_no_split = {};
};

struct Program {
  CollectorInfo const* collector;  // null: plain malloc and free
  std::span<Entry const> entries;
  std::string_view kind() const noexcept { return collector == nullptr ? "malloc/" : "managed/"; }
};

// Defined by the generated unit of this program.
extern Program const program;

}  // namespace churn::cell
