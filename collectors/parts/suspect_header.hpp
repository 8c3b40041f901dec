// What:  the header of an object that trial deletion may suspect: its count, and what is known.
// Why:   all of it fits beside the count and the number of slots: finding cycles costs an object no
//        memory but the 16 bytes that a count and a shape take anyway.
// How:   the mark, the lower half of the count's word, says one thing at a time: that nothing is
//        known (0, or old), where in a queue of suspects the object is, or what a pass or cycle has
//        found so far. What lasts longer is beside the number of slots, which has 24 bits.
// Invariants: no object is named by 2^30 references; outside passes and cycles the mark is 0,
//        old_bit, atom, or a queue's tag and a position.
// Cost:  a test of the mark is one of the count's word, which a retain or drop has at hand.
#pragma once

#include "collectors/parts/marked_count.hpp"

namespace churn::collectors {

// Marks: 0, or old_bit; in a queue, a tag and a position; within a pass, trial_bit and a trial
// count. A young object that nothing is known of has 0, so that a pass needs one look.
struct SuspectHeader : MarkedHeader {
  static constexpr std::uint32_t none = 0;
  static constexpr std::uint32_t quiet_bit = std::uint32_t{1} << 30;   // a loss says nothing new
  static constexpr std::uint32_t member_bit = std::uint32_t{1} << 29;  // of an incremental trial
  static constexpr std::uint32_t old_bit = std::uint32_t{1} << 28;     // not within a pass
  static constexpr std::uint32_t queued_bit = std::uint32_t{1} << 27;
  static constexpr std::uint32_t position_bits = 27;
  static constexpr std::uint32_t early_tag = quiet_bit | queued_bit;
  static constexpr std::uint32_t late_tag = queued_bit;
  static constexpr std::uint32_t atom = quiet_bit;  // no slots: never in a cycle

  // Beside the number of slots, which has 24 bits.
  static constexpr std::uint32_t slot_mask = (std::uint32_t{1} << 24) - 1;
  static constexpr std::uint32_t survived_bit = std::uint32_t{1} << 24;  // a pass
  static constexpr std::uint32_t noted_bit = std::uint32_t{1} << 30;     // see counted_deaths
  static constexpr std::uint32_t stored_bit = std::uint32_t{1} << 31;    // a slot has named it

  void describe(Shape shape) noexcept {
    MarkedHeader::describe(shape);
    if (shape.slots == 0) set_mark(atom);
  }
  std::uint32_t slot_count() const noexcept { return slots & slot_mask; }
  Shape shape() const noexcept { return {slot_count(), payload_bytes}; }
  bool was_stored() const noexcept { return (slots & stored_bit) != 0; }
  void set_stored() noexcept { slots |= stored_bit; }
  bool is_noted() const noexcept { return (slots & noted_bit) != 0; }
  // A pass or cycle has found it alive; the second time it is old.
  void survive() noexcept {
    set_mark((slots & survived_bit) != 0 ? old_bit : none);
    slots |= survived_bit;
  }
  bool is_quiet() const noexcept { return (mark() & quiet_bit) != 0; }
  bool is_queued() const noexcept { return (mark() & queued_bit) != 0; }
  // pre: not traced by a pass
  bool is_old() const noexcept { return (mark() & (old_bit | member_bit)) != 0; }

  // Within a pass: the mark becomes a copy of the count, which is returned.
  Word start_trial() noexcept {
    Word const references = MarkedCount::value(count);
    count = (count & ~(MarkedCount::one - 1)) | trial_bit | references;
    return references;
  }
  // And not unsettled.
  bool is_traced() const noexcept { return (mark() & unsettled) == trial_bit; }
  void set_unsettled() noexcept { count |= unsettled_bit; }
  bool is_unsettled() const noexcept { return (mark() & unsettled) == unsettled; }
  // pre: unsettled
  bool is_held() const noexcept { return (mark() & (unsettled_bit - 1)) != 0; }

 private:
  static constexpr std::uint32_t unsettled_bit = quiet_bit;
  static constexpr std::uint32_t unsettled = trial_bit | unsettled_bit;
};

// What parts/counted_deaths.hpp asks for. While something names it weakly, its count is not zero.
struct SuspectNotes {
  static void note(SuspectHeader* header) noexcept { header->slots |= SuspectHeader::noted_bit; }
  static bool noted(SuspectHeader const* header) noexcept { return header->is_noted(); }
  static bool retain_living(SuspectHeader* header) noexcept {
    MarkedCount::retain(header->count);
    return true;
  }
  static void revive(SuspectHeader* header) noexcept { MarkedCount::retain(header->count); }
};

}  // namespace churn::collectors
