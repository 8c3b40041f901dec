// What:  the mutator of the collector cpython: the contract's, with control after Python's gc
//        module, which it is here, and finalization in place.
// Why:   apart from the heap, which makes objects and times collections.
// Cost:  counts, thresholds and statistics are read where the interpreter keeps them; freezing and
//        save_all are calls of the module's functions.
// Thread-safety: as the mutator's; it holds the interpreter's lock unless it is blocked.
#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "collectors/parts/mutator.hpp"
#include "collectors/parts/python_interpreter.hpp"
#include "collectors/parts/python_objects.hpp"
#include "harness/core/promises.hpp"

namespace churn::collectors {

// The heap provides python(), objects(), notices(), make_weak and referent besides.
template <class HeapT>
class PythonMutator : public HeapMutator<HeapT> {
  using Base = HeapMutator<HeapT>;
  using State = PythonInterpreter::CollectorState;

 public:
  using Heap = HeapT;
  explicit PythonMutator(Heap& heap) : Base(heap), heap_(heap), gc_(heap.python().collector()) {}

  void on_death(DeathHooks<PythonMutator> hooks) {
    hooks_ = hooks;
    PythonDeathHooks erased{this, nullptr, nullptr};
    if (hooks.finalize != nullptr) {
      erased.finalize = [](void* self, Ref object, std::uint64_t tag) {
        auto& m = *static_cast<PythonMutator*>(self);
        m.hooks_.finalize(m.hooks_.context, m, object, tag);
      };
    }
    if (hooks.weak_died != nullptr) {
      erased.weak_died = [](void* self, Ref weak, std::uint64_t tag) {
        auto& m = *static_cast<PythonMutator*>(self);
        m.hooks_.weak_died(m.hooks_.context, m, weak, tag);
      };
    }
    heap_.objects().hook(erased);
  }
  void allocate_weak(Local& local, Ref object, std::uint64_t tag) {
    own(local, heap_.make_weak(object, tag));
  }
  bool referent(Local& local, Ref weak) {
    own(local, heap_.referent(python_of(weak)));
    return static_cast<bool>(local.get());
  }

  void enable() { PyGC_Enable(); }
  void disable() { PyGC_Disable(); }
  bool is_enabled() const { return PyGC_IsEnabled() != 0; }
  std::array<GenerationStats, generations> get_stats() const noexcept {
    std::array<GenerationStats, generations> rows;
    for (std::size_t g = 0; g < generations; ++g) {
      auto const& row = gc_.generation_stats[g];
      rows[g] = {static_cast<std::uint64_t>(row.collections),
                 static_cast<std::uint64_t>(row.collected),
                 static_cast<std::uint64_t>(row.uncollectable)};
    }
    return rows;
  }
  PerGeneration get_count() const noexcept { return of_each(&gc_generation::count); }
  PerGeneration get_threshold() const noexcept { return of_each(&gc_generation::threshold); }
  void set_threshold(PerGeneration const& thresholds) {
    for (std::size_t g = 0; g < generations; ++g) {
      gc_.generations[g].threshold =
          static_cast<int>(std::min<std::uint64_t>(thresholds[g], std::numeric_limits<int>::max()));
    }
  }
  void freeze() { heap_.python().freeze(); }
  void unfreeze() { heap_.python().unfreeze(); }
  std::uint64_t get_freeze_count() const { return heap_.python().freeze_count(); }
  void save_all(bool on) { heap_.python().save_all(on); }
  std::size_t garbage_size() const noexcept {
    return static_cast<std::size_t>(PyList_GET_SIZE(gc_.garbage));
  }
  void garbage(Local& local, std::size_t index) {
    CHURN_CHECK(index < garbage_size());
    this->set(local, ref_of(PyList_GET_ITEM(gc_.garbage, static_cast<Py_ssize_t>(index))));
  }
  void clear_garbage() { PyList_SetSlice(gc_.garbage, 0, PyList_GET_SIZE(gc_.garbage), nullptr); }
  void on_collection(CollectionHook hook) { heap_.notices().tell(hook); }
  bool is_tracked(Ref object) const { return PyObject_GC_IsTracked(python_of(object)) != 0; }
  std::uint64_t size_of(Ref object) const noexcept {
    PyObject* const python = python_of(object);
    if (PyWeakref_Check(python)) return python_weak_bytes;
    return python_bytes(PythonObject::of(python)->shape());
  }

 private:
  // The reference becomes the local's.
  void own(Local& local, Ref object) {
    typename Base::template Frame<1> made(*this);
    LocalAccess::exchange(made[0], object);
    this->move(local, made[0]);
  }
  PerGeneration of_each(int gc_generation::* member) const noexcept {
    PerGeneration result;
    for (std::size_t g = 0; g < generations; ++g) {
      result[g] = static_cast<std::uint64_t>(gc_.generations[g].*member);
    }
    return result;
  }

  Heap& heap_;
  State& gc_;
  DeathHooks<PythonMutator> hooks_;
};

}  // namespace churn::collectors
