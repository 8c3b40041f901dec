// What:  reference counting with a cycle detector whose stops are bounded: bounded passes over what
//        is young, and over everything else cycles in steps. One mutator.
// Why:   what dies young is found at once, for little; what dies old is found without a stop that
//        grows with the heap, and before the heap has grown by more than a stated part. A detector
//        that bounds its stops alone can fall behind without bound: CPython's first incremental
//        collector was taken back for that.
// When not: where stops do not matter, trial-deletion visits less. Several threads.
// How:   generation 0 as in parts/trial_heap.hpp, the steps as in parts/incremental_trial.hpp.
//        collect(0) is a bounded pass, collect(1) a step, collect(2) finds everything at once.
// Trigger: a bounded pass as in trial-deletion. A cycle begins when there are suspects, and the
//        heap has reached 1 + 1/2 times what the last cycle has left, and 1 MiB.
// Pace:  a cycle needs at most seven visits to each object that is a member, one of which frees
//        it. Let V be the visits that one walk over the heap as it was at the beginning takes: its
//        objects, and one more for every 16 slots. Every 32 KiB the mutator pays `pace` V visits
//        for the part of the heap that it has allocated since, by objects or by bytes, whichever is
//        more. What is allocated meanwhile may be gathered, too, so members are at most
//        pace / (pace - 1) of that heap, and a cycle has ended when the heap has grown by the part
//        A = 7 / (pace - 1), whatever the sizes are.
// Bound: let L be the most bytes that live at any time, F = 1 MiB and B = 3/2 L + F. All that was
//        garbage when a cycle began is freed, so it leaves at most L and what was allocated since.
//        The next begins when the heap has reached 3/2 of what it left of the old, and F, which is
//        at most B; it is there already if what was allocated has brought it there, at most
//        L + A B, which is less than B if A < 1/3. So the heap never exceeds (1 + A) B, and with
//        `pace` 24, A = 0.30, garbage stays below L + 4/3 F, however it is made.
//        Where all objects are watched, or named weakly, members take up to nine visits: then A is
//        0.39, and the heap never exceeds 1 + A times the larger of B and L / (1 - A).
//        A stop is at most `bound` objects traced, or the visits for 32 KiB: 16 384 where objects
//        have 48 bytes. An object is looked into as a whole, however large.
// Cost:  trial-deletion's, and a test for each retain and take.
// Source: PEP 848 and CPython 3.14's incremental collector for the generations and the problem;
//        D. F. Bacon and V. T. Rajan, ECOOP 2001, for the rest.
#pragma once

#include <array>
#include <string_view>

#include "collectors/parts/incremental_trial.hpp"
#include "collectors/parts/mutator.hpp"
#include "collectors/parts/split_heap.hpp"

