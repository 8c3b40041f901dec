// What:  plain reference counting for one mutator: each object counts the slots and locals that
//        name it, and is freed with the last of them.
// Why:   the oldest prompt strategy and the baseline of the counting ones: memory returns at once,
//        and the price is an addition at each copy of a reference.
// When not: programs that leave cycles: those leak, and the statistics say how much. Several
//        threads: refcount-atomic.
// Cost:  16 bytes an object; an addition for each copy, a subtraction and a test for each drop.
// Source: G. E. Collins, A method for overlapping and erasure of lists, CACM 3(12), 1960; freeing
//        without a stack after J. Weizenbaum, Symmetric list processor, CACM 6(9), 1963.
#pragma once

#include <span>
#include <string_view>

#include "collectors/parts/mutator.hpp"
#include "collectors/parts/refcount_heap.hpp"
#include "collectors/parts/split_heap.hpp"

namespace churn::refcount {

inline constexpr Traits traits{.cycles = false,
                               .counts = true,
                               .shared_slots = false,
                               .cells_from_malloc = true,
                               .weak = true,
                               .finalizers = true,
                               .max_mutators = 1};

struct Collector {
  using Heap = collectors::RefcountHeap<refcount::traits>;
  using Mutator = collectors::HeapMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = refcount::traits;
  static constexpr std::string_view summary =
      "reference counts, one thread; cycles leak and are reported";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::refcount
