// What:  a growing array of plain values in pages of its own.
// Why:   as PageBuffer, which holds pointers: a collector's tables must not come from the allocator
//        under test.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Cost:  a push is a compare and a store; growing doubles and copies; resize(0) gives back what is
//        above 1 MiB.
// Thread-safety: none.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

template <class T>
class PageVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  PageVector() noexcept = default;
  PageVector(PageVector const&) = delete;
  PageVector& operator=(PageVector const&) = delete;
  ~PageVector() { unmap(); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t index) noexcept { return items_[index]; }
  T* begin() noexcept { return items_; }
  T* end() noexcept { return items_ + size_; }

  void push(T const& item) {
    if (size_ == capacity_) [[unlikely]] {
      grow();
    }
    items_[size_++] = item;
  }
  // pre: not empty
  T pop() noexcept { return items_[--size_]; }
  // pre: size <= size()
  void resize(std::size_t size) noexcept {
    size_ = size;
    if (size_ == 0 && capacity_ * sizeof(T) > kept_bytes) unmap();
  }

 private:
  static constexpr std::size_t kept_bytes = std::size_t{1} << 20;
  static constexpr std::size_t first_bytes = 4 * page_bytes;

  CHURN_NEVER_INLINE void grow() {
    std::size_t const bytes = capacity_ == 0 ? first_bytes : 2 * bytes_;
    void* const larger = map_pages(bytes);
    if (larger == nullptr) {
      stop(Outcome::out_of_memory, "the collector's own table of %zu bytes could not be mapped",
           bytes);
    }
    if (size_ != 0) std::memcpy(larger, items_, size_ * sizeof(T));
    std::size_t const size = size_;
    unmap();
    items_ = static_cast<T*>(larger);
    bytes_ = bytes;
    capacity_ = bytes / sizeof(T);
    size_ = size;
  }
  void unmap() noexcept {
    if (items_ != nullptr) unmap_pages(items_, bytes_);
    items_ = nullptr;
    size_ = capacity_ = bytes_ = 0;
  }

  T* items_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0, bytes_ = 0;
};

}  // namespace churn::collectors
