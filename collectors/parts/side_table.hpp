// What:  a hash table in pages of its own, from an object's address to what few objects have: the
//        weak references to it, and whether its death is watched.
// Why:   one object in thousands has either; a bit in its header says so, and the rest costs the
//        others nothing. Collectors' tables do not come from the allocator under test.
// How:   open addressing, linear probing, at most half full; removal shifts back what follows, so
//        no tombstones stay.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Cost:  a multiplication and mostly one line of memory; 32 bytes a place.
// Thread-safety: none; the caller's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

template <class Key, class Value>
class SideTable {
 public:
  SideTable() noexcept = default;
  SideTable(SideTable const&) = delete;
  SideTable& operator=(SideTable const&) = delete;
  ~SideTable() {
    if (places_ != nullptr) unmap_pages(places_, bytes_of(capacity_));
  }

  std::size_t size() const noexcept { return size_; }

  // Null where there is none.
  Value* find(Key const* key) noexcept {
    if (size_ == 0) return nullptr;
    Place& place = places_[place_of(key)];
    return place.key == key ? &place.value : nullptr;
  }
  // What is there, or a new one with Value's defaults. Others' values move when the table grows.
  Value& at(Key const* key) {
    if (2 * (size_ + 1) > capacity_) grow();
    Place& place = places_[place_of(key)];
    if (place.key == key) return place.value;
    place = {key, Value{}};
    ++size_;
    return place.value;
  }
  // pre: it is there
  void erase(Key const* key) noexcept {
    std::size_t gap = place_of(key);
    CHURN_ASSERT(places_[gap].key == key);
    std::size_t const mask = capacity_ - 1;
    for (std::size_t next = (gap + 1) & mask; places_[next].key != nullptr;
         next = (next + 1) & mask) {
      // It may move up to the gap unless it belongs behind it.
      if (((next - home(places_[next].key)) & mask) < ((next - gap) & mask)) continue;
      places_[gap] = places_[next];
      gap = next;
    }
    places_[gap] = Place{};
    --size_;
  }
  template <class Visit>
  void for_each(Visit visit) {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (places_[i].key != nullptr) visit(places_[i].key, places_[i].value);
    }
  }

 private:
  struct Place {
    Key const* key = nullptr;
    Value value{};
  };
  static constexpr std::size_t first_capacity = 128;

  static std::size_t bytes_of(std::size_t capacity) noexcept {
    return round_up(capacity * sizeof(Place), page_bytes);
  }
  std::size_t home(Key const* key) const noexcept {
    auto const address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(key));
    return static_cast<std::size_t>((address * 0x9e3779b97f4a7c15u) >> 20) & (capacity_ - 1);
  }
  // Where the key is, or the free place where it would be. pre: there is a free place
  std::size_t place_of(Key const* key) const noexcept {
    std::size_t at = home(key);
    while (places_[at].key != key && places_[at].key != nullptr) at = (at + 1) & (capacity_ - 1);
    return at;
  }

  CHURN_NEVER_INLINE void grow() {
    Place* const former = places_;
    std::size_t const former_capacity = capacity_;
    capacity_ = former == nullptr ? first_capacity : 2 * former_capacity;
    std::size_t const bytes = bytes_of(capacity_);
    places_ = static_cast<Place*>(map_pages(bytes));
    if (places_ == nullptr) {
      stop(Outcome::out_of_memory, "the collector's own table of %zu bytes could not be mapped",
           bytes);
    }
    for (std::size_t i = 0; i < former_capacity; ++i) {
      if (former[i].key != nullptr) places_[place_of(former[i].key)] = former[i];
    }
    if (former != nullptr) unmap_pages(former, bytes_of(former_capacity));
  }

  Place* places_ = nullptr;
  std::size_t capacity_ = 0, size_ = 0;
};

}  // namespace churn::collectors
