// What:  the objects of the collector cpython as CPython sees them: five C types, and what happens
//        when one of their instances dies.
// Why:   its collector works on any type that can visit and clear what its instances refer to.
//        These hold the slots and the payload of the contract and nothing else.
// How:   an object with slots is a tracked PyVarObject with a weak list, then the slots, then the
//        payload; a slot holds the address of an object's first slot, so that Ref is the same word
//        as elsewhere. An object without slots is of an untracked type. Watching an object gives it
//        a type with a finalizer, as assigning __class__ does in Python. A weak object is an
//        instance of a subclass of weakref.ref with room for a tag.
// Death: where a count reaches zero, as for an instance of a Python class (subtype_dealloc): the
//        finalizer; then, unless it kept the object, weak references become null and their hooks
//        run, newest first; then the slots are dropped in order, each child dying whole before the
//        next; then the memory goes. Recursion ends as in CPython: in its trash can (of 3.11; 3.13
//        looks at its stack instead).
//        Without hooks a watched object is given to `ready` instead, its weak references gone.
// Cost:  48 bytes an object with slots (16 of them for the links of CPython's generations), 32
//        without; a weak object takes 96.
// Source: CPython 3.11, Objects/typeobject.c, Objects/weakrefobject.c, Modules/gcmodule.c.
// Thread-safety: the interpreter's lock.
#pragma once

#include <utility>

#include "collectors/parts/accounts.hpp"
#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/pauses.hpp"
#include "collectors/parts/python_interpreter.hpp"
#include "collectors/parts/reference.hpp"
#include "collectors/parts/side_table.hpp"

namespace churn::collectors {

struct PythonObject {
  PyVarObject head;  // its size is the shape: slots below, payload bytes above
  PyObject* weak_list;

  void describe(Shape shape) noexcept {
    head.ob_size = static_cast<Py_ssize_t>(std::uint64_t{shape.payload_bytes} << 32 | shape.slots);
  }
  Shape shape() const noexcept {
    auto const size = static_cast<std::uint64_t>(head.ob_size);
    return {static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(size >> 32)};
  }
  std::uint32_t slot_count() const noexcept { return static_cast<std::uint32_t>(head.ob_size); }
  Word* slots() noexcept { return reinterpret_cast<Word*>(this + 1); }
  PyObject* python() noexcept { return reinterpret_cast<PyObject*>(this); }

  static PythonObject* of(PyObject* object) noexcept {
    return reinterpret_cast<PythonObject*>(object);
  }
};
struct PythonWeakObject {
  PyWeakReference reference;
  std::uint64_t tag;
  PythonWeakObject* next;  // with hooks that are about to run
};

// A Ref is the address behind a PythonObject, of a weak object too.
inline PyObject* python_of(Ref ref) noexcept {
  return reinterpret_cast<PyObject*>(reinterpret_cast<std::byte*>(ref.slots()) -
                                     sizeof(PythonObject));
}
inline Ref ref_of(PyObject* object) noexcept {
  return Ref(reinterpret_cast<std::byte*>(object) + sizeof(PythonObject));
}

inline constexpr std::size_t python_links_bytes = sizeof(PyGC_Head);
inline constexpr std::size_t python_weak_bytes = python_links_bytes + sizeof(PythonWeakObject);
constexpr std::size_t python_bytes(Shape shape) noexcept {
  return (shape.slots == 0 ? 0 : python_links_bytes) + sizeof(PythonObject) +
         requested_bytes(shape);
}
// What a weak object asks for: the word that names its referent.
inline constexpr std::size_t weak_requested_bytes = 8;

struct PythonAccount : Account<PlainCounter> {
  void charge(std::size_t bytes, std::size_t requested) noexcept {
    Account::charge(bytes);
    allocated_bytes.add(requested);
  }
  void give_back(std::size_t bytes, std::size_t requested) noexcept {
    Account::give_back(bytes);
    reclaimed_bytes.add(requested);
  }
  Counter allocated_bytes, reclaimed_bytes;  // requested
};

// What the heap's user wants to know of deaths. Null: not.
struct PythonDeathHooks {
  void* context = nullptr;
  void (*finalize)(void* context, Ref object, std::uint64_t tag) = nullptr;
  void (*weak_died)(void* context, Ref weak, std::uint64_t tag) = nullptr;
};

// The types, and the state that their functions share. One for the process, like the interpreter.
class PythonObjects {
 public:
  static constexpr std::uint64_t unrecorded_objects = 64;
  static inline PyTypeObject node_type{}, watched_node_type{}, atom_type{}, watched_atom_type{};
  static inline PyTypeObject weak_type{};

