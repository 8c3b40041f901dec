// What:  a growing array of pointers in pages of its own.
// Why:   a collector's tables must not come from the allocator under test, least of all in the
//        middle of a collection that runs because that allocator has no memory left.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Cost:  a push is a compare and a store. Growing doubles and copies. clear() gives back what is
//        above 1 MiB, so that one large collection does not stay in the resident set.
// Thread-safety: none.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

template <class T>
class PageBuffer {
 public:
  PageBuffer() noexcept = default;
  PageBuffer(PageBuffer const&) = delete;
  PageBuffer& operator=(PageBuffer const&) = delete;
  ~PageBuffer() { unmap(); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T*& operator[](std::size_t index) noexcept { return items_[index]; }
  T** begin() noexcept { return items_; }
  T** end() noexcept { return items_ + size_; }

  void push(T* item) {
    if (size_ == capacity_) [[unlikely]] {
      grow();
    }
    items_[size_++] = item;
  }
  // For pushing many: the end, with room for so many behind it; set_end says how far it was filled.
  T** room_for(std::size_t items) {
    while (capacity_ - size_ < items) [[unlikely]] {
      grow();
    }
    return items_ + size_;
  }
  T** limit() noexcept { return items_ + capacity_; }  // where the room ends
  void set_end(T** end) noexcept { size_ = static_cast<std::size_t>(end - items_); }
  void swap(PageBuffer& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  // pre: not empty
  T* pop() noexcept { return items_[--size_]; }
  void clear() noexcept {
    size_ = 0;
    if (capacity_ * sizeof(T*) > kept_bytes) unmap();
  }

 private:
  static constexpr std::size_t kept_bytes = std::size_t{1} << 20;
  static constexpr std::size_t first_capacity = page_bytes / sizeof(T*);

  CHURN_NEVER_INLINE void grow() {
    std::size_t const wanted = capacity_ == 0 ? first_capacity : 2 * capacity_;
    auto* const larger = static_cast<T**>(map_pages(wanted * sizeof(T*)));
    if (larger == nullptr) {
      stop(Outcome::out_of_memory, "the collector's own table of %zu bytes could not be mapped",
           wanted * sizeof(T*));
    }
    if (size_ != 0) std::memcpy(larger, items_, size_ * sizeof(T*));
    std::size_t const size = size_;
    unmap();
    items_ = larger;
    size_ = size;
    capacity_ = wanted;
  }
  void unmap() noexcept {
    if (items_ != nullptr) unmap_pages(items_, capacity_ * sizeof(T*));
    items_ = nullptr;
    size_ = capacity_ = 0;
  }

  T** items_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace churn::collectors
