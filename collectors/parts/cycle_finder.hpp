// What:  finds, in a set of tracked objects, those that nothing outside of the set reaches.
// Why:   the one question of a cycle detector that counts, asked of the young, of everything, and a
//        second time of what finalizers have left.
// How:   1. every reference from a member to a member is counted in the mark of what it names;
//        2. one walk parts the set: an object whose references have not all been met is held from
//           outside and lives, and so does what it names, which is taken back from the dead if the
//           walk has put it there, and walked in its turn, last.
//        Of the members alone each mark starts at zero, and a number in the header says who they
//        are: so the copying of all counts, CPython's first pass of three, is not needed.
// Shape: members and what they name often lie in memory as they were made, and the processor is
//        ahead by itself. In a graph whose edges lead anywhere each is a miss: there, the objects
//        some steps ahead, and what they name, are asked for. A sample in each block decides.
// Order: that of CPython's move_unreachable: survivors as they were, the rescued behind them as
//        they were rescued, the dead as they were.
// Invariants: all marks are 0 before; after, those of the survivors, and of the dead `doomed`.
// Cost:  two visits to each member, one to each member's child in each.
// Source: CPython, InternalDocs/garbage_collector.md; the order as in its Modules/gcmodule.c.
// Thread-safety: none; the world stands still.
#pragma once

#include <algorithm>
#include <utility>

#include "collectors/parts/tracked_list.hpp"

namespace churn::collectors {

template <class Header>
class CycleFinder {
 public:
  using List = TrackedList<Header>;

  struct Place {
    List& list;
    std::uint8_t number;
  };
  struct Found {
    std::uint64_t survivors = 0;
    // References from the dead to what is not: if there are none, the dead need not be looked at
    // again before they are freed.
    std::uint64_t outward = 0;
  };

  // pre: members are exactly the objects in `set`; their lists' numbers, as the objects know them,
  // run from `first` to `last`, and no other object's does. `survivors` may be the set itself.
  static Found part(List& set, std::uint8_t first, std::uint8_t last, Place survivors, Place dead) {
    Meeting meeting{set, first, static_cast<std::uint8_t>(last - first)};
    for (std::size_t from = 0, to = 0; from < set.size(); from = to) {
      to = std::min(from + block, set.size());
      meeting.keep_up(to);
      scattered(set, from, to) ? meeting.template run<true>(from, to)
                               : meeting.template run<false>(from, to);
    }
    meeting.catch_up();
    Walk walk{set, survivors, dead};
    // The set grows while it is walked.
    for (std::size_t from = 0, to = 0; from < set.size(); from = to) {
      to = std::min(from + block, set.size());
      walk.keep_up(to);
      scattered(set, from, to) ? walk.template run<true>(from, to)
                               : walk.template run<false>(from, to);
      if (to == set.size()) walk.catch_up();
    }
    if (&set == &survivors.list) {
      set.truncate(walk.kept);
    } else {
      set.clear();
    }
    return {walk.kept, meeting.edges - walk.edges - walk.inward};
  }

  static Word* slots_of(Header* header) noexcept { return reinterpret_cast<Word*>(header + 1); }
  // pre: reference is not null
  static Header* header_of(Word reference) noexcept {
    return reinterpret_cast<Header*>(reference) - 1;
  }

 private:
  static constexpr std::size_t block = 256, sample = 16;
  // Below, all of it is in some cache, and asking ahead gains nothing.
  static constexpr std::size_t smallest_scattered = 8192;
  static constexpr std::uint32_t sampled_slots = 4, large_slots = 32;
  static constexpr std::size_t steps_ahead = 16;
  static constexpr std::uint64_t near_bytes = 4096;

  static bool far_apart(Word a, Word b) noexcept {
    return a - b + near_bytes > 2 * near_bytes;  // either may be the greater
  }
  // Whether many objects, or the things that they name, lie far from those of the object before.
  static bool scattered(List const& set, std::size_t from, std::size_t to) noexcept {
    if (set.size() < smallest_scattered) return false;
    std::uint32_t compared = 0, far = 0;
    Header* before = nullptr;
    for (std::size_t i = from; i < std::min(from + sample, to); ++i) {
      Header* const header = set[i];
      if (header == nullptr) continue;
      if (before != nullptr) {
        ++compared;
        far += far_apart(reinterpret_cast<Word>(header), reinterpret_cast<Word>(before));
        std::uint32_t const slots =
            std::min({header->slot_count(), before->slot_count(), sampled_slots});
        for (std::uint32_t s = 0; s < slots; ++s) {
          Word const a = slots_of(header)[s], b = slots_of(before)[s];
          if (a == 0 || b == 0) continue;
          ++compared;
          far += far_apart(a, b);
        }
      }
      before = header;
    }
    return 4 * far > compared;
  }
  CHURN_ALWAYS_INLINE static void ask_ahead(List const& set, std::size_t at) noexcept {
    if (at + 2 * steps_ahead < set.size()) __builtin_prefetch(set[at + 2 * steps_ahead], 1);
    if (at + steps_ahead >= set.size()) return;
    Header* const header = set[at + steps_ahead];
    if (header == nullptr) return;
    Word const* const slots = slots_of(header);
    std::uint32_t const count = std::min(header->slot_count(), sampled_slots);
    for (std::uint32_t s = 0; s < count; ++s) {
      if (slots[s] != 0) __builtin_prefetch(header_of(slots[s]), 1);
    }
  }