  static PythonObjects& get() {
    static PythonObjects objects;
    return objects;
  }
  PythonObjects(PythonObjects const&) = delete;
  PythonObjects& operator=(PythonObjects const&) = delete;

  // Null, and a Python exception, where there is no memory. May collect first.
  static PythonObject* make_node(Shape shape) noexcept {
    auto const words = static_cast<Py_ssize_t>(requested_bytes(shape) / 8);
    return reinterpret_cast<PythonObject*>(_PyObject_GC_NewVar(&node_type, words));
  }
  static PythonObject* make_atom(Shape shape) noexcept {
    auto const words = static_cast<Py_ssize_t>(requested_bytes(shape) / 8);
    return reinterpret_cast<PythonObject*>(_PyObject_NewVar(&atom_type, words));
  }
  PyObject* make_weak(PyObject* referent, std::uint64_t tag) noexcept {
    // A collection may run hooks that come here again, but no second collection. The tuples own
    // nothing, and never end.
    PyObject* const arguments =
        arguments_[PythonInterpreter::get().collector().collecting != 0 ? 1 : 0];
    Py_INCREF(referent);
    PyTuple_SET_ITEM(arguments, 0, referent);
    PyTuple_SET_ITEM(arguments, 1, tag == 0 ? Py_None : weak_died_);
    PyObject* const weak = _PyWeakref_RefType.tp_new(&weak_type, arguments, nullptr);
    PyTuple_SET_ITEM(arguments, 0, Py_None);
    if (weak != nullptr) reinterpret_cast<PythonWeakObject*>(weak)->tag = tag;
    Py_DECREF(referent);
    return weak;
  }

  // pre: it was never watched
  void watch(PyObject* object, std::uint64_t tag) {
    tags_.at(PythonObject::of(object)) = tag;
    Py_SET_TYPE(object, Py_IS_TYPE(object, &atom_type) ? &watched_atom_type : &watched_node_type);
  }
  // With its reference; null where none is ready.
  PyObject* next_ready(std::uint64_t& tag) noexcept {
    if (ready_.empty()) return nullptr;
    PythonObject* const object = ready_.pop();
    tag = *tags_.find(object);
    tags_.erase(object);
    return object->python();
  }
  template <class Visit>
  void for_each_ready(Visit visit) {
    for (PythonObject* const object : ready_) visit(object->python());
  }

  void hook(PythonDeathHooks const& hooks) noexcept { hooks_ = hooks; }
  // From now on those objects belong to this heap. pre: there is none of another's
  void serve(PythonAccount* account, PauseLog* pauses) noexcept {
    account_ = account;
    pauses_ = pauses;
  }
  // The heap ends: who dies now dies without a word.
  void forget_the_watched() {
    hooks_ = {};
    silent_ = true;
    for (std::uint64_t tag; PyObject* const object = next_ready(tag);) Py_DECREF(object);
    PythonInterpreter::get().unfreeze();
    PythonInterpreter::get().reset();
    silent_ = false;
  }

