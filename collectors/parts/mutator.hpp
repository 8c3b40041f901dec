// What:  the mutator of every heap whose objects are cells with plain-word slots: all of the
//        contract, said in terms of the few things in which such heaps differ.
// Why:   moves, self-moves and the order "keep the new value, then drop the old one" are easy to
//        get wrong; they are written once.
// How:   a Heap provides make(account, shape), retain(ref), drop(account, ref), collect(account,
//        generation), load_racing(slot), exchange_racing(slot, ref), stored(ref),
//        moved_into(object, ref), attach(), detach(account), root_list(), traits, and
//        free_cell(ref, shape) where objects are released by hand. One that promises weak
//        references or finalizers provides Weak, weaken, strengthen, watch and next_dead, whose
//        references the caller then owns; strengthen may ask for the account. Where retain and drop
//        do nothing, the operations fold to plain loads and stores. A heap may ask for the account
//        in retain and load_racing too, and be told of safepoint(account), leave(account) and
//        come_back(account), the two ends of Blocked.
// Invariants: a reference is dropped only after the operation has put everything else in place,
//        since a drop may reclaim.
// Thread-safety: a mutator belongs to the thread that made it.
#pragma once

#include <utility>

#include "collectors/parts/reference.hpp"
#include "collectors/parts/roots.hpp"
#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"

namespace churn::collectors {

// The heap's weak references; nothing where it has none.
template <class Heap>
struct WeakOf {
  struct type {};
};
template <class Heap>
  requires requires { typename Heap::Weak; }
struct WeakOf<Heap> {
  using type = Heap::Weak;
};

template <class HeapT>
class HeapMutator {
 public:
  using Heap = HeapT;
  using Ref = collectors::Ref;
  using Local = collectors::Local;
  template <std::size_t n>
  using Frame = collectors::Frame<HeapMutator, n>;
  using Root = collectors::Root<HeapMutator>;
  using Global = collectors::Global<Heap, Local>;

  using Weak = WeakOf<Heap>::type;

  static constexpr Traits const& traits = Heap::traits;

  // These heaps never stop the world, so a blocked mutator holds up nobody; a heap may be told all
  // the same, and misuse is caught.
  class Blocked {
   public:
    explicit Blocked(HeapMutator& mutator) : mutator_(mutator) {
      CHURN_ASSERT(!mutator_.blocked_);
      mutator_.blocked_ = true;
      if constexpr (requires { mutator_.heap_.leave(mutator_.account_); }) {
        mutator_.heap_.leave(mutator_.account_);
      }
    }
    ~Blocked() {
      if constexpr (requires { mutator_.heap_.come_back(mutator_.account_); }) {
        mutator_.heap_.come_back(mutator_.account_);
      }
      mutator_.blocked_ = false;
    }
    Blocked(Blocked const&) = delete;
    Blocked& operator=(Blocked const&) = delete;

   private:
    HeapMutator& mutator_;
  };

  explicit HeapMutator(Heap& heap) : heap_(heap), account_(heap.attach()) {}
  ~HeapMutator() {
    root_list().expect_none_of(this);
    heap_.detach(account_);
  }
  HeapMutator(HeapMutator const&) = delete;
  HeapMutator& operator=(HeapMutator const&) = delete;

  CHURN_ALWAYS_INLINE void allocate(Local& local, Shape shape) {
    CHURN_ASSERT(!blocked_ && shape.slots <= traits.max_slots);
    drop(local.exchange(heap_.make(account_, shape)));
  }
  void safepoint() {
    CHURN_ASSERT(!blocked_);
    if constexpr (requires { heap_.safepoint(account_); }) heap_.safepoint(account_);
  }
  // pre: generation < generations
  std::uint64_t collect(std::uint32_t generation) {
    CHURN_ASSERT(!blocked_);
    CHURN_CHECK(generation < generations);
    return heap_.collect(account_, generation);
  }

