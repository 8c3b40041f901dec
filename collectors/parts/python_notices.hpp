// What:  gc.callbacks for one listener: told when CPython starts a collection, and when it stops.
// Why:   the contract's on_collection.
// How:   CPython hands its callbacks a dictionary, which is a tracked allocation: the one for the
//        stop, made after the counts were set to zero, would be counted. The one for the start is
//        therefore kept until the stop and freed there for good, which takes one off the count
//        again. Nothing is installed while nobody listens.
// Invariants: within a collection CPython's free list holds no dictionary. A full one would free it
//        and take one off the count, and the one for the stop would come from there, uncounted.
//        There may be several: what dies where deaths nest too deep waits in the trash can, the
//        dictionary of a collection there too, and meanwhile the next one is made afresh.
// Cost:  about a microsecond a collection.
// Source: CPython 3.11, Modules/gcmodule.c, invoke_gc_callback.
// Thread-safety: the interpreter's lock.
#pragma once

#include <string_view>
#include <utility>

#include "collectors/parts/python_interpreter.hpp"

namespace churn::collectors {

class PythonNotices {
 public:
  PythonNotices() noexcept = default;
  PythonNotices(PythonNotices const&) = delete;
  PythonNotices& operator=(PythonNotices const&) = delete;

  // A null notice ends it. Not from within a notice.
  void tell(CollectionHook hook) {
    bool const listened = hook_.notice != nullptr, listens = hook.notice != nullptr;
    hook_ = hook;
    if (listened == listens) return;
    auto& state = PythonInterpreter::get().collector();
    auto& young = state.generations[0];
    int const count = young.count, enabled = std::exchange(state.enabled, 0);
    PyList_SetSlice(state.callbacks, 0, PyList_GET_SIZE(state.callbacks), nullptr);
    if (listens) install(state.callbacks);
    young.count = count;
    state.enabled = enabled;
  }

 private:
  void install(PyObject* callbacks) {
    Py_DECREF(PythonInterpreter::checked(PyDict_New()));  // to the free list
    // Its type is wider than the table's entry, whose flag says so.
    auto* const function = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(called));
    static PyMethodDef method{"notice", function, METH_FASTCALL, nullptr};
    PyObject* const self = PythonInterpreter::checked(PyCapsule_New(this, nullptr, nullptr));
    PyObject* const callback = PythonInterpreter::checked(PyCFunction_New(&method, self));
    PyObject_GC_UnTrack(callback);
    PyList_Append(callbacks, callback);
    Py_DECREF(callback);
    Py_DECREF(self);
  }
  static PyObject* called(PyObject* self, PyObject* const* arguments, Py_ssize_t) {
    auto& notices = *static_cast<PythonNotices*>(PyCapsule_GetPointer(self, nullptr));
    char const* const phase = PyUnicode_AsUTF8(arguments[0]);
    notices.hear(std::string_view(phase) == "stop", arguments[1]);
    Py_RETURN_NONE;
  }
  void hear(bool stops, PyObject* told) {
    CollectionEvent const event{stops, static_cast<std::uint32_t>(figure(told, "generation")),
                                figure(told, "collected"), figure(told, "uncollectable")};
    if (stops) {
      PyDict_Clear(first_);
      PyObject_GC_Del(first_);
      first_ = nullptr;
    } else {
      Py_INCREF(told);
      first_ = told;
      empty_the_free_list();
    }
    hook_.notice(hook_.context, event);
  }
  // Only what does not come from it is counted. pre: a collection starts, so counts do not matter
  static void empty_the_free_list() {
    int const& count = PythonInterpreter::get().collector().generations[0].count;
    for (bool from_the_list = true; from_the_list;) {
      int const before = count;
      PyObject* const dictionary = PythonInterpreter::checked(PyDict_New());
      from_the_list = count == before;
      PyObject_GC_Del(dictionary);
    }
  }
  static std::uint64_t figure(PyObject* told, char const* name) {
    return PyLong_AsUnsignedLongLong(PyDict_GetItemString(told, name));
  }

  CollectionHook hook_;
  PyObject* first_ = nullptr;  // what was told at the start
};

}  // namespace churn::collectors
