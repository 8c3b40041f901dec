// What:  the two ways in which a heap runs out of memory, each with its words.
// Why:   every collector ends the same way, with the figures a user needs to act on.
// Thread-safety: as Accounts::totals and stop.
#pragma once

#include "collectors/parts/accounts.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

// pre: `bytes` more were refused by accounts.grant, also after a full collection.
template <class Accounts>
[[noreturn]] CHURN_NEVER_INLINE void stop_at_limit(Accounts const& accounts, std::size_t bytes) {
  Totals const totals = accounts.totals();
  stop(
      Outcome::out_of_memory,
      "the heap limit of %llu bytes is reached: after a full collection %llu objects of %llu bytes "
      "with headers are left, and %zu more are asked for",
      static_cast<unsigned long long>(accounts.limit_bytes()),
      static_cast<unsigned long long>(totals.allocated_objects - totals.reclaimed_objects),
      static_cast<unsigned long long>(totals.charged - totals.returned), bytes);
}

// pre: malloc gave null for `bytes`, also after a full collection.
template <class Accounts>
[[noreturn]] CHURN_NEVER_INLINE void stop_without_memory(Accounts const& accounts,
                                                         std::size_t bytes) {
  Totals const totals = accounts.totals();
  stop(Outcome::out_of_memory,
       "malloc(%zu) returned NULL, also after a full collection: %llu objects of %llu bytes with "
       "headers are left",
       bytes, static_cast<unsigned long long>(totals.allocated_objects - totals.reclaimed_objects),
       static_cast<unsigned long long>(totals.charged - totals.returned));
}

}  // namespace churn::collectors