  Ref read(Ref object, std::uint32_t index) const noexcept { return Ref::of(*object.slot(index)); }
  CHURN_ALWAYS_INLINE void write(Ref object, std::uint32_t index, Ref value) {
    retain(value);
    if (value) heap_.stored(value);
    drop(replace(object.slot(index), value));
  }
  CHURN_ALWAYS_INLINE void write(Ref object, std::uint32_t index, Local&& local) {
    Ref const value = local.release();
    Ref const old = replace(object.slot(index), value);
    if (value) heap_.moved_into(object, value);
    drop(old);
  }
  CHURN_ALWAYS_INLINE void write_new(Ref object, std::uint32_t index, Ref value) noexcept {
    CHURN_ASSERT(*object.slot(index) == 0);
    retain(value);
    if (value) heap_.stored(value);
    *object.slot(index) = value.word();
  }
  CHURN_ALWAYS_INLINE void write_new(Ref object, std::uint32_t index, Local&& local) noexcept {
    CHURN_ASSERT(*object.slot(index) == 0);
    Ref const value = local.release();
    *object.slot(index) = value.word();
    if (value) heap_.moved_into(object, value);
  }
  CHURN_ALWAYS_INLINE void take(Local& local, Ref object, std::uint32_t index) {
    Ref const value = replace(object.slot(index), Ref());
    moved_out(value);
    drop(local.exchange(value));
  }
  void move_slots(Ref to, std::uint32_t to_index, Ref from, std::uint32_t from_index,
                  std::uint32_t count) {
    Word* const target = to.slot(to_index);
    Word* const source = from.slot(from_index);
    for (std::uint32_t i = 0; i < count; ++i) {
      CHURN_ASSERT(target[i] == 0);
      target[i] = std::exchange(source[i], 0);
      if (target[i] != 0) heap_.moved_into(to, Ref::of(target[i]));
    }
  }
  std::byte* payload(Ref object, Shape shape) const noexcept { return object.payload(shape); }

  CHURN_ALWAYS_INLINE void set(Local& local, Ref value) {
    retain(value);
    drop(local.exchange(value));
  }
  CHURN_ALWAYS_INLINE void move(Local& to, Local& from) {
    if (&to == &from) return;
    drop(to.exchange(from.release()));
  }
  CHURN_ALWAYS_INLINE void clear(Local& local) { drop(local.release()); }

  void read_shared(Local& local, Ref object, std::uint32_t index) {
    Word* const slot = object.slot(index);
    if constexpr (requires { heap_.load_racing(account_, slot); }) {
      drop(local.exchange(heap_.load_racing(account_, slot)));
    } else {
      drop(local.exchange(heap_.load_racing(slot)));
    }
  }
  // `old` and `value` may be the same local.
  void exchange_shared(Local& old, Ref object, std::uint32_t index, Local&& value) {
    Ref const wanted = value.release();
    Ref const before = heap_.exchange_racing(object.slot(index), wanted);
    if (wanted) heap_.moved_into(object, wanted);
    moved_out(before);
    drop(old.exchange(before));
  }

  void release(Ref object, Shape shape) noexcept
    requires(Heap::traits.manual_release)
  {
    heap_.free_cell(object, shape);
  }

  void weaken(auto& weak, Ref object)
    requires(Heap::traits.weak)
  {
    heap_.weaken(weak, object);
  }
  bool strengthen(Local& local, auto& weak)
    requires(Heap::traits.weak)
  {
    if constexpr (requires { heap_.strengthen(account_, weak); }) {
      drop(local.exchange(heap_.strengthen(account_, weak)));
    } else {
      drop(local.exchange(heap_.strengthen(weak)));
    }
    return static_cast<bool>(local.get());
  }
  void watch(Ref object, std::uint64_t tag)
    requires(Heap::traits.finalizers)
  {
    heap_.watch(object, tag);
  }
  bool next_dead(Local& local, std::uint64_t& tag)
    requires(Heap::traits.finalizers)
  {
    CHURN_ASSERT(!blocked_);
    drop(local.exchange(heap_.next_dead(tag)));
    return static_cast<bool>(local.get());
  }
  std::uint64_t reference_count(Ref object) const noexcept
    requires requires(Heap const& heap) { heap.reference_count(object); }
  {
    return heap_.reference_count(object);
  }
  auto& deaths() noexcept
    requires(Heap::traits.weak)
  {
    return heap_.deaths();
  }

  auto& root_list() noexcept { return heap_.root_list(); }

 private:
  static Ref replace(Word* slot, Ref value) noexcept {
    return Ref::of(std::exchange(*slot, value.word()));
  }
  // From a slot into a local; for a heap that must know.
  CHURN_ALWAYS_INLINE void moved_out(Ref object) noexcept {
    if constexpr (requires { heap_.moved_out(object); }) {
      if (object) heap_.moved_out(object);
    }
  }
  CHURN_ALWAYS_INLINE void retain(Ref object) noexcept {
    if (!object) return;
    if constexpr (requires { heap_.retain(account_, object); }) {
      heap_.retain(account_, object);
    } else {
      heap_.retain(object);
    }
  }
  CHURN_ALWAYS_INLINE void drop(Ref object) {
    if (object) heap_.drop(account_, object);
  }

  Heap& heap_;
  typename Heap::Account& account_;
  bool blocked_ = false;
};

}  // namespace churn::collectors
