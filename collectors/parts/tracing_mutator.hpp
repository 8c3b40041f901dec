// What:  the mutator of every heap that traces: all of the contract, without counts.
// Why:   in such a heap a reference is a plain word; what differs is a barrier before or after a
//        store, and those fold to nothing where a heap needs none.
// How:   a Heap provides Account (a World::Member with `roots` and `weak`), attach(account),
//        detach(account), make(account, shape), collect(account, generation), world(),
//        global_roots(), watched(), traits; and the hooks
//          before_write(account, object, old)   the slot that held `old` is about to hold something
//                                               else; of racing slots: has been exchanged
//          after_write(account, object, value)  a slot of the object now holds `value`
//          slot_written(account, object, slot, old, value)  if it has one: after after_write
//          revived(account, object)             a weak reference has become a strong one
//          at_safepoint(account)                if it has one: after the poll
//        Initialising stores need no barrier: a heap that has one must see to new objects
//        otherwise. Where traits.concurrent, a marker may read slots beside the mutator, and they
//        are written as releasing atomics, which cost the same on x86.
// Cost:  what the stores cost, and the barriers. allocate and safepoint read one word more.
// Thread-safety: a mutator belongs to the thread that made it.
#pragma once

#include <atomic>

#include "collectors/parts/deaths.hpp"
#include "collectors/parts/reference.hpp"
#include "collectors/parts/traced_roots.hpp"
#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"

namespace churn::collectors {

template <class HeapT>
class TracingMutator {
 public:
  using Heap = HeapT;
  using Ref = collectors::Ref;
  using Local = collectors::Local;
  template <std::size_t n>
  using Frame = TracedFrame<TracingMutator, n>;
  using Root = TracedRoot<TracingMutator>;
  using Global = TracedGlobal<Heap>;
  using Weak = WeakReference<TracingMutator>;

  static constexpr Traits const& traits = Heap::traits;

  class Blocked {
   public:
    explicit Blocked(TracingMutator& mutator) : mutator_(mutator) {
      mutator_.heap_.world().block(mutator_.account_);
    }
    ~Blocked() { mutator_.heap_.world().unblock(mutator_.account_); }
    Blocked(Blocked const&) = delete;
    Blocked& operator=(Blocked const&) = delete;

   private:
    TracingMutator& mutator_;
  };

  explicit TracingMutator(Heap& heap) : heap_(heap) { heap_.attach(account_); }
  ~TracingMutator() {
    account_.roots.expect_none();
    account_.weak.expect_none();
    heap_.detach(account_);
  }
  TracingMutator(TracingMutator const&) = delete;
  TracingMutator& operator=(TracingMutator const&) = delete;

  CHURN_ALWAYS_INLINE void allocate(Local& local, Shape shape) {
    CHURN_ASSERT(shape.slots <= traits.max_slots);
    LocalAccess::ref(local) = heap_.make(account_, shape);
  }
  CHURN_ALWAYS_INLINE void safepoint() {
    heap_.world().poll(account_);
    if constexpr (requires { heap_.at_safepoint(account_); }) heap_.at_safepoint(account_);
  }
  // pre: generation < generations
  std::uint64_t collect(std::uint32_t generation) {
    CHURN_CHECK(generation < generations);
    return heap_.collect(account_, generation);
  }

  Ref read(Ref object, std::uint32_t index) const noexcept { return load(object.slot(index)); }
  CHURN_ALWAYS_INLINE void write(Ref object, std::uint32_t index, Ref value) {
    Word* const slot = object.slot(index);
    Ref const old = load(slot);
    heap_.before_write(account_, object, old);
    store(slot, value);
    heap_.after_write(account_, object, value);
    slot_written(object, slot, old, value);
  }
  CHURN_ALWAYS_INLINE void write(Ref object, std::uint32_t index, Local&& local) {
    write(object, index, LocalAccess::release(local));
  }
  CHURN_ALWAYS_INLINE void write_new(Ref object, std::uint32_t index, Ref value) noexcept {
    CHURN_ASSERT(*object.slot(index) == 0);
    store(object.slot(index), value);
  }
  CHURN_ALWAYS_INLINE void write_new(Ref object, std::uint32_t index, Local&& local) noexcept {
    write_new(object, index, LocalAccess::release(local));
  }
  CHURN_ALWAYS_INLINE void take(Local& local, Ref object, std::uint32_t index) {
    Word* const slot = object.slot(index);
    Ref const value = load(slot);
    heap_.before_write(account_, object, value);
    store(slot, Ref());
    LocalAccess::ref(local) = value;
  }
  void move_slots(Ref to, std::uint32_t to_index, Ref from, std::uint32_t from_index,
                  std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      Word* const target = to.slot(to_index + i);
      Word* const source = from.slot(from_index + i);
      CHURN_ASSERT(*target == 0);
      Ref const value = load(source);
      heap_.before_write(account_, from, value);
      store(target, value);
      store(source, Ref());
      heap_.after_write(account_, to, value);
      slot_written(to, target, Ref(), value);
    }
  }
  std::byte* payload(Ref object, Shape shape) const noexcept { return object.payload(shape); }

