// What:  a plain model of a managed heap: objects with slots, and which of them must still be
//        present after a full collection, given what the places outside the heap name.
// Why:   the mutation test compares a collector against it, so it is as dull as it can be: vectors,
//        and everything recomputed from scratch.
// Cost:  settle() is linear in objects present. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/core/contracts.hpp"

namespace churn::conform {

class Model {
 public:
  using Id = std::int64_t;
  static constexpr Id null = -1;

  struct Object {
    Shape shape;
    std::vector<Id> slots;
    bool gone = false;
  };

  Id make(Shape shape) {
    objects_.push_back({shape, std::vector<Id>(shape.slots, null), false});
    present_.push_back(static_cast<Id>(objects_.size()) - 1);
    return present_.back();
  }
  Object& operator[](Id id) { return objects_[static_cast<std::size_t>(id)]; }
  std::size_t size() const noexcept { return objects_.size(); }  // ever made
  std::vector<Id> const& present() const noexcept { return present_; }

  // Marks as gone what a full collection reclaims while `named` is what places name, and returns
  // it: with cycles what is not reachable, without them what counts alone find.
  std::vector<Id> settle(std::vector<Id> const& named, bool cycles) {
    std::vector<std::uint32_t> references(objects_.size(), 0);
    return cycles ? keep_reachable(named, references) : drop_uncounted(named, references);
  }

 private:
  std::vector<Id> keep_reachable(std::vector<Id> const& named, std::vector<std::uint32_t>& seen) {
    std::vector<Id> todo;
    auto const visit = [&](Id id) {
      if (id != null && seen[static_cast<std::size_t>(id)]++ == 0) todo.push_back(id);
    };
    for (Id const id : named) visit(id);
    while (!todo.empty()) {
      Id const id = todo.back();
      todo.pop_back();
      for (Id const target : (*this)[id].slots) visit(target);
    }
    std::vector<Id> gone;
    for (Id const id : present_) {
      if (seen[static_cast<std::size_t>(id)] == 0) gone.push_back(id);
    }
    return forget(gone);
  }

  std::vector<Id> drop_uncounted(std::vector<Id> const& named, std::vector<std::uint32_t>& counts) {
    for (Id const id : named) counts[static_cast<std::size_t>(id)] += 1;
    for (Id const id : present_) {
      for (Id const target : (*this)[id].slots) {
        if (target != null) counts[static_cast<std::size_t>(target)] += 1;
      }
    }
    std::vector<Id> gone;
    for (Id const id : present_) {
      if (counts[static_cast<std::size_t>(id)] == 0) gone.push_back(id);
    }
    for (std::size_t next = 0; next < gone.size(); ++next) {
      for (Id const target : std::vector<Id>((*this)[gone[next]].slots)) {
        if (target != null && --counts[static_cast<std::size_t>(target)] == 0)
          gone.push_back(target);
      }
    }
    return forget(gone);
  }

  std::vector<Id> forget(std::vector<Id>& gone) {
    for (Id const id : gone) (*this)[id].gone = true;
    std::erase_if(present_, [this](Id id) { return (*this)[id].gone; });
    return gone;
  }

  std::vector<Object> objects_;
  std::vector<Id> present_;
};

}  // namespace churn::conform
