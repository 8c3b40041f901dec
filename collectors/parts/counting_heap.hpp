// What:  a heap in which every object counts the references to it and dies with the last one.
// Why:   refcount, refcount-atomic, trial-deletion and generational share it; the latter two add
//        the search for cycles through the hooks below.
// How:   when a count reaches zero the object's slots are dropped in turn. Objects that die on the
//        way form a list through their count words, which nobody needs any more: no recursion and
//        no allocation, however long the chain.
// Hooks: a derived heap may hide  lose(header): one reference less, true if it was the last; or
//        lose(account, header), if who loses it matters;
//        bury(account, header): it is dead and about to leave every list it is in;
//        after_drop(account): a cascade is over;
//        kept_apart(header): the heap itself holds a reference to it.
// Cost:  inline one decrement and a test; out of line the freeing. A cascade of more than 64
//        objects is a pause; its clock starts at the 64th, since reading it for every drop would
//        cost more than most drops.
// Invariants: a count is the number of slots and locals that name the object.
#pragma once

#include <utility>

#include "collectors/parts/malloc_heap.hpp"
#include "collectors/parts/recount.hpp"

namespace churn::collectors {

struct CountedHeader : ObjectLinks {
  Word count;  // dead: the next dead object
  std::uint32_t slots, payload_bytes;

  void describe(Shape shape) noexcept {
    count = 1;
    slots = shape.slots;
    payload_bytes = shape.payload_bytes;
  }
  Shape shape() const noexcept { return {slots, payload_bytes}; }
  std::uint32_t slot_count() const noexcept { return slots; }
};

template <class Self, class Header, class Count, class Counter,
          class AccountT = collectors::Account<Counter>>
class CountingHeap : public MallocHeap<Self, Header, Counter, AccountT> {
  using Base = MallocHeap<Self, Header, Counter, AccountT>;

 public:
  using Base::Base;
  using typename Base::Account;
  static constexpr std::uint64_t unrecorded_objects = 64;

  CHURN_ALWAYS_INLINE void retain(Ref object) noexcept {
    Count::retain(Base::header_of(object)->count);
  }
  CHURN_ALWAYS_INLINE void drop(Account& account, Ref object) {
    Header* const header = Base::header_of(object);
    if (lose_one(account, header)) reclaim(account, header);
  }

  // For the split (parts/split_heap.hpp): as drop, but what dies is kept as it is.
  CHURN_ALWAYS_INLINE void drop_kept(Account& account, Ref object) {
    lose_one(account, Base::header_of(object));
  }

  std::uint64_t reference_count(Ref object) const noexcept {
    return Count::value(Base::header_of(object)->count);
  }

  std::uint64_t collect(Account&, std::uint32_t) noexcept { return 0; }

  // With one mutator no slot races.
  Ref load_racing(Word* slot) noexcept {
    Ref const value = Ref::of(*slot);
    if (value) self().retain(value);
    return value;
  }
  Ref exchange_racing(Word* slot, Ref value) noexcept {
    return Ref::of(std::exchange(*slot, value.word()));
  }

  // No mutator runs, or only the caller's.
  void verify() {
    Base::check_totals();
    recount<Header>(Base::objects_, Base::roots_, [this](Header const* header, Word references) {
      bool const count_is_the_number_of_references =
          Count::value(header->count) == references + self().kept_apart(header);
      CHURN_CHECK(count_is_the_number_of_references);
    });
  }

 protected:
  bool lose(Header* header) noexcept { return Count::drop(header->count); }
  void bury(Account&, Header*) noexcept {}
  bool kept_apart(Header const*) noexcept { return false; }
  void after_drop(Account&) noexcept {}

  // pre: nothing refers to `dead` any more. A collection that calls this is a pause already.
  template <bool within_collection = false>
  CHURN_NEVER_INLINE void reclaim(Account& account, Header* dead) {
    [[maybe_unused]] std::uint64_t freed = 0, start_ns = 0;
    self().bury(account, dead);
    dead->count = 0;
    while (dead != nullptr) {
      auto* next = reinterpret_cast<Header*>(dead->count);
      Word const* const slots = Base::slots_of(dead);
      for (std::uint32_t i = 0; i < dead->slot_count(); ++i) {
        if (slots[i] == 0) continue;
        Header* const child = Base::header_of(slots[i]);
        if (!lose_one(account, child)) continue;
        self().bury(account, child);
        child->count = reinterpret_cast<Word>(next);
        next = child;
      }
      Base::free_cell(account, dead);
      dead = next;
      if (PauseLog::records && !within_collection && ++freed == unrecorded_objects) {
        start_ns = PauseLog::start_ns();
      }
    }
    if (within_collection) return;
    if (freed > unrecorded_objects) Base::pauses_.record_since(start_ns);
    self().after_drop(account);
  }

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }
  CHURN_ALWAYS_INLINE bool lose_one(Account& account, Header* header) {
    if constexpr (requires { self().lose(account, header); }) {
      return self().lose(account, header);
    } else {
      return self().lose(header);
    }
  }
};

}  // namespace churn::collectors
