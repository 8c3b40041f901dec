// What:  a kernel or a malloc that refuses memory on demand: the Nth request of a process, or all
//        from the Nth on.
// Why:   what happens when memory ends in the middle of a collection is found only by ending it at
//        every place there is: the 1st, 2nd, 3rd … request, until nothing is refused any more.
// When not: ordinary builds: there `refused` is false at compile time.
// Cost:  where it exists, one atomic subtraction for each request. Thread-safe.
// Source: the method is that of SQLite's out-of-memory tests.
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/core/check.hpp"

namespace churn {

enum class Refusal : std::uint8_t { none, once, from_then_on };

namespace refusal {

inline std::atomic<std::int64_t> granted{0};  // requests until the first that is refused
inline Refusal kind = Refusal::none;

// pre: no other thread asks for memory now
inline void refuse_after(std::int64_t requests, Refusal how) noexcept {
  granted.store(requests, std::memory_order_relaxed);
  kind = how;
}

}  // namespace refusal

// Whoever hands out memory asks this first. Relaxed: a count of requests, nothing else.
inline bool refused() noexcept {
  if constexpr (!CHURN_VERIFYING) return false;
  if (refusal::kind == Refusal::none) return false;
  std::int64_t const before = refusal::granted.fetch_sub(1, std::memory_order_relaxed);
  return refusal::kind == Refusal::once ? before == 0 : before <= 0;
}

}  // namespace churn
