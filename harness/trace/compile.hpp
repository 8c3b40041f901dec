// What:  from a trace to a replay program (harness/core/replay_program.hpp) for a number of lanes.
// How:   1. Lanes: threads that never lived at once share one; where fewer are asked for, lanes are
//           laid together in the common order (order.hpp). So any number from 1 to all of them
//           replays the same calls.
//        2. Slots: a block gets the slot that its lane gave back last. Where another lane ends it,
//           its maker announces it and the other one waits, unless it has already waited for
//           something later of that lane.
//        Blocks that the recording leaves alive are freed at the end, so that passes can repeat.
// Left out: besides what has no order, malloc_usable_size of a block that changes lanes.
// Never waits for ever: the common order satisfies every wait, and each lane keeps to it.
// Cost:  some 100 ns a call, 20 bytes a block. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/replay_program.hpp"
#include "harness/trace/trace.hpp"

namespace churn::trace {

struct Summary {
  std::uint32_t process = 0;
  std::uint32_t threads = 0;  // of that process, that made any call
  std::uint32_t lanes = 1;    // threads that lived at once, at most replay::most_lanes
  std::uint64_t calls = 0, left_out = 0, made = 0;
  std::uint64_t total_bytes = 0, peak_live_bytes = 0, peak_live_blocks = 0;
  std::vector<std::uint32_t> lane_of = {};  // by thread
};

// The process with the most calls.
std::uint32_t busiest_process(Trace const& trace);
Summary summarize(Trace const& trace, std::uint32_t process);

// The bytes of a program. pre: summary is of this trace. Throws UserError where there are fewer
// lanes than asked for, or no calls.
std::string compile(Trace const& trace, Summary const& summary, std::uint32_t lanes);

}  // namespace churn::trace
