// What:  what is done once per block before its rounds: a pilot fixes the units, and a counting
//        pass gives the checksum that every back end must reach and the bytes that the work asks
//        for.
// Why:   all back ends of a block do the same work, and what is right is said by one that has a
//        reason to be right, not by a vote.
// Falls back: a pilot or counting pass that fails is tried on another back end; the last is the
// block's
//        reference on glibc. Only when all fail has the block nothing to run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/invoke.hpp"
#include "harness/run/work.hpp"

namespace churn::run {

// One kind of a block's cells: those that reclaim, or those that keep all they allocate.
struct Fixed {
  Work work;
  std::uint64_t ops_per_unit = 0;  // of one thread
  std::string checksum;
  std::optional<std::uint64_t> peak_live_bytes;
};

struct Preparation {
  bool interrupted = false;
  std::optional<Fixed> reclaiming, keeping;  // `keeping` only where the block has such cells
  std::string why_nothing_fits;              // of the keeping cells; empty if something does
  std::optional<Record> failure;             // why cells of a kind that is absent cannot run
};

// Units that a run has fixed before it was interrupted.
struct Known {
  std::optional<Work> reclaiming, keeping;
};

// pre: `cells` are the runnable ones of one block, at least one.
Preparation prepare(Plan const& plan, std::vector<PlannedCell const*> const& cells,
                    Known const& known, Invoker& invoker);

}  // namespace churn::run
