// What:  counts every reference of a heap again: all slots of all objects, all locals.
// Why:   a wrong count is found where it arises, not a million operations later.
// When not: ordinary builds: there is no list of objects to walk.
// Cost:  a sorted table of all objects and a binary search for each reference.
// Thread-safety: no mutator runs.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "collectors/parts/object_list.hpp"
#include "collectors/parts/reference.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

// How many references to each object have been seen. Objects are Headers, or whatever is listed.
template <class Object>
class Recount {
 public:
  explicit Recount(ObjectList<Object>& objects) {
    objects.for_each([this](Object* object) { seen_.emplace_back(object, 0); });
    std::sort(seen_.begin(), seen_.end());
  }

  // A slot or a local names this object.
  void see(Object* object) {
    auto const place = std::lower_bound(seen_.begin(), seen_.end(), std::pair(object, Word{0}));
    bool const names_a_live_object = place != seen_.end() && place->first == object;
    CHURN_CHECK(names_a_live_object);
    ++place->second;
  }

  // check(object, references) for every object.
  template <class Check>
  void for_each(Check check) const {
    for (auto const& [object, references] : seen_) check(object, references);
  }

 private:
  std::vector<std::pair<Object*, Word>> seen_;
};

// Objects with a header before their slots: sees every slot and local, then check(header,
// references).
template <class Header, class Objects, class Roots, class Check>
void recount(Objects& objects, Roots& roots, Check check) {
  if constexpr (CHURN_VERIFYING) {
    Recount<Header> recount(objects);
    auto const see = [&](Ref reference) {
      if (reference) recount.see(reinterpret_cast<Header*>(reference.slots()) - 1);
    };
    objects.for_each([&](Header* header) {
      Ref const object(header + 1);
      std::uint32_t const slots = header->shape().slots;
      for (std::uint32_t i = 0; i < slots; ++i) see(Ref::of(*object.slot(i)));
    });
    roots.for_each([&](auto const& local) { see(local.get()); });
    recount.for_each(check);
  }
}

}  // namespace churn::collectors
