// What:  Frame, Root and Global of collectors that must find their roots: always linked, so that
//        every Local can be visited, and rewritten where objects move.
// Why:   tracing starts from here at every collection; frames come and go by the million, so they
//        may cost no lock and next to no work.
// When not: counting collectors that never look for roots: parts/roots.hpp, which links nothing in
//        ordinary builds.
// How:   frames form a chain through the machine stack, last in first out, like the stack itself;
//        roots a ring of their mutator, so that unlinking needs no owner; globals a ring of the
//        heap, under its lock. A mutator M provides traced_roots(), a heap global_roots().
// Invariants: a frame dies before every older frame of its mutator. A mutator detaches without
//        frames and roots. What a visitor writes into the Ref it is given is what the Local names
//        from then on.
// Cost:  a frame: three stores beside the null of each local, one at the end. A root: four stores
//        and two. A global: the same and a lock each time.
// Source: the chain is the shadow stack of F. Henderson, Accurate garbage collection in an
//        uncooperative environment, ISMM 2002.
// Thread-safety: frames and roots belong to their mutator's thread; visit them when it cannot run
//        (the world is stopped, it is away, or by itself). Globals may be made, destroyed and
//        visited by any thread; setting one is ordered by the program and never runs beside a stop.
#pragma once

#include <cstddef>
#include <mutex>

#include "collectors/parts/reference.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

// Its locals lie directly behind it, and behind them, where another would be, the address of the
// TracedRoots that it belongs to: no object's, so it ends them, and nobody stores their number.
class FrameLink {
 public:
  FrameLink(FrameLink const&) = delete;
  FrameLink& operator=(FrameLink const&) = delete;

 protected:
  explicit FrameLink(FrameLink* previous) noexcept : previous_(previous) {}
  ~FrameLink() = default;

  FrameLink* previous() const noexcept { return previous_; }
  Local* locals() noexcept { return reinterpret_cast<Local*>(this + 1); }

 private:
  friend class TracedRoots;
  FrameLink* const previous_;
};
static_assert(sizeof(FrameLink) % alignof(Local) == 0);

// One place in a ring of roots, or its fixed point, which has no Local behind it.
class RootRing {
 public:
  RootRing() noexcept = default;
  RootRing(RootRing const&) = delete;
  RootRing& operator=(RootRing const&) = delete;

  bool alone() const noexcept { return next_ == this; }
  void insert(RootRing& root) noexcept {
    root.next_ = next_;
    root.previous_ = this;
    next_->previous_ = &root;
    next_ = &root;
  }
  void remove() noexcept {
    next_->previous_ = previous_;
    previous_->next_ = next_;
  }
  // visit(Ref&) for each that is not null. pre: this is the fixed point
  template <class Visit>
  void visit(Visit& visit) {
    for (RootRing* root = next_; root != this; root = root->next_) {
      Ref& ref = LocalAccess::ref(*reinterpret_cast<Local*>(root + 1));
      if (ref) visit(ref);
    }
  }

 private:
  RootRing* next_ = this;
  RootRing* previous_ = this;
};
static_assert(sizeof(RootRing) % alignof(Local) == 0);

// The frames and roots of one mutator.
class TracedRoots {
 public:
  // visit(Ref&) for each that is not null.
  template <class Visit>
  void visit(Visit visit) {
    for (FrameLink* frame = frame_; frame != nullptr; frame = frame->previous_) {
      for (Local* local = frame->locals();; ++local) {
        Ref& ref = LocalAccess::ref(*local);
        if (ref == end_of_locals()) break;
        if (ref) visit(ref);
      }
    }
    roots_.visit(visit);
  }
  // Only the roots: for a collector that finds what frames hold by itself.
  template <class Visit>
  void visit_roots(Visit visit) {
    roots_.visit(visit);
  }
  // Of a mutator that detaches.
  void expect_none() const noexcept {
    bool const detaches_with_live_roots = frame_ != nullptr || !roots_.alone();
    CHURN_CHECK(!detaches_with_live_roots);
  }

 private:
  template <class, std::size_t>
  friend class TracedFrame;
  template <class>
  friend class TracedRoot;
  Ref end_of_locals() noexcept { return Ref(this); }

  FrameLink* frame_ = nullptr;  // the youngest
  RootRing roots_;
};

// The globals of one heap.
class GlobalRoots {
 public:
  // visit(Ref&) for each that is not null, under the lock.
  template <class Visit>
  void visit(Visit visit) {
    std::lock_guard const lock(mutex_);
    globals_.visit(visit);
  }

 private:
  template <class>
  friend class TracedGlobal;
  std::mutex mutex_;
  RootRing globals_;
};

template <class M, std::size_t n>
class TracedFrame : private FrameLink {
 public:
  CHURN_ALWAYS_INLINE explicit TracedFrame(M& mutator) noexcept
      : FrameLink(mutator.traced_roots().frame_), end_(mutator.traced_roots().end_of_locals()) {
    CHURN_ASSERT(this->locals() == locals_);
    CHURN_ASSERT(static_cast<void*>(locals_ + n) == &end_);
    roots().frame_ = this;
  }
  CHURN_ALWAYS_INLINE ~TracedFrame() {
    bool const is_the_youngest = roots().frame_ == this;
    CHURN_ASSERT(is_the_youngest);
    roots().frame_ = this->previous();
  }

  Local& operator[](std::size_t index) noexcept { return locals_[index]; }

 private:
  TracedRoots& roots() const noexcept { return *reinterpret_cast<TracedRoots*>(end_.slots()); }

  Local locals_[n];
  Ref const end_;
};

template <class M>
class TracedRoot : private RootRing {
 public:
  explicit TracedRoot(M& mutator) noexcept { mutator.traced_roots().roots_.insert(*this); }
  ~TracedRoot() { this->remove(); }

  Local& operator*() noexcept { return local_; }

 private:
  Local local_;
};

template <class Heap>
class TracedGlobal : private RootRing {
 public:
  explicit TracedGlobal(Heap& heap) : globals_(heap.global_roots()) {
    std::lock_guard const lock(globals_.mutex_);
    globals_.globals_.insert(*this);
  }
  ~TracedGlobal() {
    std::lock_guard const lock(globals_.mutex_);
    this->remove();
  }

  Local& operator*() noexcept { return local_; }

 private:
  Local local_;
  GlobalRoots& globals_;
};

}  // namespace churn::collectors
