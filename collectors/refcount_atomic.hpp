// What:  reference counting with atomic counts, for any number of mutators.
// Why:   what sharing objects between threads costs a counting strategy, beside refcount.
// When not: one thread: each copy of a reference is a locked instruction for nothing. Cycles leak.
// How:   counts as in parts/counts.hpp; slots that race as in parts/racing_slot.hpp.
// Cost:  16 bytes an object; a locked instruction for each increment, and for each decrement that
//        is not the last; far more where two threads count the same object.
// Source: G. E. Collins, CACM 3(12), 1960; orders as in Boost.Atomic's reference counting example.
#pragma once

#include <span>
#include <string_view>

#include "collectors/parts/mutator.hpp"
#include "collectors/parts/refcount_heap.hpp"
#include "collectors/parts/split_heap.hpp"

namespace churn::refcount_atomic {

inline constexpr Traits traits{.cycles = false,
                               .counts = true,
                               .shared_slots = true,
                               .cells_from_malloc = true,
                               .weak = true,
                               .finalizers = true};

struct Collector {
  using Heap = collectors::RefcountHeap<refcount_atomic::traits>;
  using Mutator = collectors::HeapMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = refcount_atomic::traits;
  static constexpr std::string_view summary =
      "atomic reference counts, any number of threads; cycles leak and are reported";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::refcount_atomic
