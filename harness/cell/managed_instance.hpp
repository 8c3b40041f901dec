// What:  a managed workload on a collector, behind the erased Instance. Included by generated units
//        alone; this is where collector and workload meet and all templates are instantiated.
// Cost:  one virtual call and one Blocked exit and entry per run of many units.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "harness/cell/oracle_mutator.hpp"
#include "harness/cell/program.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/workload.hpp"

namespace churn::cell {

// C: a collector, or one's Split.
template <class C, template <class> class Workload, class M = typename C::Mutator>
class ManagedInstance final : public Instance {
 public:
  ManagedInstance(WorkloadContext const& context, HeapOptions const& heap)
      : heap_(heap),
        workload_(make_workload<Workload<M>>(context, heap_)),
        seats_(context.threads) {}

  std::uint64_t ops_per_unit() const noexcept override { return workload_.ops_per_unit(); }

  void setup(std::uint32_t thread) override {
    Seat& seat = seats_[thread];
    seat.mutator.emplace(heap_);
    workload_.setup(*seat.mutator, thread);
    seat.blocked.emplace(*seat.mutator);
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    Running running(seats_[thread]);
    M& mutator = *seats_[thread].mutator;
    run_units(units, times, [&] { workload_.run(mutator, thread); });
  }

  std::uint64_t check(std::uint32_t thread) override {
    Running running(seats_[thread]);
    return workload_.check(*seats_[thread].mutator, thread);
  }

  void teardown(std::uint32_t thread) override {
    Seat& seat = seats_[thread];
    seat.blocked.reset();
    if constexpr (Releases<M>) workload_.dispose(*seat.mutator, thread);
    workload_.teardown(*seat.mutator, thread);
    // The last thread's collection finds what no root keeps any more.
    if (C::traits.reclaims) seat.mutator->collect(generations - 1);
    seat.mutator.reset();
  }

  void collect(std::uint32_t thread) override {
    Running running(seats_[thread]);
    seats_[thread].mutator->collect(generations - 1);
  }

  void start_line() override {
    heap_.start_line();
    if constexpr (requires { workload_.start_line(); }) workload_.start_line();
  }
  std::vector<Figure> figures() override {
    if constexpr (requires { workload_.figures(); }) return workload_.figures();
    return {};
  }
  bool managed() const noexcept override { return true; }
  Stats stats() override { return heap_.stats(); }
  void quiesce() override { heap_.quiesce(); }
  void resume() override { heap_.resume(); }
  Presence present() override {
    if constexpr (requires(M const& m) { m.alive(); }) {
      Presence all;
      for (Seat const& seat : seats_) {
        Presence const alive = seat.mutator->alive();
        all.objects += alive.objects;
        all.bytes += alive.bytes;
      }
      return all;
    } else {
      Stats const stats = heap_.stats();
      return {stats.present_objects(), stats.present_bytes()};
    }
  }

 private:
  // A mutator and, between calls, the proof that it does not hold up a collection.
  struct alignas(128) Seat {
    std::optional<M> mutator;
    std::optional<typename M::Blocked> blocked;
  };
  struct Running {
    explicit Running(Seat& seat) : seat(seat) { seat.blocked.reset(); }
    ~Running() { seat.blocked.emplace(*seat.mutator); }
    Running(Running const&) = delete;
    Seat& seat;
  };

  typename C::Heap heap_;
  Workload<M> workload_;
  std::vector<Seat> seats_;
};

template <class C, template <class> class Workload, class M = typename C::Mutator>
std::unique_ptr<Instance> make_managed(WorkloadContext const& context, HeapOptions const& heap) {
  return std::make_unique<ManagedInstance<C, Workload, M>>(context, heap);
}

// Adds the instance whose work is split by parts, or the reason why there is none.
template <Collector C, template <class> class Workload, WorkloadInfo const& info>
constexpr Entry with_split(Entry entry) {
  if constexpr (!info.splits) {
    entry.why_no_split = "the split is compiled for few workloads, and not for this one";
  } else if constexpr (requires { typename C::Split; }) {
    entry.make_split = make_managed<typename C::Split, Workload>;
  } else if constexpr (requires { C::why_no_split; }) {
    entry.why_no_split = C::why_no_split;
  } else {
    entry.why_no_split = "the collector has no Split, which says what can be left out of it";
  }
  return entry;
}

// Decides at compile time whether the pair makes sense; where it does not, the reason is the row's.
template <Collector C, template <class> class Workload, WorkloadInfo const& info>
constexpr Entry managed_entry() {
  if constexpr (C::traits.manual_release && !info.disposes) {
    return {&info, nullptr,
            "the workload cannot say when its objects die, so nothing releases them"};
  } else if constexpr (C::traits.max_mutators < info.min_threads) {
    return {&info, nullptr, "the workload needs more threads than this collector has mutators"};
  } else if constexpr (info.shares && !C::traits.shared_slots) {
    return {&info, nullptr, "the workload's threads share slots, which needs shared_slots"};
  } else if constexpr (info.forks && C::traits.owned_threads > 0) {
    return {&info, nullptr, "the workload forks, and a fork has none of the collector's threads"};
  } else if constexpr (info.needs_weak && !C::traits.weak) {
    return {&info, nullptr, "the workload needs weak references, which this collector has not"};
  } else if constexpr (info.needs_finalizers && !C::traits.finalizers) {
    return {&info, nullptr, "the workload needs finalizers, which this collector has not"};
  } else if constexpr (info.needs_finalizers && C::traits.conservative) {
    return {&info, nullptr, "the workload counts deaths, and this collector may keep the dead"};
  } else if constexpr (C::traits.manual_release) {
    return with_split<C, Workload, info>(
        {&info,
         make_managed<C, Workload>,
         {},
         make_managed<C, Workload, OracleMutator<typename C::Mutator>>});
  } else {
    return with_split<C, Workload, info>({&info, make_managed<C, Workload>, {}});
  }
}

}  // namespace churn::cell
