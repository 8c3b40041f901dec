// What:  the real one: CPython's own reference counts and collector, from the libpython of this
//        machine, behind the same mutator.
// Why:   the reference for `generational`, in what it does and in what it costs; and the collector
//        that more programs run under than under any other here.
// When not: several threads: the interpreter has one lock. A Python program's other costs: there is
//        no bytecode here, objects are of C types (collectors/parts/python_objects.hpp).
// How:   every object is one of CPython's, made, counted, tracked and collected by it; this file
//        charges it to the heap limit, times its collections and reads its statistics. Whether an
//        allocation will collect is seen from the counts beforehand, so that no callback, with the
//        objects that CPython makes for one, disturbs what is measured. A Heap is a view of the one
//        interpreter of the process: one at a time.
// Settings: PYTHONMALLOC=malloc in the environment makes each object one malloc; else objects up to
//        512 bytes come from CPython's own arenas.
// Invariants: nothing is tracked but the heap's objects and weak references to them.
// Cost:  python_objects.hpp; a collection of generation g is CPython's.
// Source: CPython 3.11, Modules/gcmodule.c; docs.python.org/3.11/library/gc.html.
// Thread-safety: one mutator, which holds the interpreter's lock unless it is blocked.
#pragma once

#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "collectors/parts/mutator.hpp"
#include "collectors/parts/out_of_memory.hpp"
#include "collectors/parts/python_mutator.hpp"
#include "collectors/parts/python_notices.hpp"
#include "collectors/parts/python_objects.hpp"
#include "collectors/parts/python_recount.hpp"
#include "collectors/parts/roots.hpp"
#include "harness/core/clock.hpp"

namespace churn::cpython {

using collectors::PythonInterpreter;
using collectors::PythonObject;
using collectors::PythonObjects;
using collectors::Ref;
using collectors::Word;

inline constexpr Traits traits{.generational = true,
                               .counts = true,
                               .shared_slots = false,
                               .weak = true,
                               .finalizers = true,
                               .in_place = true,
                               .controls = true,
                               .max_mutators = 1};

inline constexpr std::array parameters{
    ParameterInfo{
        "threshold0", 700, 0, std::numeric_limits<int>::max(),
        "net allocations of objects with slots before generation 0 is collected; 0: never"},
    ParameterInfo{"threshold1", 10, 0, std::numeric_limits<int>::max(),
                  "collections of generation 0 before generation 1 is collected"},
    ParameterInfo{"threshold2", 10, 0, std::numeric_limits<int>::max(),
                  "collections of generation 1 before generation 2 is collected"},
};

// A contract's weak reference is one of Python's without a callback, of which an object has one.
class Weak {
 public:
  template <class M>
  explicit Weak(M&) noexcept {}
  ~Weak() { Py_XDECREF(reference); }
  Weak(Weak const&) = delete;
  Weak& operator=(Weak const&) = delete;

  PyObject* reference = nullptr;
};

class Heap {
 public:
  using Account = collectors::PythonAccount;
  using Weak = cpython::Weak;
  static constexpr Traits const& traits = cpython::traits;
  static constexpr std::uint32_t full_collection = generations - 1;

  explicit Heap(HeapOptions const& options)
      : python_(PythonInterpreter::get()),
        gc_(python_.collector()),
        accounts_(options.heap_limit_bytes, collectors::never_poll) {
    bool const another_heap_lives = std::exchange(exists_, true);
    CHURN_CHECK(!another_heap_lives);
    collectors::Gil const gil;
    objects_ = &PythonObjects::get();
    objects_->serve(&accounts_.spare(), &pauses_);
    python_.reset();
    for (std::size_t g = 0; g < generations; ++g) {
      gc_.generations[g].threshold =
          static_cast<int>(options.setting(parameters[g].name, parameters[g].standard));
    }
  }
  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;
  ~Heap() {
    collectors::Gil const gil;
    notices_.tell({});
    objects_->forget_the_watched();
    objects_->serve(nullptr, nullptr);
    exists_ = false;
  }