  CHURN_ALWAYS_INLINE void set(Local& local, Ref value) { LocalAccess::ref(local) = value; }
  CHURN_ALWAYS_INLINE void move(Local& to, Local& from) {
    Ref const value = LocalAccess::release(from);
    LocalAccess::ref(to) = value;  // after the release, so that a move to itself changes nothing
  }
  CHURN_ALWAYS_INLINE void clear(Local& local) { LocalAccess::ref(local) = Ref(); }

  void read_shared(Local& local, Ref object, std::uint32_t index) {
    // Acquire pairs with the release of the exchange that put the reference there.
    LocalAccess::ref(local) =
        Ref::of(std::atomic_ref(*object.slot(index)).load(std::memory_order_acquire));
  }
  // `old` and `value` may be the same local.
  void exchange_shared(Local& old, Ref object, std::uint32_t index, Local&& value) {
    Ref const wanted = LocalAccess::release(value);
    // Release publishes what `wanted` names, acquire takes over what the last exchange published.
    Word* const slot = object.slot(index);
    Ref const before =
        Ref::of(std::atomic_ref(*slot).exchange(wanted.word(), std::memory_order_acq_rel));
    heap_.before_write(account_, object, before);
    heap_.after_write(account_, object, wanted);
    slot_written(object, slot, before, wanted);
    LocalAccess::ref(old) = before;
  }

  void weaken(Weak& weak, Ref object) { weak.set(*this, object); }
  bool strengthen(Local& local, Weak& weak) {
    Ref const object = weak.get();
    if (object) heap_.revived(account_, object);
    LocalAccess::ref(local) = object;
    return static_cast<bool>(object);
  }
  void watch(Ref object, std::uint64_t tag) { heap_.watched().watch(object, tag); }
  bool next_dead(Local& local, std::uint64_t& tag) {
    LocalAccess::ref(local) = Ref();
    return heap_.watched().next(tag, [&](Ref object) {
      heap_.revived(account_, object);
      LocalAccess::ref(local) = object;
    });
  }

  TracedRoots& traced_roots() noexcept { return account_.roots; }
  WeakReferences& weak_references() noexcept { return account_.weak; }

 protected:
  Heap& heap() noexcept { return heap_; }

 private:
  CHURN_ALWAYS_INLINE void slot_written(Ref object, Word* slot, Ref old, Ref value) {
    if constexpr (requires { heap_.slot_written(account_, object, slot, old, value); }) {
      heap_.slot_written(account_, object, slot, old, value);
    }
  }
  // Loads are relaxed: other mutators see racing slots through the *_shared operations alone.
  // Stores are released: a marker that acquires the reference beside the mutator finds the new
  // object's header and mark; which of two values it finds does not matter, the barrier has told it
  // of the other.
  CHURN_ALWAYS_INLINE static Ref load(Word* slot) noexcept {
    if constexpr (traits.concurrent) {
      return Ref::of(std::atomic_ref(*slot).load(std::memory_order_relaxed));
    }
    return Ref::of(*slot);
  }
  CHURN_ALWAYS_INLINE static void store(Word* slot, Ref value) noexcept {
    if constexpr (traits.concurrent) {
      std::atomic_ref(*slot).store(value.word(), std::memory_order_release);
    } else {
      *slot = value.word();
    }
  }

  Heap& heap_;
  typename Heap::Account account_;
};

}  // namespace churn::collectors
