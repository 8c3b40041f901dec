// What:  the CPython of this machine's libpython, embedded: started once in a process, with its
//        collector alone in view.
// Why:   a peer that is measured must be the real one, and nothing but the heap's own objects may
//        be in its generations, or every collection would visit the interpreter's as well.
// How:   an isolated configuration without site and signal handlers: no environment variable is
//        read but PYTHONMALLOC, which is read here. All objects that the start has left behind are
//        untracked and kept (gc.freeze would do until the first unfreeze). Counts,
//        thresholds and statistics are read where the interpreter keeps them: gc.get_count() and
//        the like make tuples and dictionaries, which are tracked allocations themselves.
// Invariants: between calls nobody here holds the interpreter's lock. It is never finalized: what
//        it owns ends with the process.
// Errors: UserError if it does not start, or PYTHONMALLOC names no allocator.
// Cost:  about 15 ms, once.
// Source: CPython 3.11, Modules/gcmodule.c and Include/internal/pycore_gc.h.
// Thread-safety: calls need the interpreter's lock, which a Gil holds.
#pragma once

// clang-format off: the second needs what the first defines
#include <python3.11/Python.h>
#undef _PyGC_FINALIZED
#define Py_BUILD_CORE 1
#include <python3.11/internal/pycore_gc.h>
#undef Py_BUILD_CORE
// clang-format on

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/error.hpp"

namespace churn::collectors {

static_assert(PY_MAJOR_VERSION == 3 && PY_MINOR_VERSION == 11,
              "the collector's state is read where CPython 3.11 keeps it");

// While one exists, this thread holds the interpreter's lock. They nest.
class Gil {
 public:
  Gil() noexcept : state_(PyGILState_Ensure()) {}
  ~Gil() { PyGILState_Release(state_); }
  Gil(Gil const&) = delete;
  Gil& operator=(Gil const&) = delete;

 private:
  PyGILState_STATE const state_;
};

// PYTHONMALLOC puts the objects on malloc, the allocator under test.
inline bool python_takes_cells_from_malloc() noexcept {
  char const* const name = std::getenv("PYTHONMALLOC");
  return name != nullptr && std::string_view(name) == "malloc";
}

class PythonInterpreter {
 public:
  using CollectorState = _gc_runtime_state;

  static PythonInterpreter& get() {
    static PythonInterpreter interpreter;
    return interpreter;
  }
  PythonInterpreter(PythonInterpreter const&) = delete;
  PythonInterpreter& operator=(PythonInterpreter const&) = delete;

  CollectorState& collector() noexcept { return *collector_; }

  // What gc.collect(generation) returns.
  std::uint64_t collect(std::uint32_t generation) {
    PyObject* const number = PyLong_FromUnsignedLong(generation);
    PyObject* const found = PyObject_Vectorcall(collect_, &number, 1, nullptr);
    Py_DECREF(number);
    return whole(found);
  }
  void freeze() { Py_DECREF(call(freeze_)); }
  void unfreeze() { Py_DECREF(call(unfreeze_)); }
  std::uint64_t freeze_count() { return whole(call(freeze_count_)); }
  void save_all(bool on) {
    static constexpr unsigned long saving = 1ul << 5;  // gc.DEBUG_SAVEALL
    PyObject* const flags = PyLong_FromUnsignedLong(on ? saving : 0);
    PyObject* const none = PyObject_Vectorcall(set_debug_, &flags, 1, nullptr);
    Py_DECREF(flags);
    Py_DECREF(checked(none));
  }

