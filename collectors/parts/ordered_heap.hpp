// What:  a counting heap whose objects die as CPython's do: in its order, with its finalizers and
//        weak objects in place, and kept in the lists of a cycle detector of generations.
// Why:   who dies before whom is what a finalizer sees. It is one idea, apart from finding cycles.
// How:   an object whose count reaches zero leaves its list. If it is watched, its finalizer runs
//        with a reference lent to it: one that has others afterwards lives on, in generation 0.
//        Else its weak objects are cleared, all of them, and told, the newest first; its slots are
//        dropped in order, each child dying completely before the next; and it is freed. There is
//        no recursion: a dead object remembers in its count who dropped it, and in its place which
//        slot comes next. While nobody has noted anything about any object, the order cannot be
//        seen, and the cascade is the base's.
// Depth: CPython 3.11 recurses, and bounds that: of objects with slots, one that would die within
//        the deaths of 50 others is put aside as it is, dead to everybody, and its turn comes when
//        the outermost death is over, the last put aside first. CPython calls that its trash can;
//        who hears of deaths sees the order, so it is kept. 3.12 and later bound what is left of
//        the C stack instead, some thousands of deaths away and other on each platform: left out.
// Pulled: without a hook for finalizers the watched wait for next_dead, which is a finalizer that
//        saves them all. Their weak objects are cleared before that.
// Invariants: an object is in a list from its allocation to its death if it has slots or is a weak
//        object, else never.
// Cost:  a test for each death while anything is noted.
// Source: CPython 3.11, Objects/typeobject.c, subtype_dealloc, and Objects/weakrefobject.c,
//        PyObject_ClearWeakRefs; Objects/object.c, _PyTrash_begin.
// Thread-safety: one mutator.
#pragma once

#include <array>
#include <utility>

#include "collectors/parts/controlled_mutator.hpp"
#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/death_notes.hpp"
#include "collectors/parts/generation_schedule.hpp"
#include "collectors/parts/marked_count.hpp"
#include "collectors/parts/tracked_list.hpp"

namespace churn::collectors {

template <class Self>
class OrderedHeap : public CountingHeap<Self, TrackedHeader, MarkedCount, PlainCounter> {
  using Base = CountingHeap<Self, TrackedHeader, MarkedCount, PlainCounter>;
  using Under = MallocHeap<Self, TrackedHeader, PlainCounter>;
  friend Base;
  friend Under;

 public:
  using Header = TrackedHeader;
  using List = TrackedList<Header>;
  using Notes = DeathNotes<Header>;
  using typename Base::Account;
  using Weak = Notes::Weak;

  // As deep as deaths may nest.
  static constexpr std::uint32_t deepest_of_3_11 = 50, unbounded = ~std::uint32_t{0};

  OrderedHeap(HeapOptions const& options, PerGeneration const& thresholds, std::uint32_t deepest)
      : Base(options), schedule_(thresholds), deepest_(deepest) {}

  CHURN_ALWAYS_INLINE void drop(Account& account, Ref object) {
    Header* const header = Base::header_of(object);
    if (MarkedCount::drop(header->count)) die(account, header);
  }

  Notes& deaths() noexcept { return notes_; }
  void weaken(Weak& weak, Ref object) {
    notes_.weaken(weak, object ? Base::header_of(object) : nullptr);
  }
  Ref strengthen(Weak& weak) noexcept { return retained(notes_.named(weak)); }
  void watch(Ref object, std::uint64_t tag) { notes_.watch(Base::header_of(object), tag); }
  Ref next_dead(std::uint64_t& tag) noexcept {
    Header* const header = notes_.next_ready(tag);
    return header != nullptr ? Base::reference_to(header) : Ref();
  }
  // pre: a weak object
  Ref referent(Ref weak) noexcept {
    CHURN_ASSERT(Base::header_of(weak)->is_weak);
    return retained(Notes::cell_of(Base::header_of(weak)).referent);
  }

