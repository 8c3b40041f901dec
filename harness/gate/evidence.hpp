// What:  what one pair of processes says: the candidate's cost by the baseline's, twice, and both
//        peaks of memory.
// Why two costs: the steady one, of the lowest quarter of sub-slices, is free of interruptions and
//        blind to collections, purges and faults that only some slices pay; the total one counts
//        everything, noise too. Where one thread does all the work the total is of CPU time: what a
//        turn waits for a processor that others hold is the machine's cost, and makes totals two to
//        five times as noisy on a busy one. Waits of the work itself show in the steady cost, which
//        is always of wall time. Where several threads work, waits for each other are a cost: the
//        total is the makespan, but for a machine whose processors others keep busy.
// How:   a managed heap's total is taken from the end of its first collection to the end of its
//        last, so that whole cycles are compared: full collections where there were ten of them on
//        both sides, else all collections where there were ten.
// Errors: a pair of which one side failed, or whose checksums differ, has a reason and no numbers.
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/gate/rule.hpp"
#include "results/store/records.hpp"

namespace churn::gate {

inline constexpr std::uint64_t least_collections = 10;

// What a total is of.
enum class Clock { wall, cpu };
// By the name of the protocol, which is stored with the cell.
Clock clock_of(std::string_view protocol) noexcept;

struct Evidence {
  std::string failure;           // not empty: nothing else holds
  bool void_pair = false;        // a side that was parked was at work
  double steady = 0, total = 0;  // logarithms of candidate / baseline
  std::optional<double> baseline_peak_bytes, candidate_peak_bytes;
  std::optional<double> baseline_growth_bytes, candidate_growth_bytes;  // since the start line
  std::optional<double> baseline_left_bytes, candidate_left_bytes;      // when all was freed
  std::vector<std::uint64_t> baseline_batches, candidate_batches;       // where they were asked for
  bool single = false;           // one sample a process: it has no steady cost of its own
  bool few_collections = false;  // it collected, but too seldom for whole cycles
};

Evidence evidence_of(store::GatePair const& pair, Clock clock, Rule const& rule);

// Time of a sample on average, in ns, over everything or over whole cycles of collections; without
// ten of those over everything. pre: as stored of an invocation that went well
double total_ns_per_sample(store::Invocation const& side, Clock clock, bool whole_cycles,
                           bool full);

}  // namespace churn::gate
