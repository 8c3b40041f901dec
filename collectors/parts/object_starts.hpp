// What:  in builds with CHURN_VERIFYING, where each object of a heap of blocks begins; what makes
//        verify() and poisoning possible in a heap without a list of its objects.
// Why:   a reference to memory that was reused looks like any other; only a record that does not
//        come from the collector itself can tell that no object was made there.
// How:   one bit a granule. Set when an object is made, cleared when it is found dead.
// When not: ordinary builds, where all of this is empty.
// Cost:  two more tables of 1/128 of the heap; verify() visits all that is reachable.
// Thread-safety: add: blocks belong to one mutator at a time. The rest: no mutator runs.
#pragma once

#include "collectors/parts/mark_bits.hpp"
#include "collectors/parts/mark_stack.hpp"
#include "collectors/parts/object_header.hpp"
#include "collectors/parts/poison.hpp"

namespace churn::collectors {

template <bool kept>
class ObjectStartsOf {
 public:
  explicit ObjectStartsOf(Reservation const&) noexcept {}
  bool grow(std::size_t) noexcept { return true; }
  void add(Ref) noexcept {}
  void clear(std::size_t) noexcept {}
  std::uint64_t sweep(MarkView, std::size_t) noexcept { return 0; }
  template <class VisitRoots>
  std::uint64_t verify(std::size_t, VisitRoots, ObjectStartsOf*) noexcept {
    return 0;
  }
};

template <>
class ObjectStartsOf<true> {
 public:
  explicit ObjectStartsOf(Reservation const& heap) noexcept
      : heap_(heap), starts_(heap), visited_(heap) {}

  bool grow(std::size_t heap_bytes) noexcept {
    return starts_.grow(heap_bytes) && visited_.grow(heap_bytes);
  }
  void add(Ref object) noexcept {
    bool const lies_where_one_lay_already = !starts_.view().set(object.word());
    CHURN_CHECK(!lies_where_one_lay_already);
  }
  void clear(std::size_t heap_bytes) noexcept { starts_.clear_all(heap_bytes); }
  void remove(Ref object) noexcept { starts_.view().clear(object.word()); }

  // Objects that are not marked are dead: poisons and forgets them. Returns how many are left.
  std::uint64_t sweep(MarkView marks, std::size_t used_bytes) noexcept {
    std::uint64_t left = 0;
    for_each(used_bytes, [&](Ref object) {
      if (marks.test(object.word())) {
        ++left;
        return;
      }
      remove(object);
      std::size_t const cell = ObjectHeader::cell_of(object);
      poison(object.slots() - 1, cell);
    });
    return left;
  }

  // Checks each object that is reachable from visit_roots(visit(Ref&)) and returns how many there
  // are. If there is another place for objects, `young` knows about that.
  template <class VisitRoots>
  std::uint64_t verify(std::size_t used_bytes, VisitRoots visit_roots, ObjectStartsOf* young) {
    visited_.clear_all(used_bytes);
    if (young != nullptr) young->visited_.clear_all(young->heap_.committed());
    MarkStack todo;
    std::uint64_t reached = 0;
    auto const meet = [&](Ref object) {
      bool const is_young = young != nullptr && young->contains(object);
      ObjectStartsOf& where = is_young ? *young : *this;
      where.check(object, is_young ? young->heap_.committed() : used_bytes);
      if (!where.visited_.view().set(object.word())) return;
      ++reached;
      todo.reserve(1);
      todo.push(object.word());
    };
    visit_roots([&](Ref& root) { meet(root); });
    while (!todo.empty()) {
      Ref const object = Ref::of(todo.pop());
      std::uint32_t const slots = ObjectHeader::slots(ObjectHeader::at(object));
      for (std::uint32_t i = 0; i < slots; ++i) {
        if (*object.slot(i) != 0) meet(Ref::of(*object.slot(i)));
      }
    }
    return reached;
  }

  // visit(Ref) for each object, in address order.
  template <class Visit>
  void for_each(std::size_t used_bytes, Visit visit) noexcept {
    std::size_t const end = used_bytes / granule_bytes;
    for (std::size_t at = next_bit(starts_.words(), 0, end); at < end;
         at = next_bit(starts_.words(), at + 1, end)) {
      visit(Ref(heap_.start() + at * granule_bytes + ObjectHeader::bytes));
    }
  }

 private:
  bool contains(Ref object) const noexcept {
    return object.word() - reinterpret_cast<Word>(heap_.start()) < heap_.bytes();
  }
  void check(Ref object, std::size_t used_bytes) const noexcept {
    Word const offset = object.word() - ObjectHeader::bytes - reinterpret_cast<Word>(heap_.start());
    bool const names_no_place_for_objects = offset >= used_bytes || offset % granule_bytes != 0;
    CHURN_CHECK(!names_no_place_for_objects);
    bool const names_a_live_object = starts_.view().test(object.word());
    CHURN_CHECK(names_a_live_object);
    std::size_t const first = offset / granule_bytes;
    std::size_t const end = first + ObjectHeader::cell_of(object) / granule_bytes;
    bool const overlaps_the_next =
        end > used_bytes / granule_bytes || next_bit(starts_.words(), first + 1, end) != end;
    CHURN_CHECK(!overlaps_the_next);
  }

  Reservation const& heap_;
  MarkBits starts_, visited_;
};

using ObjectStarts = ObjectStartsOf<CHURN_VERIFYING != 0>;

}  // namespace churn::collectors
