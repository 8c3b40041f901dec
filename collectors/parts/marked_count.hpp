// What:  a plain reference count and a mark of 32 bits in one word of the header.
// Why:   the cycle detectors need a trial count for each object; beside the count it costs no
//        memory.
// Invariants: the count is below 2^31, which takes 16 GiB of slots that all name one object to
//        pass. The mark's meaning belongs to the collector, except that `trial_bit` says that the
//        other bits are a trial count.
// Cost:  count operations are one addition; the mark is the word's lower half.
#pragma once

#include "collectors/parts/counting_heap.hpp"

namespace churn::collectors {

struct MarkedCount {
  static constexpr Word one = Word{1} << 32;

  static void retain(Word& count) noexcept { count += one; }
  static bool drop(Word& count) noexcept { return (count -= one) < one; }
  static Word value(Word count) noexcept { return count >> 32; }
};

struct MarkedHeader : CountedHeader {
  static constexpr std::uint32_t trial_bit = std::uint32_t{1} << 31;

  void describe(Shape shape) noexcept {
    CountedHeader::describe(shape);
    count = MarkedCount::one;
  }
  std::uint32_t mark() const noexcept { return static_cast<std::uint32_t>(count); }
  void set_mark(std::uint32_t mark) noexcept { count = (count & ~(MarkedCount::one - 1)) | mark; }
  // The mark becomes a copy of the count.
  void start_trial() noexcept {
    set_mark(trial_bit | static_cast<std::uint32_t>(MarkedCount::value(count)));
  }
  bool on_trial() const noexcept { return (mark() & trial_bit) != 0; }
};

}  // namespace churn::collectors
