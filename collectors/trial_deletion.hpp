// What:  reference counting, with trial deletion for the cycles that counts alone cannot free,
//        after Bacon and Rajan's synchronous algorithm. One mutator.
// Why:   cycles are found where they were cut, not by looking at the whole heap: the work is that
//        of what the suspects reach, and of that only what has not been looked at in vain before.
// When not: programs whose cycles die old, again and again: those wait for a full pass, which stops
//        the program for all that the suspects reach; generational-incremental does that in steps.
//        Several threads.
// How:   as in parts/trial_heap.hpp: bounded passes over young objects (generation 0), and full
//        passes over everything (generation 2). collect(0) and collect(1) are bounded passes.
// Trigger: a bounded pass after `candidates` suspects, or 128 KiB allocated, so that a few suspects
//        with much garbage behind them do not stay. But not before as many objects have been
//        allocated or suspected as the last pass traced in vain: so the work for live objects is at
//        most one traced object for each new one.
//        A full pass when there are old suspects, and the heap has reached twice what the last full
//        pass has left, and 2 MiB: so garbage that only full passes find stays below the size of
//        what lived then, and their work is in proportion to what was allocated between them.
// Cost:  16 bytes an object; a decrement that is not the last is one more test, and the first one
//        after a pass a call. A bounded pass ends after `bound` objects; a full pass takes two
//        visits, or three, for each object that it reaches.
// Source: D. F. Bacon and V. T. Rajan, Concurrent cycle collection in reference counted systems,
//        ECOOP 2001, section 3.
#pragma once

#include <array>
#include <string_view>

#include "collectors/parts/mutator.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/trial_heap.hpp"

namespace churn::trial_deletion {

inline constexpr Traits traits = collectors::trial_traits;
inline constexpr auto const& parameters = collectors::trial_parameters;

class Heap : public collectors::TrialHeap<Heap> {
  using Base = TrialHeap;
  friend Base;
  friend Base::CountingHeap;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = trial_deletion::traits;

  // Where everything is verified, heaps are small: there, full passes come often.
  static constexpr std::uint64_t small_heap_bytes = CHURN_VERIFYING ? 1u << 10 : 2u << 20;

  explicit Heap(HeapOptions const& options) : Base(options, poll_bytes) {}

  // Returns the objects freed.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    if (generation == collectors::full_collection) return collect_all(account);
    return collect_young(account);
  }

 private:
  static constexpr std::uint64_t poll_bytes = CHURN_VERIFYING ? 1u << 10 : 128u << 10;

  std::uint64_t collect_all(Account& account) {
    std::uint64_t const start_ns = begin_collection(collectors::full_collection);
    std::uint64_t const before = account.reclaimed_objects.get();
    full_pass(account);
    passed_everything(account);
    set_next_full(account);
    return book(collectors::full_collection, account.reclaimed_objects.get() - before, start_ns);
  }

  void set_next_full(Account const& account) noexcept {
    next_full_bytes_ = 2 * present_bytes(account) + small_heap_bytes;
  }

  // Hook of the base.
  void at_poll(Account& account) {
    collect_young_if_due(account, poll_bytes / 2);
    if (late_.empty()) {
      set_next_full(account);  // no old object can be garbage
    } else if (present_bytes(account) >= next_full_bytes_) {
      collect_all(account);
    }
  }

  std::uint64_t next_full_bytes_ = small_heap_bytes;
};

struct Collector {
  using Heap = trial_deletion::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = trial_deletion::traits;
  static constexpr std::string_view summary =
      "reference counts and synchronous trial deletion of cycles, one thread";
  static constexpr auto const& parameters = trial_deletion::parameters;
};

}  // namespace churn::trial_deletion