namespace churn::generational_incremental {

inline constexpr Traits traits = collectors::trial_traits;

inline constexpr ParameterInfo pace_parameter{
    "pace", 24, 12, 100'000, "visits for each object allocated while a cycle runs"};
inline constexpr std::array parameters{collectors::trial_parameters[0],
                                       collectors::trial_parameters[1],
                                       collectors::trial_parameters[2], pace_parameter};

class Heap : public collectors::IncrementalTrialHeap<Heap> {
  using Base = IncrementalTrialHeap;
  friend Base;
  friend Base::TrialHeap;
  friend Base::CountingHeap;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = generational_incremental::traits;

  // Where everything is verified, heaps are small: there, cycles run all the time.
  static constexpr std::uint64_t poll_bytes = CHURN_VERIFYING ? 256 : 32u << 10;
  static constexpr std::uint64_t small_heap_bytes = CHURN_VERIFYING ? 1u << 10 : 1u << 20;

  explicit Heap(HeapOptions const& options)
      : Base(options, poll_bytes), pace_(setting(options, pace_parameter)) {}

  // Returns the objects freed.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    if (generation == collectors::full_collection) return collect_all(account);
    if (generation == 0) return collect_young(account);
    if (!cycle_runs()) begin(account);
    return collect_some(account, std::max<std::uint64_t>(due_visits(account), bound()));
  }

 private:
  static constexpr std::uint64_t young_bytes = 4 * poll_bytes;
  static constexpr std::uint64_t bytes_per_visit = 128;  // of 16 slots

  static std::uint64_t present_objects(Account const& account) noexcept {
    return account.allocated_objects.get() - account.reclaimed_objects.get();
  }

  // ---- collections ----

  std::uint64_t collect_some(Account& account, std::uint64_t visits) {
    std::uint64_t const start_ns = begin_collection(1);
    std::uint64_t const before = account.reclaimed_objects.get();
    objects_paid_ = account.allocated_objects.get();
    bytes_paid_ = account.charged.get();
    step(account, visits);
    if (!cycle_runs()) next_cycle_bytes_ = grown(bytes_at_start_ - found_bytes());
    return book(1, account.reclaimed_objects.get() - before, start_ns);
  }
  std::uint64_t collect_all(Account& account) {
    std::uint64_t const start_ns = begin_collection(collectors::full_collection);
    std::uint64_t const before = account.reclaimed_objects.get();
    free_all_waiting(account);
    while (cycle_runs()) step(account, ~std::uint64_t{0} >> 1);
    full_pass(account);
    free_all_waiting(account);
    passed_everything(account);
    next_cycle_bytes_ = grown(present_bytes(account));
    return book(collectors::full_collection, account.reclaimed_objects.get() - before, start_ns);
  }

  // ---- pacing ----

  static std::uint64_t grown(std::uint64_t bytes) noexcept {
    return bytes + bytes / 2 + small_heap_bytes;
  }
  void begin(Account& account) {
    objects_at_start_ = std::max<std::uint64_t>(present_objects(account), 1);
    bytes_at_start_ = std::max<std::uint64_t>(present_bytes(account), 1);
    objects_paid_ = account.allocated_objects.get();
    bytes_paid_ = account.charged.get();
    begin_cycle();
  }
  // For what has been allocated since the last step.
  std::uint64_t due_visits(Account const& account) const noexcept {
    std::uint64_t const objects = account.allocated_objects.get() - objects_paid_;
    std::uint64_t const bytes = account.charged.get() - bytes_paid_;
    double const visits_of_heap = static_cast<double>(objects_at_start_) +
                                  static_cast<double>(bytes_at_start_ / bytes_per_visit);
    double const part =
        std::max(static_cast<double>(objects) / static_cast<double>(objects_at_start_),
                 static_cast<double>(bytes) / static_cast<double>(bytes_at_start_));
    return 1 + static_cast<std::uint64_t>(static_cast<double>(pace_) * part * visits_of_heap);
  }
  // Hook of the bases.
  void at_poll(Account& account) {
    free_some(account);
    collect_young_if_due(account, young_bytes);
    if (cycle_runs()) {
      collect_some(account, due_visits(account));
    } else if (late_.empty() && early_.empty()) {
      next_cycle_bytes_ = grown(present_bytes(account));  // nothing can be garbage
    } else if (present_bytes(account) >= next_cycle_bytes_) {
      begin(account);
    }
  }

  std::size_t const pace_;
  // Of the cycle, and when the next begins.
  std::uint64_t objects_at_start_ = 1, bytes_at_start_ = 1;
  std::uint64_t objects_paid_ = 0, bytes_paid_ = 0;
  std::uint64_t next_cycle_bytes_ = small_heap_bytes;
};

struct Collector {
  using Heap = generational_incremental::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = generational_incremental::traits;
  static constexpr std::string_view summary =
      "reference counts, and cycle detection in bounded steps, one thread";
  static constexpr auto const& parameters = generational_incremental::parameters;
};

}  // namespace churn::generational_incremental
