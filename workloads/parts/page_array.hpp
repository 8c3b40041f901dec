// What:  an array of plain values in pages of its own, zeroed and already touched.
// Why:   the tables of a malloc workload must not come from the allocator under test: they would
//        count among its live bytes, and their first touch would be timed.
// When not: anything small or of changing size.
// Errors: no memory for the harness's own table is an outcome like any other: out-of-memory.
// Cost:  one page fault per 4 KiB, all in the constructor. Thread-safety: that of an array.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn {

template <class T>
class PageArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // pre: size > 0
  explicit PageArray(std::size_t size) : bytes_(round_up(size * sizeof(T), page_bytes)) {
    CHURN_CHECK(size > 0 && size <= ~std::size_t{0} / sizeof(T));
    items_ = static_cast<T*>(map_pages(bytes_));
    if (items_ == nullptr) {
      stop(Outcome::out_of_memory, "the workload's own table of %zu bytes could not be mapped",
           bytes_);
    }
    std::memset(static_cast<void*>(items_), 0, bytes_);
  }
  PageArray(PageArray&& other) noexcept : bytes_(other.bytes_), items_(other.items_) {
    other.items_ = nullptr;
  }
  PageArray& operator=(PageArray&&) = delete;
  ~PageArray() {
    if (items_ != nullptr) unmap_pages(items_, bytes_);
  }

  T& operator[](std::size_t index) noexcept { return items_[index]; }
  T const& operator[](std::size_t index) const noexcept { return items_[index]; }
  T* data() noexcept { return items_; }
  T const* data() const noexcept { return items_; }

 private:
  std::size_t bytes_;
  T* items_ = nullptr;
};

}  // namespace churn