  // By the mutator's thread, which keeps the interpreter's lock from here to detach.
  Account& attach() {
    Account& account = accounts_.attach(traits.max_mutators);
    lock_ = PyGILState_Ensure();
    return account;
  }
  void detach(Account& account) {
    objects_->hook({});
    notices_.tell({});
    PyGILState_Release(lock_);
    accounts_.detach(account);
  }
  void leave(Account&) { blocked_ = PyEval_SaveThread(); }
  void come_back(Account&) { PyEval_RestoreThread(blocked_); }
  collectors::RootList<collectors::Local>& root_list() noexcept { return roots_; }

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    std::size_t const bytes = collectors::python_bytes(shape);
    if (!account.covers(bytes)) [[unlikely]] {
      poll(account, bytes);
    }
    PythonObject* object = shape.slots == 0 ? PythonObjects::make_atom(shape)
                           : collection_is_near()
                               ? timed(account, only_the_young_are_due(),
                                       [=] { return PythonObjects::make_node(shape); })
                               : PythonObjects::make_node(shape);
    if (object == nullptr) [[unlikely]] {
      object = try_again(account, shape);
    }
    account.charge(bytes, requested_bytes(shape));
    object->describe(shape);
    object->weak_list = nullptr;
    std::memset(object->slots(), 0, requested_bytes(shape));
    if (shape.slots != 0) PyObject_GC_Track(object);
    return Ref(object->slots());
  }
  // pre: referent has no weak object's type
  Ref make_weak(Ref referent, std::uint64_t tag) {
    Account& account = accounts_.spare();
    std::size_t const bytes = collectors::python_weak_bytes;
    if (!account.covers(bytes)) poll(account, bytes);
    auto const make = [&] { return objects_->make_weak(collectors::python_of(referent), tag); };
    PyObject* weak = timed(account, only_the_young_are_due(), make);
    if (weak == nullptr) {
      PyErr_Clear();
      collect(account, full_collection);
      weak = make();
      if (weak == nullptr) collectors::stop_without_memory(accounts_, bytes);
    }
    account.charge(bytes, collectors::weak_requested_bytes);
    return collectors::ref_of(weak);
  }

  CHURN_ALWAYS_INLINE void retain(Ref object) noexcept { Py_INCREF(collectors::python_of(object)); }
  CHURN_ALWAYS_INLINE void drop(Account&, Ref object) { Py_DECREF(collectors::python_of(object)); }
  void drop_global(Ref object) {
    if (!object) return;
    collectors::Gil const gil;
    drop(accounts_.spare(), object);
  }
  void stored(Ref) noexcept {}
  void moved_into(Ref, Ref) noexcept {}
  // With one mutator no slot races.
  Ref load_racing(Word* slot) noexcept {
    Ref const value = Ref::of(*slot);
    if (value) retain(value);
    return value;
  }
  Ref exchange_racing(Word* slot, Ref value) noexcept {
    return Ref::of(std::exchange(*slot, value.word()));
  }

