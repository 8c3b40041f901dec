// What:  the floating garbage of a cell: objects that are dead and not yet reclaimed, and their
//        bytes, on average and at most, at the ends of up to 1000 slices of a third of its work.
// Why:   a collector that waits looks fast; what it holds meanwhile is the other half of its price.
// How:   what is alive after so many units follows from workload and seed alone. The block's
//        oracle, the collector whose objects the workload releases, says it once; what another
//        collector holds at the same moments beyond that is garbage. Both are invocations of their
//        own that time nothing.
// Gives nothing where a process of the two fails, or gives another answer than it must: the timed
//        invocations say what is wrong with a back end.
// Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/invoke.hpp"
#include "harness/run/work.hpp"

namespace churn::run {

class FloatingGarbage {
 public:
  explicit FloatingGarbage(Invoker& invoker) : invoker_(invoker) {}

  struct Found {
    bool interrupted = false;
    std::map<std::string, double> figures;
  };
  // pre: cell.garbage_is_known. `work` is what is timed of the cell.
  Found look(PlannedCell const& cell, Work const& work);

 private:
  // What lives after each sample: by block, and by units, since not all cells of a block do the
  // same.
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  Invoker& invoker_;
  std::map<Key, Finding> alive_;
};

// From what two processes that did the same work held at the same moments; empty where `held` is
// less than what is alive.
std::map<std::string, double> garbage_figures(Record const& held, Record const& alive);

}  // namespace churn::run
