// What:  allocates and never reclaims.
// Why:   what a program costs when nothing is ever given back: no work for death, no reuse of
//        memory. Beside `manual` it shows what free and reuse cost or gain on the same allocator.
// How:   each object is one malloc, so every allocator can stand under it; a bump region of its own
//        would be quicker and would measure itself. At the end of the heap the memory is left to
//        the process, except in builds with CHURN_VERIFYING, which free it so that a leak checker
//        stays quiet.
// When not: work that does not fit into memory: it ends out-of-memory.
// Cost:  malloc, zeroing, and five instructions of accounting. No header.
// Thread-safety: any number of mutators.
#pragma once

#include <atomic>
#include <span>
#include <string_view>

#include "collectors/parts/malloc_heap.hpp"
#include "collectors/parts/mutator.hpp"
#include "collectors/parts/recount.hpp"

namespace churn::no_reclaim {

inline constexpr Traits traits{.reclaims = false, .cycles = false, .cells_from_malloc = true};

// Objects are found again only where they are verified.
using Header = collectors::ListedShape;

class Heap : public collectors::MallocHeap<Heap, Header, collectors::SharedCounter> {
 public:
  static constexpr Traits const& traits = no_reclaim::traits;
  using MallocHeap::MallocHeap;

  void retain(collectors::Ref) noexcept {}
  void drop(Account&, collectors::Ref) noexcept {}
  std::uint64_t collect(Account&, std::uint32_t) noexcept { return 0; }
  collectors::Ref load_racing(collectors::Word* slot) noexcept {
    return collectors::Ref::of(std::atomic_ref(*slot).load(std::memory_order_acquire));
  }
  collectors::Ref exchange_racing(collectors::Word* slot, collectors::Ref value) noexcept {
    return collectors::Ref::of(
        std::atomic_ref(*slot).exchange(value.word(), std::memory_order_acq_rel));
  }

  void verify() {
    check_totals();
    collectors::recount<Header>(objects_, roots_, [](Header const*, collectors::Word) {});
  }
};

struct Collector {
  using Heap = no_reclaim::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  static constexpr Traits const& traits = no_reclaim::traits;
  static constexpr std::string_view why_no_split = "it reclaims nothing, so there is no third part";
  static constexpr std::string_view summary = "allocates and never reclaims: death costs nothing";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::no_reclaim