  // Within a collection: 0, and nothing happens.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    return timed(account, generation == 0, [=, this] { return python_.collect(generation); });
  }

  // No GC point: what is due is collected at the next allocation.
  void weaken(Weak& weak, Ref object) {
    PyObject* fresh = nullptr;
    if (object) {
      int const enabled = std::exchange(gc_.enabled, 0);
      fresh = PyWeakref_NewRef(collectors::python_of(object), nullptr);
      gc_.enabled = enabled;
      if (fresh == nullptr) collectors::stop_without_memory(accounts_, sizeof(PyWeakReference));
    }
    Py_XDECREF(std::exchange(weak.reference, fresh));
  }
  Ref strengthen(Weak const& weak) noexcept {
    return weak.reference == nullptr ? Ref() : referent(weak.reference);
  }
  // With a reference of the caller's own, or null.
  Ref referent(PyObject* weak) noexcept {
    PyObject* const object = PyWeakref_GET_OBJECT(weak);
    if (object == Py_None) return Ref();
    Py_INCREF(object);
    return collectors::ref_of(object);
  }
  void watch(Ref object, std::uint64_t tag) { objects_->watch(collectors::python_of(object), tag); }
  Ref next_dead(std::uint64_t& tag) noexcept {
    PyObject* const object = objects_->next_ready(tag);
    return object == nullptr ? Ref() : collectors::ref_of(object);
  }
  std::uint64_t reference_count(Ref object) const noexcept {
    return static_cast<std::uint64_t>(Py_REFCNT(collectors::python_of(object)));
  }

  PythonInterpreter& python() noexcept { return python_; }
  PythonObjects& objects() noexcept { return *objects_; }
  collectors::PythonNotices& notices() noexcept { return notices_; }

  Stats stats() {
    collectors::Totals const totals = accounts_.totals();
    Stats stats;
    for (std::size_t g = 0; g < generations; ++g) {
      stats.collections[g] = static_cast<std::uint64_t>(gc_.generation_stats[g].collections);
    }
    stats.reclaimed_objects = found_by_collections_;
    // What no collection found was reclaimed by counting.
    stats.reclaimed_objects[0] += totals.reclaimed_objects;
    for (auto const found : found_by_collections_) stats.reclaimed_objects[0] -= found;
    stats.allocated_objects = totals.allocated_objects;
    stats.allocated_bytes = accounts_.sum(&Account::allocated_bytes);
    stats.reclaimed_bytes = accounts_.sum(&Account::reclaimed_bytes);
    stats.collector_cpu_ns = collector_cpu_ns_;
    pauses_.report(stats);
    return stats;
  }
  // Every reference in a slot, a local or one of the interpreter's lists names a live object, as
  // often as its count says; objects that are tracked, and atoms that they name, are all there are.
  void verify() {
    collectors::Totals const totals = accounts_.totals();
    bool const more_reclaimed_than_allocated =
        totals.reclaimed_objects > totals.allocated_objects || totals.returned > totals.charged;
    CHURN_CHECK(!more_reclaimed_than_allocated);
    if constexpr (CHURN_VERIFYING) {
      collectors::Gil const gil;
      collectors::python_recount(gc_, *objects_, roots_,
                                 totals.allocated_objects - totals.reclaimed_objects);
    }
  }
  void quiesce() noexcept {}
  void resume() noexcept {}
  void start_line() { pauses_.start_line(); }

 private:
  // The next tracked allocation will collect, if collecting is enabled.
  bool collection_is_near() const noexcept {
    return gc_.generations[0].count >= gc_.generations[0].threshold;
  }

  // It will be of the youngest, or not due at all.
  bool only_the_young_are_due() const noexcept {
    return gc_.generations[1].count <= gc_.generations[1].threshold;
  }

  std::array<Py_ssize_t, generations> collections() const noexcept {
    return {gc_.generation_stats[0].collections, gc_.generation_stats[1].collections,
            gc_.generation_stats[2].collections};
  }

  // What `work` returns; if it has collected, that was a pause. What hooks do is part of it. Asking
  // for CPU time takes longer than a brief collection, during which both are the same.
  template <class Work>
  CHURN_NEVER_INLINE std::invoke_result_t<Work> timed(Account& account, bool brief, Work work) {
    if (gc_.collecting != 0) return work();
    auto const before = collections();
    std::uint64_t const reclaimed = account.reclaimed_objects.get();
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const cpu_ns = brief ? start_ns : read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    auto const result = work();
    auto const after = collections();
    for (std::size_t g = 0; g < generations; ++g) {
      if (after[g] == before[g]) continue;
      found_by_collections_[g] += account.reclaimed_objects.get() - reclaimed;
      collector_cpu_ns_ += (brief ? now_ns() : read_clock_ns(CLOCK_THREAD_CPUTIME_ID)) - cpu_ns;
      pauses_.record_since(start_ns);
      break;
    }
    return result;
  }

  CHURN_NEVER_INLINE void poll(Account& account, std::size_t bytes) {
    if (accounts_.grant(account, bytes)) return;
    collect(account, full_collection);
    if (accounts_.grant(account, bytes)) return;
    collectors::stop_at_limit(accounts_, bytes);
  }
  CHURN_NEVER_INLINE PythonObject* try_again(Account& account, Shape shape) {
    PyErr_Clear();
    collect(account, full_collection);
    PythonObject* const object =
        shape.slots == 0 ? PythonObjects::make_atom(shape) : PythonObjects::make_node(shape);
    if (object != nullptr) return object;
    collectors::stop_without_memory(accounts_, collectors::python_bytes(shape));
  }

  static inline bool exists_ = false;

  PythonInterpreter& python_;
  PythonInterpreter::CollectorState& gc_;
  PythonObjects* objects_ = nullptr;
  collectors::PythonNotices notices_;
  collectors::Accounts<Account> accounts_;
  collectors::RootList<collectors::Local> roots_;
  collectors::PauseLog pauses_;
  std::array<std::uint64_t, generations> found_by_collections_{};
  std::uint64_t collector_cpu_ns_ = 0;
  PyGILState_STATE lock_{};
  PyThreadState* blocked_ = nullptr;
};

struct Collector {
  using Heap = cpython::Heap;
  using Mutator = collectors::PythonMutator<cpython::Heap>;
  static constexpr Traits const& traits = cpython::traits;
  static constexpr std::string_view why_no_split =
      "its objects are made and counted by CPython alone";
  static constexpr std::string_view summary =
      "CPython's own counts and collector: the libpython of this machine, embedded";
  static constexpr auto const& parameters = cpython::parameters;
  // With PYTHONMALLOC=malloc each object is one malloc.
  static constexpr std::array<std::string_view, 1> varies_with{"PYTHONMALLOC"};
  static Traits variant() noexcept {
    Traits here = traits;
    here.cells_from_malloc = collectors::python_takes_cells_from_malloc();
    return here;
  }
};

}  // namespace churn::cpython
