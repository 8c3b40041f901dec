// What:  deferred reference counting: locals are not counted, and slots only at the end of an
//        epoch; any number of mutators.
// Why:   copying a reference into a local is what programs do most, and here it costs nothing; what
//        is made and dropped within an epoch is never counted at all.
// When not: memory must return at once: it does so at the end of an epoch. Cycles leak.
// How:   epochs, logs and fresh objects as in parts/epoch_heap.hpp. At the end of an epoch, with
//        the world stopped, first all that was kept is counted: what the logs say and what the
//        fresh objects' slots name; then all that was dropped. What then has a count of zero stands
//        in the zero-count table. What no local names of it dies, and so does what only the dead
//        named. The rest of the table waits: a local names it, which may vanish without a trace.
// Collections: collect() ends the epoch: nothing is found by looking for garbage, so none is
//        counted. A pause is the end of an epoch.
// Invariants: between epochs an object's count is the number of older objects' slots that name it,
//        less what the logs have kept, plus what they have dropped. An object that is not fresh
//        and has a count of zero is in the table.
// Cost:  as epoch_heap; the end of an epoch visits each fresh object twice, each logged object and
//        each root once.
// Source: L. P. Deutsch, D. G. Bobrow, CACM 19(9), 1976 (zero-count table); Y. Levanoni, E.
//        Petrank, An on-the-fly reference-counting garbage collector for Java, TOPLAS 28(1), 2006
//        (counting by the state at the ends of epochs).
#pragma once

#include <span>
#include <string_view>

#include "collectors/parts/epoch_heap.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/tracing_mutator.hpp"

namespace churn::refcount_deferred {

inline constexpr Traits traits{
    .cycles = false, .counts = true, .cells_from_malloc = true, .weak = true, .finalizers = true};

class Heap : public collectors::EpochHeap<Heap> {
  using Base = EpochHeap;
  using Word = collectors::Word;
  friend Base;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = refcount_deferred::traits;

  explicit Heap(HeapOptions const& options) : Base(options, epoch_bytes) {}

  // Returns the objects that died in this epoch. The generation does not matter.
  std::uint64_t collect(Account& member, std::uint32_t generation) {
    return collect(*member.seat, generation);
  }

  // No mutator runs, or only the caller's.
  void verify() {
    check_totals();
    if (!CHURN_VERIFYING) return;
    recount_epoch({}, [](Header const* header, Word named, Word kept) {
      bool const counts_and_logs_agree_with_slots = header->count + kept == named;
      CHURN_CHECK(counts_and_logs_agree_with_slots);
      CHURN_CHECK(header->count != 0 || header->is(Header::fresh | Header::listed));
    });
  }

 private:
  // As much as the second-level cache holds beside the program: what dies young dies in the cache.
  static constexpr std::uint64_t epoch_bytes = 256u << 10;

  std::uint64_t collect(Seat& seat, std::uint32_t) {
    std::uint64_t const before = accounts_.sum(&Seat::reclaimed_objects);
    epoch(seat);
    return accounts_.sum(&Seat::reclaimed_objects) - before;
  }

  // ---- the end of an epoch: the world is stopped ----

  void end_epoch(Seat& own) {
    count_what_was_kept();
    count_what_was_dropped();
    mark_rooted();
    keep_dead_ = any_weak_references();
    watched_died_ = false;
    empty_table(own);
    if (watched_died_ || keep_dead_) settle(own);
    for (Header* const header : rooted_) header->change(Header::rooted, 0);
    rooted_.clear();
  }

  void count_what_was_kept() {
    for_each_seat([](Seat& seat) {
      for (Header* const header : seat.kept) ++header->count;
      seat.kept.clear();
    });
    for_each_seat([](Seat& seat) {
      for (Header* const header : seat.fresh) {
        header->change(Header::fresh, 0);
        for_each_child(header, [](Header* child) { ++child->count; });
      }
    });
  }
  void count_what_was_dropped() {
    for_each_seat([this](Seat& seat) {
      for (Header* const header : seat.dropped) {
        if (--header->count == 0) list(header);
      }
      seat.dropped.clear();
    });
    for_each_seat([this](Seat& seat) {
      for (Header* const header : seat.fresh) {
        if (header->count == 0) list(header);
      }
      seat.fresh.clear();
    });
  }
  void mark_rooted() {
    for_each_root([this](Header* header) {
      if (header->is(Header::rooted)) return;
      header->change(0, Header::rooted);
      rooted_.push(header);
    });
  }

  void list(Header* header) {
    if (header->is(Header::listed)) return;
    header->change(0, Header::listed);
    table_.push(header);
  }
  void empty_table(Seat& own) {
    std::size_t left = 0;
    for (std::size_t i = 0; i < table_.size(); ++i) {  // it grows meanwhile
      Header* const header = table_[i];
      if (header->count != 0) {
        header->change(Header::listed, 0);
      } else if (header->is(Header::rooted) || is_kept_for_its_watcher(header)) {
        table_[left++] = header;
      } else {
        die(own, header);
      }
    }
    table_.set_end(table_.begin() + left);
  }
  // From now on the list of the ready is a root that names it.
  bool is_kept_for_its_watcher(Header* header) noexcept {
    if (!header->is(Header::watched)) return false;
    header->change(Header::watched, Header::dead);
    return watched_died_ = true;
  }

  // The dead wait in a list through their counts for their slots to be dropped.
  void die(Seat& own, Header* dead) {
    dead->count = 0;
    while (dead != nullptr) {
      auto* next = reinterpret_cast<Header*>(dead->count);
      for_each_child(dead, [&](Header* child) {
        if (--child->count != 0 || child->is(Header::listed)) return;
        if (child->is(Header::rooted | Header::watched)) return list(child);
        child->count = reinterpret_cast<Word>(next);
        next = child;
      });
      if (keep_dead_) {
        dead->change(Header::listed, Header::dead);
        dead_.push(dead);
      } else {
        free_cell(own, dead);
      }
      dead = next;
    }
  }
  // Weak references first, so that nobody gets hold of what a watcher is about to see.
  void settle(Seat& own) {
    auto const fate = [](collectors::Ref ref) {
      return header_of(ref)->is(Header::dead) ? collectors::Ref() : ref;
    };
    settle_weak_references(fate);
    watched_.find_dead(true, fate,
                       [](collectors::Ref const& ref) { header_of(ref)->change(Header::dead, 0); });
    for (Header* const header : dead_) free_cell(own, header);
    dead_.clear();
  }

  collectors::PageBuffer<Header> table_;   // zero counts
  collectors::PageBuffer<Header> rooted_;  // of this epoch
  collectors::PageBuffer<Header> dead_;    // of this epoch, if weak references must be looked at
  bool keep_dead_ = false, watched_died_ = false;
};

struct Collector {
  using Heap = refcount_deferred::Heap;
  using Mutator = collectors::TracingMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::TracingMutator>;
  static constexpr Traits const& traits = refcount_deferred::traits;
  static constexpr std::string_view summary =
      "counts of slots alone, taken in epochs, any number of threads; cycles leak and are reported";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::refcount_deferred
