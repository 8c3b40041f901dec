// What:  reference counting, with trial deletion for the cycles that counts alone cannot free,
//        after Bacon and Rajan's synchronous algorithm. One mutator.
// Why:   cycles are found where they were cut, not by looking at the whole heap: the work is that
//        of what the suspects reach.
// When not: suspects that reach a large live structure again and again: each look at them costs
//        that structure. Several threads.
// How:   an object that loses a reference and keeps others may be the last entry to a dead cycle:
//        it becomes a candidate. A pass takes candidates in batches. Everything a batch reaches is
//        traced once, each with a trial count, from which the references within what was traced are
//        taken off. Objects with references left are held from outside: they, and what they reach,
//        are live. The rest is garbage. The counts themselves are not touched before that is known.
// Moves: moving a reference from a local into a slot changes no count, and can still cut off a
//        cycle: its last entry becomes one of its own edges. So what is moved becomes a candidate,
//        unless no slot has ever named the object that it is moved into (then a local does), or its
//        own slots are all null (then it leads nowhere). Building lists and trees from fresh nodes
//        stays free of that.
// Batches: a batch ends after `batch` objects, so that what is traced is still in the cache when it
//        is freed; but if the pass has met live objects, not before twice as many, or candidates
//        that all reach the same large structure would trace it once each.
// Trigger: `candidates` candidates, or 256 KiB allocated since the last pass, so that a few
//        candidates with much garbage behind them do not stay. But not before as many objects have
//        been allocated or suspected as the last pass traced in vain. So the work for live objects
//        is at most one traced object for each new one, and what is not yet found is at most as
//        large.
// Invariants: between passes a mark is 0, `atom` (no slots: never in a cycle), or the object's
//        place in the candidate table plus one. An object that dies by its count leaves the table
//        at once.
// Cost:  16 bytes an object; a decrement that is not the last is one more test, and the first one
//        after a pass a call. A pass costs two visits to each traced object, three where something
//        lives.
// Source: D. F. Bacon and V. T. Rajan, Concurrent cycle collection in reference counted systems,
//        ECOOP 2001, section 3. There the counts are subtracted and restored in place, recursively;
//        here a trial count and a table of what was traced take the place of both.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/marked_count.hpp"
#include "collectors/parts/mutator.hpp"
#include "collectors/parts/page_buffer.hpp"

