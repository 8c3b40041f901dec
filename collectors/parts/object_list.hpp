// What:  the list of all objects of a heap, threaded through their headers.
// Why:   builds with CHURN_VERIFYING use it to visit every object in verify(), and to free what is
//        left when a heap ends, so that a leak checker sees only true leaks.
// When not: ordinary builds: there the links are empty classes and the list does nothing; what is
//        left at the end of a cell's heap ends with its process.
// Cost:  where it exists: 16 bytes an object, and a lock around each insertion and removal.
#pragma once

#include <mutex>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"

namespace churn::collectors {

template <bool linked>
struct ObjectLinksOf {};
template <>
struct ObjectLinksOf<true> {
  ObjectLinksOf* next = nullptr;
  ObjectLinksOf* previous = nullptr;
};
using ObjectLinks = ObjectLinksOf<CHURN_VERIFYING != 0>;

// For headers that ordinary builds do without: links and shape, or nothing at all.
template <bool linked>
class ListedShapeOf {
 public:
  void describe(Shape) noexcept {}
};
template <>
class ListedShapeOf<true> : public ObjectLinksOf<true> {
 public:
  void describe(Shape shape) noexcept { shape_ = shape; }
  Shape shape() const noexcept { return shape_; }

 private:
  Shape shape_;
};
using ListedShape = ListedShapeOf<CHURN_VERIFYING != 0>;

// Header derives from ObjectLinks.
template <class Header, bool linked = CHURN_VERIFYING != 0>
class ObjectList {
 public:
  void add(Header*) noexcept {}
  void remove(Header*) noexcept {}
  template <class Visit>
  void for_each(Visit) noexcept {}
};

template <class Header>
class ObjectList<Header, true> {
  using Links = ObjectLinksOf<true>;

 public:
  void add(Header* object) {
    Links* const links = object;
    std::lock_guard const lock(mutex_);
    links->previous = nullptr;
    links->next = first_;
    if (first_ != nullptr) first_->previous = links;
    first_ = links;
  }
  void remove(Header* object) {
    Links* const links = object;
    std::lock_guard const lock(mutex_);
    if (links->next != nullptr) links->next->previous = links->previous;
    (links->previous != nullptr ? links->previous->next : first_) = links->next;
  }
  // The visitor may free the object it is given.
  template <class Visit>
  void for_each(Visit visit) {
    for (Links *links = first_, *next = nullptr; links != nullptr; links = next) {
      next = links->next;
      visit(static_cast<Header*>(links));
    }
  }

 private:
  std::mutex mutex_;
  Links* first_ = nullptr;
};

}  // namespace churn::collectors
