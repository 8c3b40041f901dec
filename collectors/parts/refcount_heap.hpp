// What:  reference counting and nothing else, in the two forms that the collectors refcount and
//        refcount-atomic give names to.
// Why:   one template: what differs is the count, the counters and the racing slots.
// How:   weak references and watched deaths as in parts/counted_deaths.hpp: the drop that takes a
//        noted object's last reference asks there whether it dies.
// Invariants: unreachable cycles stay; present_objects() after all roots are dropped is their size.
#pragma once

#include "collectors/parts/counted_deaths.hpp"
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
  using Deaths = CountedDeaths<CountedHeader, Count, heap_traits.shared_slots>;
  // The bases call back through their derived class.
  friend Base;
  friend MallocHeap<RefcountHeap, CountedHeader, Counter>;

 public:
  using Base::Base;
  static constexpr Traits const& traits = heap_traits;

  using Weak = Deaths::Weak;
  Deaths& deaths() noexcept { return deaths_; }
  void weaken(Weak& weak, Ref object) {
    deaths_.weaken(weak, object ? Base::header_of(object) : nullptr);
  }
  Ref strengthen(Weak& weak) noexcept { return owned(deaths_.strengthen(weak)); }
  void watch(Ref object, std::uint64_t tag) { deaths_.watch(Base::header_of(object), tag); }
  Ref next_dead(std::uint64_t& tag) noexcept { return owned(deaths_.next_dead(tag)); }

  Ref load_racing(Word* slot) noexcept {
    if constexpr (!traits.shared_slots) return Base::load_racing(slot);
    return Ref::of(RacingSlot(*slot).load([this](Word value) { this->retain(Ref::of(value)); }));
  }
  Ref exchange_racing(Word* slot, Ref value) noexcept {
    if constexpr (!traits.shared_slots) return Base::exchange_racing(slot, value);
    return Ref::of(RacingSlot(*slot).exchange(value.word()));
  }

 private:
  static Ref owned(CountedHeader* header) noexcept {
    return header == nullptr ? Ref() : Base::reference_to(header);
  }
  // Hooks of the base.
  bool lose(CountedHeader* header) {
    if (!Count::drop(header->count)) return false;
    return !Count::noted(header->count) || deaths_.dies(header);
  }
  // The list of the ready holds one reference.
  bool kept_apart(CountedHeader const* header) noexcept { return deaths_.is_ready(header); }

  Deaths deaths_;
};

}  // namespace churn::collectors