  // Both passes visit what the members name. A member with many slots is not visited at once: its
  // slots wait until the pass comes to the objects that they name, which are then read once instead
  // of twice. That is so where a table names objects in the order in which they were made; else
  // the rest of the slots is visited where it must be.
  template <class Pass>
  struct Visits {
    List& set;
    std::uint64_t edges = 0;
    Header* waiting = nullptr;
    std::uint32_t waiting_slot = 0;
    std::size_t until = 0;  // where the block ends that is visited

    // Returns how many, those that wait left out: the caller's sum then stays in a register.
    CHURN_ALWAYS_INLINE std::uint64_t visit_children(Header* header) {
      std::uint32_t const count = header->slot_count();
      if (count > large_slots) [[unlikely]] {
        wait(header);
        return 0;
      }
      Word const* const slots = slots_of(header);
      std::uint64_t visited = 0;
      for (std::uint32_t s = 0; s < count; ++s) {
        Word const reference = slots[s];
        if (reference == 0) continue;
        ++visited;
        pass().visit(header_of(reference));
      }
      return visited;
    }
    CHURN_NEVER_INLINE void wait(Header* header) {
      catch_up();
      waiting = header;
      waiting_slot = 0;
      keep_up(until);
    }
    // Those of its slots up to one that names an object placed behind `to`.
    void keep_up(std::size_t to) {
      until = to;
      if (waiting != nullptr) visit_waiting([to](Header* child) { return child->place < to; });
    }
    // All that are left.
    void catch_up() {
      if (waiting != nullptr) visit_waiting([](Header*) { return true; });
    }
    template <class Wanted>
    CHURN_NEVER_INLINE void visit_waiting(Wanted wanted) {
      // Nobody waits meanwhile: what is visited here is in its turn.
      Header* const header = std::exchange(waiting, nullptr);
      Word const* const slots = slots_of(header);
      std::uint32_t const count = header->slot_count();
      for (; waiting_slot < count; ++waiting_slot) {
        if (waiting_slot + steps_ahead < count && slots[waiting_slot + steps_ahead] != 0) {
          __builtin_prefetch(header_of(slots[waiting_slot + steps_ahead]), 1);
        }
        if (slots[waiting_slot] == 0) continue;
        Header* const child = header_of(slots[waiting_slot]);
        if (!wanted(child)) {
          waiting = header;
          return;
        }
        ++edges;
        pass().visit(child);
      }
    }
    Pass& pass() noexcept { return static_cast<Pass&>(*this); }
  };

  // The first pass.
  struct Meeting : Visits<Meeting> {
    std::uint8_t const first, others;

    Meeting(List& of, std::uint8_t from, std::uint8_t further) noexcept
        : Visits<Meeting>{of}, first(from), others(further) {}

    CHURN_ALWAYS_INLINE void visit(Header* child) noexcept {
      if (static_cast<std::uint8_t>(child->list - first) <= others) ++child->count;
    }
    template <bool ahead>
    void run(std::size_t from, std::size_t to) {
      std::uint64_t visited = 0;
      for (std::size_t i = from; i < to; ++i) {
        if constexpr (ahead) ask_ahead(this->set, i);
        if (Header* const header = this->set[i]) visited += this->visit_children(header);
      }
      this->edges += visited;
    }
  };

  // The second. What waits may wait as long as nobody is put to the dead or taken back from them.
  struct Walk : Visits<Walk> {
    Place const survivors, dead;
    std::size_t kept = 0;
    std::uint64_t inward = 0;  // references to the dead

    Walk(List& of, Place living, Place not_living) noexcept
        : Visits<Walk>{of}, survivors(living), dead(not_living) {}

    template <bool ahead>
    void run(std::size_t from, std::size_t to) {
      std::uint64_t visited = 0;
      for (std::size_t i = from; i < to; ++i) {
        if constexpr (ahead) ask_ahead(this->set, i);
        Header* const header = this->set[i];
        if (header == nullptr) continue;
        if (header->all_met() && still_met(header)) {
          doom(header);
          continue;
        }
        if (header->mark() != 0) header->clear_mark();
        keep(header);
        visited += this->visit_children(header);
      }
      this->edges += visited;
    }
    CHURN_ALWAYS_INLINE bool still_met(Header* header) {
      if (this->waiting == nullptr) return true;
      this->catch_up();
      return header->all_met();
    }
    CHURN_ALWAYS_INLINE void doom(Header* header) {
      inward += MarkedCount::value(header->count);
      header->doom();
      dead.list.append_in_place(header, dead.number);
    }
    CHURN_ALWAYS_INLINE void keep(Header* header) {
      if (&this->set == &survivors.list) {
        this->set.put(kept, header, survivors.number);
      } else {
        survivors.list.append_in_place(header, survivors.number);
      }
      ++kept;
    }
    // Something live names it. One that is still ahead in the walk will be found alive there.
    CHURN_ALWAYS_INLINE void visit(Header* child) {
      if (child->mark() == 0) return;
      if (child->mark() == Header::doomed) [[unlikely]] {
        return rescue(child);
      }
      child->clear_mark();
    }
    CHURN_NEVER_INLINE void rescue(Header* child) {
      this->catch_up();
      if (child->mark() != Header::doomed) return;
      dead.list.remove(child);
      inward -= MarkedCount::value(child->count);
      this->set.append_in_place(child, survivors.number);
      child->clear_mark();
    }
  };
};

}  // namespace churn::collectors
