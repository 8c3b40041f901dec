// What:  the cores that a collector's own threads may run on: all that this program was given.
// Why:   a mutator's thread is pinned while it is measured, and threads that it starts inherit its
//        one core: a collector that works beside its mutators would work instead of them.
// Thread-safety: any thread, for itself.
#pragma once

#include <sched.h>

namespace churn::collectors {

// Read before any thread was pinned.
inline cpu_set_t const cores_at_start = [] {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  return cores;
}();

inline void use_all_cores() noexcept {
  sched_setaffinity(0, sizeof cores_at_start, &cores_at_start);
}

}  // namespace churn::collectors
