// What:  the malloc and free that a test executable's own objects call, under watch: what is live,
//        what was asked for, and three faults on demand. Linked with --wrap=malloc --wrap=free, so
//        that the workloads are the very objects that the cell program links.
// Why:   what a workload leaves behind, and whether it notices a wrong allocator, must be tested
//        also where nothing can be preloaded (sanitizers).
// Thread-safety: all functions lock; start and stop are called while no other thread runs.
#pragma once

#include <cstdint>

namespace churn {

enum class MallocFault {
  none,
  gives_null,       // every request from the nth on is refused
  gives_live_ones,  // now and then a block is given out that is still in use
  scribbles,        // now and then the end of a live block is overwritten
};

struct MallocWatch {
  std::uint64_t calls = 0, total_bytes = 0;
  std::uint64_t live_blocks = 0, live_bytes = 0, peak_live_bytes = 0;
  std::uint64_t unknown_frees = 0;  // of blocks that were not given out since the watch began
};

// `interval`: requests from fault to fault, or before the first NULL.
void watch_malloc(MallocFault fault = MallocFault::none, std::uint64_t interval = 61);
MallocWatch watched_malloc() noexcept;
MallocWatch stop_watching_malloc();

}  // namespace churn