 private:
  PythonObjects() {
    make_type(node_type, "churn.node", true, false);
    make_type(watched_node_type, "churn.watched_node", true, true);
    make_type(atom_type, "churn.atom", false, false);
    make_type(watched_atom_type, "churn.watched_atom", false, true);
    weak_type.tp_name = "churn.weak";
    weak_type.tp_base = &_PyWeakref_RefType;
    weak_type.tp_basicsize = sizeof(PythonWeakObject);
    weak_type.tp_flags = Py_TPFLAGS_DEFAULT;
    weak_type.tp_dealloc = dealloc_weak;
    ready(weak_type);
    static PyMethodDef weak_died{"weak_died", hear_of_death, METH_O, nullptr};
    weak_died_ = PythonInterpreter::checked(PyCFunction_New(&weak_died, nullptr));
    for (PyObject*& each : arguments_) each = PythonInterpreter::checked(PyTuple_New(2));
    PythonInterpreter::get().hide_everything();
  }
  static void make_type(PyTypeObject& type, char const* name, bool has_slots, bool watched) {
    type.tp_name = name;
    type.tp_basicsize = sizeof(PythonObject);
    type.tp_itemsize = sizeof(Word);
    type.tp_weaklistoffset = offsetof(PythonObject, weak_list);
    type.tp_flags = Py_TPFLAGS_DEFAULT | (has_slots ? Py_TPFLAGS_HAVE_GC : 0);
    type.tp_dealloc = has_slots ? dealloc_node : dealloc_atom;
    if (has_slots) type.tp_traverse = traverse;
    if (has_slots) type.tp_clear = clear;
    if (watched) type.tp_finalize = finalize;
    ready(type);
  }
  static void ready(PyTypeObject& type) {
    Py_SET_REFCNT(&type, 1);
    bool const type_is_ready = PyType_Ready(&type) == 0;
    CHURN_CHECK(type_is_ready);
  }

  // ---- what CPython calls ----

  static int traverse(PyObject* self, visitproc visit, void* context) {
    PythonObject* const object = PythonObject::of(self);
    Word const* const slots = object->slots();
    for (std::uint32_t i = 0, n = object->slot_count(); i < n; ++i) {
      if (slots[i] == 0) continue;
      if (int const result = visit(python_of(Ref::of(slots[i])), context)) return result;
    }
    return 0;
  }
  static int clear(PyObject* self) {
    PythonObject* const object = PythonObject::of(self);
    Word* const slots = object->slots();
    for (std::uint32_t i = 0; i < object->slot_count(); ++i) drop_slot(slots[i]);
    return 0;
  }
  static void finalize(PyObject* self) { get().finalize_once(self); }
  static void dealloc_node(PyObject* self) {
    PythonObjects& objects = get();
    PyObject_GC_UnTrack(self);
    if (objects.nesting_++ == 0) objects.freed_ = 0;
    Py_TRASHCAN_BEGIN(self, dealloc_node);
    objects.node_dies(self);
    Py_TRASHCAN_END;
    if (--objects.nesting_ == 0) objects.record_cascade();
  }
  static void dealloc_atom(PyObject* self) { get().atom_dies(self); }
  static void dealloc_weak(PyObject* self) {
    get().account_->give_back(python_weak_bytes, weak_requested_bytes);
    _PyWeakref_RefType.tp_dealloc(self);
  }
  static PyObject* hear_of_death(PyObject*, PyObject* weak) {
    get().tell_of_death(reinterpret_cast<PythonWeakObject*>(weak));
    Py_RETURN_NONE;
  }

  // ---- deaths ----

  static void drop_slot(Word& slot) {
    Word const child = std::exchange(slot, 0);
    if (child != 0) Py_DECREF(python_of(Ref::of(child)));
  }

  void finalize_once(PyObject* self) {
    Py_SET_TYPE(self, Py_IS_TYPE(self, &watched_atom_type) ? &atom_type : &node_type);
    PythonObject* const object = PythonObject::of(self);
    if (!silent_ && hooks_.finalize == nullptr) {
      Py_INCREF(self);
      ready_.push(object);
      return;
    }
    std::uint64_t const tag = *tags_.find(object);
    tags_.erase(object);
    if (silent_) return;
    hooks_.finalize(hooks_.context, ref_of(self), tag);
  }
  void tell_of_death(PythonWeakObject* weak) {
    if (hooks_.weak_died == nullptr) return;
    hooks_.weak_died(hooks_.context, ref_of(reinterpret_cast<PyObject*>(weak)), weak->tag);
  }