  // Takes all that is tracked now out of the collector's sight. Once.
  void hide_everything() {
    collect(generations - 1);
    hidden_ = call(get_objects_);  // keeps them: none dies, and none is missed in a generation
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hidden_); ++i) {
      PyObject_GC_UnTrack(PyList_GET_ITEM(hidden_, i));
    }
    PyObject_GC_UnTrack(hidden_);
  }

  // As a new interpreter's, but for what is tracked. pre: nothing is, that matters
  void reset() {
    save_all(false);
    PyList_SetSlice(collector_->garbage, 0, PyList_GET_SIZE(collector_->garbage), nullptr);
    PyGC_Enable();
    collect(generations - 1);  // also empties the free lists, whose objects would be counted
    static constexpr int thresholds[generations] = {700, 10, 10};
    for (std::size_t g = 0; g < generations; ++g) {
      collector_->generations[g].threshold = thresholds[g];
      collector_->generations[g].count = 0;
      collector_->generation_stats[g] = {};
    }
    collector_->long_lived_total = collector_->long_lived_pending = 0;
  }

  // A value that a call has returned.
  static PyObject* checked(PyObject* value) noexcept {
    bool const python_raised_an_exception = value == nullptr;
    if (python_raised_an_exception) PyErr_Print();
    CHURN_CHECK(!python_raised_an_exception);
    return value;
  }

 private:
  PythonInterpreter() {
    start();
    PyObject* const module = checked(PyImport_ImportModule("gc"));
    collect_ = checked(PyObject_GetAttrString(module, "collect"));
    freeze_ = checked(PyObject_GetAttrString(module, "freeze"));
    unfreeze_ = checked(PyObject_GetAttrString(module, "unfreeze"));
    freeze_count_ = checked(PyObject_GetAttrString(module, "get_freeze_count"));
    set_debug_ = checked(PyObject_GetAttrString(module, "set_debug"));
    get_objects_ = checked(PyObject_GetAttrString(module, "get_objects"));
    find_collector(module);
    PyEval_SaveThread();
  }

  static void start() {
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.allocator = allocator();
    expect(Py_PreInitialize(&before));
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    PyStatus const status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    expect(status);
  }
  static void expect(PyStatus const& status) {
    if (!PyStatus_Exception(status)) return;
    throw UserError(std::string("CPython does not start: ") +
                    (status.err_msg != nullptr ? status.err_msg : "it says nothing") +
                    "; is libpython3.11-stdlib installed?");
  }

  // Where use after death must show, dead objects are poisoned: by CPython's own debugging hooks,
  // or by the sanitizer, which knows what malloc hands out.
  static int allocator() {
    char const* const name = std::getenv("PYTHONMALLOC");
    if (name == nullptr || *name == '\0') {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
      return PYMEM_ALLOCATOR_MALLOC;
#else
      return CHURN_VERIFYING ? PYMEM_ALLOCATOR_PYMALLOC_DEBUG : PYMEM_ALLOCATOR_PYMALLOC;
#endif
    }
    struct Known {
      std::string_view name;
      int allocator;
    };
    for (Known const& each : {Known{"default", PYMEM_ALLOCATOR_DEFAULT},
                              {"malloc", PYMEM_ALLOCATOR_MALLOC},
                              {"malloc_debug", PYMEM_ALLOCATOR_MALLOC_DEBUG},
                              {"pymalloc", PYMEM_ALLOCATOR_PYMALLOC},
                              {"pymalloc_debug", PYMEM_ALLOCATOR_PYMALLOC_DEBUG}}) {
      if (each.name == name) return each.allocator;
    }
    throw UserError(std::string("PYTHONMALLOC=") + name +
                    " names no allocator of CPython: it is default, malloc, malloc_debug, pymalloc "
                    "or pymalloc_debug");
  }

  // The one young object's neighbour is the head of its list, which lies in the collector's state:
  // so only that state's layout is taken from CPython's own headers, and checked.
  void find_collector(PyObject* module) {
    collect(generations - 1);
    PyObject* const young = checked(PyList_New(0));
    PyGC_Head* const head = _PyGCHead_PREV(_Py_AS_GC(young));
    Py_DECREF(young);
    collector_ = reinterpret_cast<CollectorState*>(reinterpret_cast<std::byte*>(head) -
                                                   offsetof(CollectorState, generations));
    PyObject* const garbage = checked(PyObject_GetAttrString(module, "garbage"));
    PyObject* const callbacks = checked(PyObject_GetAttrString(module, "callbacks"));
    bool const state_is_where_it_is_expected = collector_->generation0 == head &&
                                               collector_->garbage == garbage &&
                                               collector_->callbacks == callbacks;
    CHURN_CHECK(state_is_where_it_is_expected);
    Py_DECREF(garbage);
    Py_DECREF(callbacks);
  }

  static PyObject* call(PyObject* function) {
    return checked(PyObject_Vectorcall(function, nullptr, 0, nullptr));
  }
  static std::uint64_t whole(PyObject* number) {
    std::uint64_t const value = PyLong_AsUnsignedLongLong(checked(number));
    Py_DECREF(number);
    return value;
  }

  CollectorState* collector_ = nullptr;
  PyObject *collect_ = nullptr, *freeze_ = nullptr, *unfreeze_ = nullptr;
  PyObject *freeze_count_ = nullptr, *set_debug_ = nullptr, *get_objects_ = nullptr;
  PyObject* hidden_ = nullptr;
};

}  // namespace churn::collectors
