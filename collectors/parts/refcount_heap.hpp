// What:  reference counting and nothing else, in the two forms that the collectors refcount and
//        refcount-atomic give names to.
// Why:   one template: what differs is the count, the counters and the racing slots.
// How:   weak references and watched deaths as in parts/noted_heap.hpp: the drop that takes a
//        noted object's last reference asks there whether it dies.
// Invariants: unreachable cycles stay; present_objects() after all roots are dropped is their size.
#pragma once

#include <type_traits>

#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/counts.hpp"
#include "collectors/parts/noted_heap.hpp"
#include "collectors/parts/racing_slot.hpp"

namespace churn::collectors {

template <Traits const& heap_traits>
struct RefcountParts {
  static constexpr bool shared = heap_traits.shared_slots;
  using Count = std::conditional_t<shared, AtomicCount, PlainCount>;
  using Counter = std::conditional_t<shared, SharedCounter, PlainCounter>;
  template <class Self>
  using Counting = CountingHeap<Self, CountedHeader, Count, Counter>;
  template <class Self>
  using Noted =
      NotedHeap<Counting<Self>, CountedHeader, NotesInCount<CountedHeader, Count>, shared>;
};

template <Traits const& heap_traits>
class RefcountHeap : public RefcountParts<heap_traits>::template Noted<RefcountHeap<heap_traits>> {
  using Parts = RefcountParts<heap_traits>;
  using Base = Parts::template Noted<RefcountHeap>;
  // The bases call back through their derived class.
  friend Parts::template Counting<RefcountHeap>;
  friend MallocHeap<RefcountHeap, CountedHeader, typename Parts::Counter>;

 public:
  using Base::Base;
  static constexpr Traits const& traits = heap_traits;

  Ref load_racing(Word* slot) noexcept {
    if constexpr (!traits.shared_slots) return Base::load_racing(slot);
    return Ref::of(RacingSlot(*slot).load([this](Word value) { this->retain(Ref::of(value)); }));
  }
  Ref exchange_racing(Word* slot, Ref value) noexcept {
    if constexpr (!traits.shared_slots) return Base::exchange_racing(slot, value);
    return Ref::of(RacingSlot(*slot).exchange(value.word()));
  }

 private:
  // Hook of the base.
  bool lose(CountedHeader* header) {
    return Parts::Count::drop(header->count) && this->lets_go(header);
  }
};

}  // namespace churn::collectors
