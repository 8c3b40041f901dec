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
#include "collectors/parts/trial_heap.hpp"

namespace churn::trial_deletion {

inline constexpr Traits traits{.generational = true,
                               .counts = true,
                               .shared_slots = false,
                               .cells_from_malloc = true,
                               .max_mutators = 1};

inline constexpr std::array parameters{
    ParameterInfo{"candidates", 64, 1, 1'000'000, "suspects that start a bounded pass"},
    ParameterInfo{"batch", 2048, 1, 1'000'000'000, "objects traced before garbage is freed"},
    ParameterInfo{"bound", 16'384, 1, 1'000'000'000, "objects that a bounded pass looks into"},
};

class Heap : public collectors::TrialHeap<Heap> {
  using Base = TrialHeap;
  friend Base;
  friend Base::CountingHeap;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = trial_deletion::traits;

  // Where everything is verified, heaps are small: there, full passes come often.
  static constexpr std::uint64_t small_heap_bytes = CHURN_VERIFYING ? 1u << 10 : 2u << 20;

  explicit Heap(HeapOptions const& options)
      : Base(options, poll_bytes, setting(options, 1)),
        least_candidates_(setting(options, 0)),
        bound_(setting(options, 2)) {}

  // Returns the objects freed.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    if (generation == collectors::full_collection) return collect_all(account);
    return collect_young(account);
  }

 private:
  static constexpr std::uint64_t poll_bytes = CHURN_VERIFYING ? 1u << 10 : 128u << 10;

  static std::size_t setting(HeapOptions const& options, std::size_t i) {
    return static_cast<std::size_t>(options.setting(parameters[i].name, parameters[i].standard));
  }

  std::uint64_t collect_young(Account& account) {
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const before = account.reclaimed_objects.get();
    in_vain_ = bounded_pass(account, bound_);
    left_over_ = early_.size();
    allocated_before_ = account.allocated_objects.get();
    charged_before_ = account.charged.get();
    return book(0, account.reclaimed_objects.get() - before, start_ns);
  }
  std::uint64_t collect_all(Account& account) {
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const before = account.reclaimed_objects.get();
    full_pass(account);
    in_vain_ = left_over_ = 0;
    allocated_before_ = account.allocated_objects.get();
    charged_before_ = account.charged.get();
    set_next_full(account);
    return book(collectors::full_collection, account.reclaimed_objects.get() - before, start_ns);
  }

  static std::uint64_t present_bytes(Account const& account) noexcept {
    return account.charged.get() - account.returned.get();
  }
  void set_next_full(Account const& account) noexcept {
    next_full_bytes_ = 2 * present_bytes(account) + small_heap_bytes;
  }

  std::size_t new_suspects() const noexcept {
    return early_.size() - std::min<std::size_t>(early_.size(), left_over_);
  }
  bool worth_a_pass(Account const& account) const noexcept {
    std::uint64_t const fresh = account.allocated_objects.get() - allocated_before_;
    return fresh + new_suspects() >= in_vain_;
  }

  // Hooks of the bases.
  void after_drop(Account& account) {
    if (new_suspects() >= least_candidates_ && worth_a_pass(account)) collect_young(account);
  }
  void at_poll(Account& account) {
    if (!early_.empty() && account.charged.get() - charged_before_ >= poll_bytes / 2 &&
        worth_a_pass(account)) {
      collect_young(account);
    }
    if (late_.empty()) {
      set_next_full(account);  // no old object can be garbage
    } else if (present_bytes(account) >= next_full_bytes_) {
      collect_all(account);
    }
  }

  std::size_t const least_candidates_, bound_;
  // Of the last pass.
  std::size_t in_vain_ = 0, left_over_ = 0;
  std::uint64_t allocated_before_ = 0, charged_before_ = 0;
  std::uint64_t next_full_bytes_ = small_heap_bytes;
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