namespace churn::trial_deletion {

inline constexpr Traits traits{
    .counts = true, .shared_slots = false, .cells_from_malloc = true, .max_mutators = 1};

inline constexpr std::array parameters{
    ParameterInfo{"candidates", 256, 1, 1'000'000, "suspects that start a pass"},
    ParameterInfo{"batch", 2048, 1, 1'000'000'000, "objects traced before garbage is freed"},
};

struct Header : collectors::MarkedHeader {
  static constexpr std::uint32_t none = 0;
  static constexpr std::uint32_t live = trial_bit - 1;      // within a pass
  static constexpr std::uint32_t atom = ~std::uint32_t{0};  // no trial count is as high
  static constexpr std::uint32_t last_place = trial_bit - 2;
  // Beside the number of slots, which has 24 bits: a slot has named this object at some time.
  static constexpr std::uint32_t stored_bit = std::uint32_t{1} << 31;
  static_assert(traits.max_slots < stored_bit);

  void describe(Shape shape) noexcept {
    MarkedHeader::describe(shape);
    if (shape.slots == 0) set_mark(atom);
  }
  std::uint32_t slot_count() const noexcept { return slots & (stored_bit - 1); }
  Shape shape() const noexcept { return {slot_count(), payload_bytes}; }
  bool was_stored() const noexcept { return (slots & stored_bit) != 0; }
  void set_stored() noexcept { slots |= stored_bit; }
};

class Heap : public collectors::CountingHeap<Heap, Header, collectors::MarkedCount,
                                             collectors::PlainCounter> {
  using Base = CountingHeap;
  using Word = collectors::Word;
  friend Base;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = trial_deletion::traits;

  explicit Heap(HeapOptions const& options)
      : Base(options, poll_bytes),
        least_candidates_(
            static_cast<std::size_t>(options.setting(parameters[0].name, parameters[0].standard))),
        batch_objects_(
            static_cast<std::size_t>(options.setting(parameters[1].name, parameters[1].standard))) {
  }

  CHURN_ALWAYS_INLINE void drop(Account& account, collectors::Ref object) {
    Header* const header = header_of(object);
    if (collectors::MarkedCount::drop(header->count)) {
      reclaim(account, header);
    } else if (header->mark() == Header::none) {
      suspect_and_look(account, header);
    }
  }

  CHURN_ALWAYS_INLINE void stored(collectors::Ref object) noexcept {
    header_of(object)->set_stored();
  }
  CHURN_ALWAYS_INLINE void moved_into(collectors::Ref object, collectors::Ref moved) noexcept {
    Header* const header = header_of(moved);
    header->set_stored();  // first: it may have been moved into itself
    if (header_of(object)->was_stored() && header->mark() == Header::none) suspect_move(header);
  }

  // The generation does not matter: every pass is a full one. Returns the objects freed.
  std::uint64_t collect(Account& account, std::uint32_t) {
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const before = account.reclaimed_objects.get();
    std::size_t in_vain = 0;
    while (!candidates_.empty()) {
      trace(std::max(batch_objects_, 2 * in_vain));
      if (held_ != 0) restore_live();
      in_vain += live_.size();
      free_garbage(account);
    }
    in_vain_ = in_vain;
    suspected_ = 0;
    allocated_before_ = account.allocated_objects.get();
    charged_before_ = account.charged.get();
    std::uint64_t const found = account.reclaimed_objects.get() - before;
    return book(collectors::full_collection, found, start_ns);
  }

 private:
  static constexpr std::uint64_t poll_bytes = 256u << 10;

  // ---- candidates ----

  void suspect(Header* header) {
    CHURN_CHECK(candidates_.size() < Header::last_place);
    candidates_.push(header);
    ++suspected_;
    header->set_mark(static_cast<std::uint32_t>(candidates_.size()));
  }
  // pre: its mark is a place
  void forget(Header* header) noexcept {
    std::size_t const place = header->mark() - 1;
    Header* const last = candidates_.pop();
    if (last != header) {
      candidates_[place] = last;
      last->set_mark(static_cast<std::uint32_t>(place + 1));
    }
  }
  CHURN_NEVER_INLINE void suspect_and_look(Account& account, Header* header) {
    suspect(header);
    after_drop(account);
  }
  // Only notes it: a move is no place at which to reclaim.
  CHURN_NEVER_INLINE void suspect_move(Header* header) {
    Word const* const slots = slots_of(header);
    for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
      if (slots[i] == 0) continue;
      suspect(header);
      return;
    }
  }
  bool worth_a_pass(Account& account) const noexcept {
    std::uint64_t const fresh = account.allocated_objects.get() - allocated_before_;
    return fresh + suspected_ >= in_vain_;
  }

  // Hooks of the base. In a cascade candidates are only noted: it must end before a pass looks.
  bool lose(Header* header) {
    if (collectors::MarkedCount::drop(header->count)) return true;
    if (header->mark() == Header::none) suspect(header);
    return false;
  }
  void bury(Account&, Header* header) noexcept {
    if (header->mark() != Header::none && header->mark() != Header::atom) forget(header);
  }
  void after_drop(Account& account) {
    if (candidates_.size() >= least_candidates_ && worth_a_pass(account)) {
      collect(account, collectors::full_collection);
    }
  }
  void at_poll(Account& account) {
    if (candidates_.empty() || account.charged.get() - charged_before_ < poll_bytes) return;
    if (worth_a_pass(account)) collect(account, collectors::full_collection);
  }

  // ---- a batch ----

  void put_on_trial(Header* header) {
    header->start_trial();
    traced_.push(header);
    ++held_;
  }

  // Takes candidates until they reach `enough` objects, or none is left. Afterwards each traced
  // object's mark counts the references to it from outside of what was traced.
  void trace(std::size_t enough) {
    traced_.clear();
    live_.clear();
    held_ = 0;
    met_atoms_ = false;
    std::size_t next = 0;
    while (!candidates_.empty() && traced_.size() < enough) {
      put_on_trial(candidates_.pop());
      for (; next < traced_.size(); ++next) {
        Header* const header = traced_[next];
        Word const* const slots = slots_of(header);
        for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
          if (slots[i] != 0) take_off(header_of(slots[i]));
        }
      }
    }
  }
  CHURN_ALWAYS_INLINE void take_off(Header* child) {
    std::uint32_t const mark = child->mark();
    if (mark == Header::atom) {
      met_atoms_ = true;
      return;
    }
    if ((mark & Header::trial_bit) == 0) {
      if (mark != Header::none) forget(child);
      put_on_trial(child);
    }
    --child->count;  // the mark is the lower half
    if (child->mark() == Header::trial_bit) --held_;
  }

