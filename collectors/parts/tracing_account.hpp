// What:  what one mutator has of a tracing heap: its place in the world, its cursors, its roots and
//        weak references, and the figures from which the heap's are summed.
// Why:   no figure is shared while mutators run, so that making an object needs no lock and no
//        atomic operation.
// How:   bytes are not counted as objects are made: how far the cursors have moved says it. Objects
//        are, and what rounding up adds to them, which is known for a constant shape and mostly 0.
// Invariants: granted >= charged() - charged_before + rest().
// Cost:  an addition to memory an object.
// Thread-safety: its mutator's alone, or of whoever has stopped it; `granted` also under the heap's
//        lock.
#pragma once

#include "collectors/parts/block_space.hpp"
#include "collectors/parts/deaths.hpp"
#include "collectors/parts/traced_roots.hpp"
#include "collectors/parts/world.hpp"

namespace churn::collectors {

struct TracingAccount : World::Member {
  // Cells up to a kilobyte, and others that are not large: those would leave much of a run unused.
  Cursor small, medium;
  std::uint64_t objects = 0;  // made
  std::uint64_t padding = 0;  // bytes of cells beyond what was charged
  std::uint64_t moved = 0;    // bytes of cells, but for what the cursors have not settled
  // Since the last collection, in bytes of cells. Changed under the lock.
  std::uint64_t granted = 0;  // at least what was charged
  std::uint64_t credit = 0;   // of that, not yet in a run
  std::uint64_t charged_before = 0;
  TracedRoots roots;
  WeakReferences weak;

  std::uint64_t charged() const noexcept {
    return moved + small.unsettled() + medium.unsettled() - padding;
  }
  std::uint64_t rest() const noexcept { return small.rest() + medium.rest(); }
  void leave_cursors() noexcept {
    moved += small.settle() + medium.settle();
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
