// What:  the mutator of a heap that is controlled as Python's gc module does it and that finalizes
//        in place, for collectors with one mutator.
// Why:   what each call means is the heap's affair; that locals own what they are given, and that a
//        hook knows its mutator, is the same for all.
// How:   the heap calls a death through DeathCalls, which knows the mutator's type no more. It
//        provides schedule() (a GenerationSchedule), freeze, unfreeze, frozen_objects, save_all,
//        garbage_size, garbage, clear_garbage, on_collection, on_death, is_tracked, size_of,
//        make_weak, referent and own_account().
// Invariants: a mutator takes its hooks with it when it detaches.
// Cost:  none where nothing of it is used.
// Thread-safety: as the mutator's.
#pragma once

#include "collectors/parts/mutator.hpp"
#include "harness/core/promises.hpp"

namespace churn::collectors {

// Null functions: finalizers are pulled, weak objects die unheard.
struct DeathCalls {
  void* mutator = nullptr;
  void (*finalize)(void* mutator, Ref object, std::uint64_t tag) = nullptr;
  void (*weak_died)(void* mutator, Ref weak, std::uint64_t tag) = nullptr;
};

template <class HeapT>
class ControlledMutator : public HeapMutator<HeapT> {
 public:
  using Heap = HeapT;

  explicit ControlledMutator(Heap& heap) : HeapMutator<Heap>(heap), heap_(heap) {}
  ~ControlledMutator() {
    heap_.on_death({});
    heap_.on_collection({});
  }

  // ---- finalization in place ----

  void on_death(DeathHooks<ControlledMutator> hooks) {
    hooks_ = hooks;
    DeathCalls calls;
    calls.mutator = this;
    if (hooks.finalize != nullptr) {
      calls.finalize = [](void* mutator, Ref object, std::uint64_t tag) {
        auto& m = *static_cast<ControlledMutator*>(mutator);
        m.hooks_.finalize(m.hooks_.context, m, object, tag);
      };
    }
    if (hooks.weak_died != nullptr) {
      calls.weak_died = [](void* mutator, Ref weak, std::uint64_t tag) {
        auto& m = *static_cast<ControlledMutator*>(mutator);
        m.hooks_.weak_died(m.hooks_.context, m, weak, tag);
      };
    }
    heap_.on_death(calls);
  }
  // pre: `referent` is not null and no weak object itself
  void allocate_weak(Local& local, Ref referent, std::uint64_t tag) {
    become(local, heap_.make_weak(referent, tag));
  }
  bool referent(Local& local, Ref weak) {
    become(local, heap_.referent(weak));
    return static_cast<bool>(local.get());
  }

  // ---- control ----

  void enable() noexcept { heap_.schedule().enable(true); }
  void disable() noexcept { heap_.schedule().enable(false); }
  bool is_enabled() const noexcept { return heap_.schedule().enabled(); }
  std::array<GenerationStats, generations> get_stats() const { return heap_.schedule().stats(); }
  PerGeneration get_count() const noexcept { return heap_.schedule().counts(); }
  PerGeneration get_threshold() const noexcept { return heap_.schedule().thresholds(); }
  void set_threshold(PerGeneration const& thresholds) noexcept {
    heap_.schedule().set_thresholds(thresholds);
  }
  void freeze() { heap_.freeze(); }
  void unfreeze() { heap_.unfreeze(); }
  std::uint64_t get_freeze_count() const noexcept { return heap_.frozen_objects(); }
  void save_all(bool on) noexcept { heap_.save_all(on); }
  std::size_t garbage_size() const noexcept { return heap_.garbage_size(); }
  void garbage(Local& local, std::size_t index) { this->set(local, heap_.garbage(index)); }
  void clear_garbage() { heap_.clear_garbage(); }
  void on_collection(CollectionHook hook) noexcept { heap_.on_collection(hook); }
  bool is_tracked(Ref object) const noexcept { return heap_.is_tracked(object); }
  std::uint64_t size_of(Ref object) const noexcept { return heap_.size_of(object); }

 private:
  // `value` is owned by the local from here on.
  void become(Local& local, Ref value) {
    if (Ref const old = LocalAccess::exchange(local, value)) heap_.drop(heap_.own_account(), old);
  }

  Heap& heap_;
  DeathHooks<ControlledMutator> hooks_;
};

}  // namespace churn::collectors