  Account& own_account() noexcept { return Base::accounts_.spare(); }
  GenerationSchedule& schedule() noexcept { return schedule_; }
  void on_death(DeathCalls const& calls) noexcept { calls_ = calls; }
  bool is_tracked(Ref object) const noexcept {
    return Base::header_of(object)->list != Header::untracked;
  }
  std::uint64_t size_of(Ref object) const noexcept {
    return Base::header_bytes + requested_bytes(Base::header_of(object)->shape());
  }

  void verify() {
    Base::verify();
    if constexpr (CHURN_VERIFYING) {
      notes_.verify();
      Base::objects_.for_each([this](Header* header) {
        bool const no_mark_is_left = header->mark() == 0;
        CHURN_CHECK(no_mark_is_left);
        bool const tracked = header->list != Header::untracked;
        bool const tracked_as_long_as_it_lives = tracked == is_collected(header);
        CHURN_CHECK(tracked_as_long_as_it_lives);
        if (!tracked) return;
        bool const its_list_has_it_in_its_place = header->place < lists_[header->list].size() &&
                                                  lists_[header->list][header->place] == header;
        CHURN_CHECK(its_list_has_it_in_its_place);
      });
    }
  }

 protected:
  // The numbers of the lists.
  static constexpr std::uint8_t oldest = generations - 1, frozen = generations;
  static constexpr std::uint8_t trash = frozen + 1, last_trash = frozen + 2, calling = frozen + 3;

  // An object that a cycle may lead through.
  static bool is_collected(Header const* header) noexcept {
    return header->slots != 0 || header->is_weak;
  }
  void track(Header* header, std::uint8_t list) { lists_[list].append(header, list); }
  void untrack(Header* header) noexcept {
    if (header->list == Header::untracked) return;
    lists_[header->list].remove(header);
    header->list = Header::untracked;
  }
  // A reference more, if it is not null and not dead already.
  static Ref retained(Header* header) noexcept {
    if (header == nullptr || header->list == Header::waiting) return Ref();
    MarkedCount::retain(header->count);
    return Base::reference_to(header);
  }

  void call_finalizer(Header* header, std::uint64_t tag) {
    hooks_ran_ = true;
    if (calls_.finalize != nullptr) {
      calls_.finalize(calls_.mutator, Base::reference_to(header), tag);
    } else {
      notes_.make_ready(header, tag);
      MarkedCount::retain(header->count);
    }
  }
  void call_weak_died(Header* weak) {
    hooks_ran_ = true;
    if (calls_.weak_died == nullptr) return;
    calls_.weak_died(calls_.mutator, Base::reference_to(weak), Notes::cell_of(weak).tag);
  }

  std::array<List, calling + 1> lists_;
  GenerationSchedule schedule_;
  Notes notes_;
  PageBuffer<Header> garbage_;  // each with a reference
  bool hooks_ran_ = false;      // at some time; a collection sets it back

  // A hook runs within a death: it may look before all are freed that die in it.
  bool within_a_death() const noexcept { return nesting_ != 0; }

 private:
  // pre: its count has just reached zero
  CHURN_NEVER_INLINE void die(Account& account, Header* header) {
    if (within_a_death() || !notes_.empty()) return die_in_order(account, header);
    if (schedule_.collecting()) return Base::template reclaim<true>(account, header);
    Base::reclaim(account, header);
  }

