// What:  the header of an object that a cycle detector of generations tracks, and the list of one
//        generation: its objects in order, in an array of pages of its own.
// Why:   a list through the objects makes each pass wait for one object's line before it knows the
//        next one's; an array shows what is ahead. It also takes fewer stores to enter and leave.
// How:   an object knows its list and its place in it. What leaves makes a hole; the list packs
//        itself, in order, when it would have to grow and half of it are holes.
// Invariants: list[object.place] == &object, for the list with the number object.list. The last
//        place is no hole.
// Cost:  8 bytes an object in the array and 24 in the header. Entering or leaving is three stores.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Thread-safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/marked_count.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

// The lower half of the count's word is the mark: outside collections 0; in one, how many
// references to the object were met within the set that is looked at, or `doomed`.
struct TrackedHeader : CountedHeader {
  static constexpr std::uint32_t doomed = ~std::uint32_t{0};
  static constexpr std::uint8_t untracked = 0xff, waiting = 0xfe;

  std::uint32_t place;  // in its list; of an object that is dying, the next slot to drop
  std::uint8_t list;    // the number of its list; or untracked, or dead and waiting for its turn
  bool is_weak;         // a weak object
  bool noted;           // somebody wants to know of its death

  void describe(Shape shape) noexcept {
    CountedHeader::describe(shape);
    count = MarkedCount::one;
    place = 0;
    list = untracked;
    is_weak = noted = false;
  }
  std::uint32_t mark() const noexcept { return static_cast<std::uint32_t>(count); }
  void clear_mark() noexcept { count &= ~(MarkedCount::one - 1); }
  void doom() noexcept { count |= doomed; }
  // Every reference to it was met within the set.
  bool all_met() const noexcept { return mark() == count >> 32; }
};
static_assert(CHURN_VERIFYING || sizeof(TrackedHeader) == 24);

template <class Header>
class TrackedList {
 public:
  TrackedList() noexcept = default;
  TrackedList(TrackedList const&) = delete;
  TrackedList& operator=(TrackedList const&) = delete;
  ~TrackedList() {
    if (items_ != nullptr) unmap_pages(items_, capacity_ * sizeof(Header*));
  }

  // Places, holes among them.
  std::size_t size() const noexcept { return size_; }
  std::size_t objects() const noexcept { return size_ - holes_; }
  // Null: a hole.
  Header* operator[](std::size_t place) const noexcept { return items_[place]; }
  Header* const* items() const noexcept { return items_; }

  CHURN_ALWAYS_INLINE void append(Header* header, std::uint8_t number) {
    if (size_ == capacity_) [[unlikely]] {
      make_room();
    }
    header->place = static_cast<std::uint32_t>(size_);
    header->list = number;
    items_[size_++] = header;
  }
  // The same, and every place stays where it is.
  void append_in_place(Header* header, std::uint8_t number) {
    if (size_ == capacity_) grow(size_ + 1);
    append(header, number);
  }
  void remove(Header* header) noexcept {
    CHURN_ASSERT(items_[header->place] == header);
    items_[header->place] = nullptr;
    ++holes_;
    while (size_ != 0 && items_[size_ - 1] == nullptr) {
      --size_;
      --holes_;
    }
  }
  // What is in `other` comes behind what is here; the objects are not told.
  void splice(TrackedList& other) {
    if (other.size_ == 0) return;
    if (size_ + other.size_ > capacity_) grow(size_ + other.size_);
    std::memcpy(items_ + size_, other.items_, other.size_ * sizeof(Header*));
    size_ += other.size_;
    holes_ += other.holes_;
    other.clear();
  }
  // Tells all where they are, and closes the holes.
  void settle(std::uint8_t number) noexcept {
    std::size_t to = 0;
    for (std::size_t from = 0; from < size_; ++from) {
      if (items_[from] != nullptr) put(to++, items_[from], number);
    }
    truncate(to);
  }
  // While everything behind is being rewritten. pre: place < size()
  void put(std::size_t place, Header* header, std::uint8_t number) noexcept {
    items_[place] = header;
    auto const narrow = static_cast<std::uint32_t>(place);
    // Most stay where they are, and a line that is not written need not be written back.
    if (header->place != narrow) header->place = narrow;
    if (header->list != number) header->list = number;
  }
  // pre: no hole before `size`
  void truncate(std::size_t size) noexcept {
    size_ = size;
    holes_ = 0;
  }
  void clear() noexcept { size_ = holes_ = 0; }

 private:
  static constexpr std::size_t first_capacity = page_bytes / sizeof(Header*);

  CHURN_NEVER_INLINE void make_room() {
    if (2 * holes_ >= size_ && size_ != 0) {
      settle(items_[size_ - 1]->list);
    } else {
      grow(size_ + 1);
    }
  }
  CHURN_NEVER_INLINE void grow(std::size_t least) {
    std::size_t wanted = capacity_ == 0 ? first_capacity : 2 * capacity_;
    while (wanted < least) wanted *= 2;
    auto* const larger = static_cast<Header**>(map_pages(wanted * sizeof(Header*)));
    if (larger == nullptr) {
      stop(Outcome::out_of_memory, "the collector's own list of %zu bytes could not be mapped",
           wanted * sizeof(Header*));
    }
    if (items_ != nullptr) {
      std::memcpy(larger, items_, size_ * sizeof(Header*));
      unmap_pages(items_, capacity_ * sizeof(Header*));
    }
    items_ = larger;
    capacity_ = wanted;
  }

  Header** items_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0, holes_ = 0;
};

}  // namespace churn::collectors
