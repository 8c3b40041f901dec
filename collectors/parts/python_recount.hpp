// What:  counts every reference to the objects of the collector cpython again: all slots, all
//        locals, and the interpreter's own lists.
// Why:   a wrong count is found where it arises. CPython's lists of generations say what is
//        tracked; objects without slots are in none, and are known by who names them.
// When not: ordinary builds, where the locals are not listed.
// Cost:  sorted tables of all objects, and a binary search for each reference.
// Thread-safety: no mutator runs, or only the caller's; the interpreter's lock.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "collectors/parts/python_objects.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

class PythonRecount {
 public:
  explicit PythonRecount(PythonInterpreter::CollectorState& state) {
    for (auto* const list : {&state.generations[0].head, &state.generations[1].head,
                             &state.generations[2].head, &state.permanent_generation.head}) {
      for (auto* each = _PyGCHead_NEXT(list); each != list; each = _PyGCHead_NEXT(each)) {
        add(reinterpret_cast<PyObject*>(each + 1));
      }
    }
    std::sort(tracked_.begin(), tracked_.end());
  }

  // A slot, a local or a list names this object.
  void see(PyObject* object) {
    if (is_atom(object)) return atoms_.push_back(object);
    auto const place = std::lower_bound(tracked_.begin(), tracked_.end(), Seen(object, 0));
    bool const names_a_live_object = place != tracked_.end() && place->first == object;
    CHURN_CHECK(names_a_live_object);
    ++place->second;
  }
  void see_slots() {
    for (std::size_t i = 0; i < tracked_.size(); ++i) {
      if (!is_node(tracked_[i].first)) continue;
      PythonObject* const node = PythonObject::of(tracked_[i].first);
      for (std::uint32_t slot = 0; slot < node->slot_count(); ++slot) {
        if (node->slots()[slot] != 0) see(python_of(Ref::of(node->slots()[slot])));
      }
    }
  }

  // pre: all references have been seen. `present` objects exist, weak objects among them.
  void check(std::uint64_t present) {
    for (auto const& [object, references] : tracked_) expect_count(object, references);
    std::sort(atoms_.begin(), atoms_.end());
    std::uint64_t atoms = 0;
    for (auto first = atoms_.begin(); first != atoms_.end(); ++atoms) {
      auto const last = std::upper_bound(first, atoms_.end(), *first);
      expect_count(*first, static_cast<Word>(last - first));
      first = last;
    }
    bool const all_objects_are_met = tracked_.size() - weak_references_ + atoms == present;
    CHURN_CHECK(all_objects_are_met);
  }

 private:
  using Seen = std::pair<PyObject*, Word>;

  void add(PyObject* object) {
    bool const stranger_is_tracked = !is_node(object) && !PyWeakref_Check(object);
    CHURN_CHECK(!stranger_is_tracked);
    weak_references_ += Py_IS_TYPE(object, &_PyWeakref_RefType) ? 1 : 0;
    tracked_.emplace_back(object, 0);
  }
  // Who holds a contract's weak reference is not listed.
  static void expect_count(PyObject* object, Word references) {
    bool const count_is_the_number_of_references =
        Py_IS_TYPE(object, &_PyWeakref_RefType) ||
        static_cast<Word>(Py_REFCNT(object)) == references;
    CHURN_CHECK(count_is_the_number_of_references);
  }
  static bool is_node(PyObject* object) noexcept {
    return Py_IS_TYPE(object, &PythonObjects::node_type) ||
           Py_IS_TYPE(object, &PythonObjects::watched_node_type);
  }
  static bool is_atom(PyObject* object) noexcept {
    return Py_IS_TYPE(object, &PythonObjects::atom_type) ||
           Py_IS_TYPE(object, &PythonObjects::watched_atom_type);
  }

  std::vector<Seen> tracked_;
  std::vector<PyObject*> atoms_;  // once for each reference
  std::uint64_t weak_references_ = 0;
};

// `present` objects exist, weak objects among them; `roots` lists all locals.
template <class Roots>
void python_recount(PythonInterpreter::CollectorState& state, PythonObjects& objects, Roots& roots,
                    std::uint64_t present) {
  if constexpr (CHURN_VERIFYING) {
    PythonRecount recount(state);
    recount.see_slots();
    roots.for_each([&](auto const& local) {
      if (local.get()) recount.see(python_of(local.get()));
    });
    objects.for_each_ready([&](PyObject* object) { recount.see(object); });
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(state.garbage); ++i) {
      recount.see(PyList_GET_ITEM(state.garbage, i));
    }
    recount.check(present);
  }
}

}  // namespace churn::collectors
