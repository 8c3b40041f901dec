// What:  what one mutator has of a tracing heap: its place in the world, its cursors, its roots and
//        weak references, and the figures from which the heap's are summed.
// Why:   no figure is shared while mutators run, so that making an object needs no lock and no
//        atomic operation.
// How:   bytes are not counted as objects are made: how far the cursors have moved says it, and
//        they count the cells. Only what rounding up adds is counted here, known for a constant
//        shape and mostly 0. What making an object touches comes first, in one line of memory:
//        there a core finishes two stores a cycle, in different lines one.
// Invariants: granted >= charged() - charged_before + rest().
// Cost:  nothing an object but the cursor's own store.
// Thread-safety: its mutator's alone, or of whoever has stopped it; `granted` also under the heap's
//        lock.
#pragma once

#include "collectors/parts/block_space.hpp"
#include "collectors/parts/deaths.hpp"
#include "collectors/parts/traced_roots.hpp"
#include "collectors/parts/world.hpp"

namespace churn::collectors {

struct alignas(64) TracingAccount : World::Member {
  TracedRoots roots;
  // Cells up to a kilobyte, and others that are not large: those would leave much of a run unused.
  // Of cells in `small` the mutator's limit() says how far they may go without asking: to the
  // cursor's own limit, or nowhere.
  Cursor small, medium;
  std::uint64_t objects = 0;  // made, but for what the cursors have not settled
  std::uint64_t padding = 0;  // bytes of cells beyond what was charged
  std::uint64_t moved = 0;    // bytes of cells, but for what the cursors have not settled
  // Since the last collection, in bytes of cells. Changed under the lock.
  std::uint64_t granted = 0;  // at least what was charged
  std::uint64_t credit = 0;   // of that, not yet in a run
  std::uint64_t charged_before = 0;
  WeakReferences weak;

  std::uint64_t made() const noexcept { return objects + small.cells() + medium.cells(); }
  std::uint64_t charged() const noexcept {
    return moved + small.unsettled() + medium.unsettled() - padding;
  }
  std::uint64_t rest() const noexcept { return small.rest() + medium.rest(); }
  void settle(Cursor& cursor) noexcept {
    objects += cursor.cells();
    moved += cursor.settle();
  }
  void leave_cursors() noexcept {
    set_limit(lowest_limit);
    settle(small);
    settle(medium);
    small.drop_block();
    medium.drop_block();
  }
  // After a collection. pre: the cursors were left
  void start_afresh() noexcept {
    granted = credit = 0;
    charged_before = charged();
  }
};

}  // namespace churn::collectors