  void die_in_order(Account& account, Header* dead) {
    Cascade cascade;
    die_with_what_it_keeps(account, dead, cascade);
    if (nesting_ == 0 && waiting_ != nullptr) {
      nesting_ = 1;
      while (waiting_ != nullptr) {
        Header* const next = waiting_;
        waiting_ = reinterpret_cast<Header*>(std::exchange(next->count, 0));
        next->list = Header::untracked;
        die_with_what_it_keeps(account, next, cascade);
      }
      nesting_ = 0;
    }
    if (cascade.freed > Base::unrecorded_objects && !schedule_.collecting()) {
      Base::pauses_.record_since(cascade.start_ns);
    }
  }
  struct Cascade {
    std::uint64_t freed = 0, start_ns = 0;
  };
  void die_with_what_it_keeps(Account& account, Header* dead, Cascade& cascade) {
    if (!lets_go(account, dead)) return;
    dead->count = 0;  // nobody dropped it
    dead->place = 0;
    while (dead != nullptr) {
      if (dead->place == dead->slot_count()) {
        auto* const dropped_by = reinterpret_cast<Header*>(dead->count);
        if (is_collected(dead)) schedule_.freed();
        nesting_ -= nests(dead);
        Base::free_cell(account, dead);
        dead = dropped_by;
        if (++cascade.freed == Base::unrecorded_objects) cascade.start_ns = PauseLog::start_ns();
        continue;
      }
      Word const reference = Base::slots_of(dead)[dead->place++];
      if (reference == 0) continue;
      Header* const child = Base::header_of(reference);
      if (!MarkedCount::drop(child->count) || !lets_go(account, child)) continue;
      child->count = reinterpret_cast<Word>(dead);
      child->place = 0;
      dead = child;
    }
  }
  // Within whose death others' may be.
  static bool nests(Header const* header) noexcept { return header->slot_count() != 0; }

  // What comes before its slots are dropped. False: it lives on, or waits. pre: its count is zero
  bool lets_go(Account& account, Header* header) {
    untrack(header);
    if (nests(header)) {
      if (nesting_ >= deepest_) {
        header->list = Header::waiting;
        header->count = reinterpret_cast<Word>(std::exchange(waiting_, header));
        return false;
      }
      ++nesting_;
    }
    if (header->is_weak) notes_.detach(header);
    if (!header->noted) return true;
    notes_.clear_references(header);
    std::uint64_t tag = 0;
    if (notes_.take_watch(header, tag) && saves_itself(account, header, tag)) {
      nesting_ -= nests(header);
      return false;
    }
    clear_weak_objects(account, header);
    notes_.clear_references(header);  // those that its finalizer has made
    return true;
  }
  bool saves_itself(Account& account, Header* header, std::uint64_t tag) {
    if (calls_.finalize == nullptr) clear_weak_objects(account, header);
    header->count = MarkedCount::one;  // lent
    if (is_collected(header)) track(header, 0);
    call_finalizer(header, tag);
    if (!MarkedCount::drop(header->count)) return true;
    untrack(header);
    return false;
  }
  // All of them before the first is told; each lives until the last has been.
  void clear_weak_objects(Account& account, Header* header) {
    Header* first = nullptr;
    Header** end = &first;
    while (Header* const weak = notes_.take_newest(header)) {
      if (Notes::cell_of(weak).tag == 0) continue;
      MarkedCount::retain(weak->count);
      *end = weak;
      end = &Notes::cell_of(weak).next;
    }
    for (Header* weak = first; weak != nullptr; weak = Notes::cell_of(weak).next) {
      call_weak_died(weak);
    }
    while (first != nullptr) {
      Header* const weak = first;
      first = Notes::cell_of(weak).next;
      drop(account, Base::reference_to(weak));
    }
  }

  // Hooks of the base. In its cascades nobody hears of a death.
  void bury(Account&, Header* header) noexcept {
    if (!is_collected(header)) return;
    untrack(header);
    schedule_.freed();
  }
  // References that are neither in slots nor in locals.
  Word kept_apart(Header const* header) noexcept {
    Word references = notes_.is_ready(header) ? 1 : 0;
    for (Header const* const saved : garbage_) references += saved == header;
    return references;
  }

  DeathCalls calls_;
  std::uint32_t const deepest_;
  std::uint32_t nesting_ = 0;  // deaths within each other, now
  Header* waiting_ = nullptr;  // linked through their counts
};

}  // namespace churn::collectors
