// What:  reference counting and nothing else, in the two forms that the collectors refcount and
//        refcount-atomic give names to.
// Why:   one template: what differs is the count, the counters and the racing slots.
// Invariants: unreachable cycles stay; present_objects() after all roots are dropped is their size.
#pragma once

#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/counts.hpp"
#include "collectors/parts/racing_slot.hpp"

namespace churn::collectors {

template <Traits const& heap_traits>
class RefcountHeap
    : public CountingHeap<
          RefcountHeap<heap_traits>, CountedHeader,
          std::conditional_t<heap_traits.shared_slots, AtomicCount, PlainCount>,
          std::conditional_t<heap_traits.shared_slots, SharedCounter, PlainCounter>> {
  using Count = std::conditional_t<heap_traits.shared_slots, AtomicCount, PlainCount>;
  using Counter = std::conditional_t<heap_traits.shared_slots, SharedCounter, PlainCounter>;
  using Base = CountingHeap<RefcountHeap, CountedHeader, Count, Counter>;
  // The bases call back through their derived class.
  friend Base;
  friend MallocHeap<RefcountHeap, CountedHeader, Counter>;

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
};

}  // namespace churn::collectors