  // What is held from outside, and what that reaches.
  void restore_live() {
    for (Header* const header : traced_) {
      if (header->mark() == Header::trial_bit) continue;
      header->set_mark(Header::live);
      live_.push(header);
    }
    for (std::size_t next = 0; next < live_.size(); ++next) {
      Word const* const slots = slots_of(live_[next]);
      for (std::uint32_t i = 0; i < live_[next]->slot_count(); ++i) {
        if (slots[i] == 0) continue;
        Header* const child = header_of(slots[i]);
        if (child->mark() != Header::trial_bit) continue;
        child->set_mark(Header::live);
        live_.push(child);
      }
    }
  }

  // Whatever is still on trial.
  void free_garbage(Account& account) {
    if (live_.size() == traced_.size()) {
      for (Header* const header : live_) header->set_mark(Header::none);
      return;
    }
    // Before anything is freed, since a freed object's mark says nothing.
    if (met_atoms_ || !live_.empty()) {
      for (Header* const header : traced_) {
        if (header->on_trial()) drop_survivors(account, header);
      }
    }
    for (Header* const header : traced_) {
      if (header->on_trial()) {
        free_cell(account, header);
      } else {
        header->set_mark(Header::none);
      }
    }
  }
  // The references from garbage to what is not traced garbage itself. A live object keeps another
  // reference, so only atoms can die of it.
  void drop_survivors(Account& account, Header* garbage) {
    Word const* const slots = slots_of(garbage);
    for (std::uint32_t i = 0; i < garbage->slot_count(); ++i) {
      if (slots[i] == 0) continue;
      Header* const child = header_of(slots[i]);
      if (child->mark() == Header::trial_bit) continue;
      if (collectors::MarkedCount::drop(child->count)) free_cell(account, child);
    }
  }

  std::size_t const least_candidates_, batch_objects_;
  collectors::PageBuffer<Header> candidates_;
  // Of the batch: everything reached, and what of it lives.
  collectors::PageBuffer<Header> traced_, live_;
  std::size_t held_ = 0;  // traced objects that still have references from outside
  bool met_atoms_ = false;
  // Of the last pass, and since.
  std::size_t in_vain_ = 0;
  std::uint64_t suspected_ = 0, allocated_before_ = 0, charged_before_ = 0;
};

struct Collector {
  using Heap = trial_deletion::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  static constexpr Traits const& traits = trial_deletion::traits;
  static constexpr std::string_view summary =
      "reference counts and synchronous trial deletion of cycles, one thread";
  static constexpr auto const& parameters = trial_deletion::parameters;
};

}  // namespace churn::trial_deletion