  // True: it lives on.
  bool finalizer_keeps(PyObject* self) {
    PythonObject* const object = PythonObject::of(self);
    if (hooks_.finalize == nullptr) clear_weak_references(object);
    clear_plain_references(object);
    return PyObject_CallFinalizerFromDealloc(self) < 0;
  }
  // pre: untracked
  void node_dies(PyObject* self) {
    if (Py_TYPE(self)->tp_finalize != nullptr) {
      PyObject_GC_Track(self);
      if (finalizer_keeps(self)) return;
      PyObject_GC_UnTrack(self);
    }
    PythonObject* const object = PythonObject::of(self);
    if (object->weak_list != nullptr) clear_weak_references(object);
    clear(self);
    account_->give_back(python_bytes(object->shape()), requested_bytes(object->shape()));
    PyObject_GC_Del(self);
    if (++freed_ == unrecorded_objects) cascade_start_ns_ = now_ns();
  }
  // A collection is a pause already.
  void record_cascade() {
    if (freed_ <= unrecorded_objects) return;
    if (PythonInterpreter::get().collector().collecting != 0) return;
    pauses_->record_since(cascade_start_ns_);
  }
  void atom_dies(PyObject* self) {
    if (Py_TYPE(self)->tp_finalize != nullptr && finalizer_keeps(self)) return;
    PythonObject* const object = PythonObject::of(self);
    if (object->weak_list != nullptr) clear_weak_references(object);
    Shape const shape = object->shape();
    account_->give_back(python_bytes(shape), requested_bytes(shape));
    PyObject_Free(self);
  }

  // The contract's own: null from the moment at which death is decided. CPython keeps them first.
  static void clear_plain_references(PythonObject* object) {
    while (object->weak_list != nullptr && Py_IS_TYPE(object->weak_list, &_PyWeakref_RefType)) {
      _PyWeakref_ClearRef(reinterpret_cast<PyWeakReference*>(object->weak_list));
    }
  }
  // PyObject_ClearWeakRefs would make a tuple of more than one: a tracked allocation, and perhaps a
  // collection, within a drop. As that tuple does, it lets go of them when all hooks have run, of
  // the last one first.
  void clear_weak_references(PythonObject* object) {
    PythonWeakObject *first = nullptr, **last = &first;
    while (object->weak_list != nullptr) {
      auto* const reference = reinterpret_cast<PyWeakReference*>(object->weak_list);
      _PyWeakref_ClearRef(reference);
      if (reference->wr_callback == nullptr || Py_REFCNT(reference) == 0) continue;
      auto* const weak = reinterpret_cast<PythonWeakObject*>(reference);
      Py_INCREF(weak);
      weak->next = nullptr;
      *last = weak;
      last = &weak->next;
    }
    PythonWeakObject* told = nullptr;
    while (first != nullptr) {
      tell_of_death(first);
      PythonWeakObject* const next = std::exchange(first->next, told);
      told = std::exchange(first, next);
    }
    while (told != nullptr) Py_DECREF(std::exchange(told, told->next));
  }

  PyObject* weak_died_ = nullptr;  // what CPython calls where a weak object has a tag
  PyObject* arguments_[2] = {};    // of weak_type(referent, callback)
  SideTable<PythonObject, std::uint64_t> tags_;
  PageBuffer<PythonObject> ready_;
  PythonDeathHooks hooks_;
  PythonAccount* account_ = nullptr;
  PauseLog* pauses_ = nullptr;
  std::uint32_t nesting_ = 0;                       // deaths within each other, now
  std::uint64_t freed_ = 0, cascade_start_ns_ = 0;  // in the outermost of them
  bool silent_ = false;
};

}  // namespace churn::collectors
