// What:  cells that other threads have freed, on their way back to their owner: anybody pushes a
//        chain, the owner takes all there are. Lock-free.
// Why:   nothing is ever popped alone, so the word that is compared cannot have been away and come
//        back with other contents (no ABA), and one exchange brings any number of cells.
// Cost:  a chain costs one compare-and-exchange, however long it is: 10–30 ns where two meet.
// Thread-safety: push from any thread, take_all from the owner alone. `AtomicRef` is a parameter so
//        that a scheduler can drive the interleaving.
// Source: R. K. Treiber, Systems Programming: Coping with Parallelism, 1986 (the stack); chains by
//        destination: P. Liétar et al., snmalloc: A Message Passing Allocator, ISMM 2019.
#pragma once

#include <atomic>

#include "allocators/parts/cell.hpp"

namespace churn::allocators {

template <template <class> class AtomicRef>
class RemoteListOf {
 public:
  constexpr RemoteListOf() noexcept = default;

  // pre: first to last is a chain that nobody else can reach; last->next may be anything.
  void push(Cell* first, Cell* last) noexcept {
    AtomicRef<Cell*> const head(head_);
    Cell* seen = head.load(std::memory_order_relaxed);
    do {
      last->next = seen;
      // Release: pairs with the acquire in take_all; the cells' contents go along.
    } while (!head.compare_exchange_weak(seen, first, std::memory_order_release,
                                         std::memory_order_relaxed));
  }

  // Null where there is nothing. The last one pushed comes first.
  Cell* take_all() noexcept {
    AtomicRef<Cell*> const head(head_);
    if (head.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return head.exchange(nullptr, std::memory_order_acquire);  // pairs with push
  }

 private:
  Cell* head_ = nullptr;
};

using RemoteList = RemoteListOf<std::atomic_ref>;

}  // namespace churn::allocators
