// What:  the malloc family on top of one allocator class: what C, POSIX and glibc say of each name,
//        written once. override.cpp.in exports it; the class tests call it directly, which is how
//        sanitizer builds exercise it.
// Promises: a result is unique, aligned to 16 at least, and null only for want of memory, with
//        errno ENOMEM; free leaves errno alone.
// Rule:  nothing here allocates by itself, throws, or needs a constructor to have run.
// Cost:  one comparison of the size per call beside what the class costs. As thread-safe as the
//        class.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "allocators/listed.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::allocators {

template <Allocator A>
struct Family {
  static constexpr std::size_t least_align = 16;
  static constexpr std::size_t largest_bytes = PTRDIFF_MAX;  // or differences of pointers overflow

  // pre: align is a power of two
  CHURN_ALWAYS_INLINE static void* allocate(std::size_t size, std::size_t align) noexcept {
    if (size > largest_bytes) [[unlikely]]
      return no_memory();
    void* const block = A::allocate(size, align < least_align ? least_align : align);
    if (block == nullptr) [[unlikely]]
      return no_memory();
    return block;
  }

  CHURN_ALWAYS_INLINE static void* malloc(std::size_t size) noexcept {
    return allocate(size, least_align);
  }

  CHURN_ALWAYS_INLINE static void free(void* block) noexcept {
    if (block != nullptr) A::deallocate(block);
  }

  static void* calloc(std::size_t count, std::size_t size) noexcept {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return no_memory();
    if constexpr (Clears<A>) {
      void* const block = bytes > largest_bytes ? nullptr : A::allocate_zeroed(bytes);
      return block == nullptr ? no_memory() : block;
    }
    void* const block = allocate(bytes, least_align);
    if (block == nullptr) return nullptr;
    if constexpr (KnowsZeroed<A>) {
      if (A::is_zeroed(block)) return block;
    }
    return std::memset(block, 0, bytes);
  }

  // Size 0 frees, as in glibc: programs and their leak checks count on it.
  static void* realloc(void* block, std::size_t size) noexcept {
    if (block == nullptr) return malloc(size);
    if (size != 0) return resize(block, size);
    A::deallocate(block);
    return nullptr;
  }

  static void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return no_memory();
    return realloc(block, bytes);
  }

  // The error is the result; errno is left alone and so, without a block, is *result.
  static int posix_memalign(void** result, std::size_t align, std::size_t size) noexcept {
    if (!is_power_of_two(align) || align % sizeof(void*) != 0) return EINVAL;
    int const before = errno;
    void* const block = allocate(size, align);
    errno = before;
    if (block == nullptr) return ENOMEM;
    *result = block;
    return 0;
  }

  static void* memalign(std::size_t align, std::size_t size) noexcept {
    if (is_power_of_two(align)) return allocate(size, align);
    errno = EINVAL;
    return nullptr;
  }

  static void* valloc(std::size_t size) noexcept { return allocate(size, system_page_bytes()); }

  static void* pvalloc(std::size_t size) noexcept {
    std::size_t const page = system_page_bytes();
    return allocate(round_up(size == 0 ? 1 : size, page), page);
  }

  static std::size_t usable_size(void* block) noexcept {
    return block == nullptr ? 0 : A::usable_size(block);
  }

 private:
  static constexpr bool is_power_of_two(std::size_t value) noexcept {
    return value != 0 && (value & (value - 1)) == 0;
  }

  static std::size_t system_page_bytes() noexcept {
    return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  }

  [[gnu::cold]] static void* no_memory() noexcept {
    errno = ENOMEM;
    return nullptr;
  }

  // pre: block is not null, size is not 0. Without a better way of the class's own, a block stays
  // that is large enough and at least half used.
  static void* resize(void* block, std::size_t size) noexcept {
    if (size > largest_bytes) return no_memory();
    if constexpr (Resizes<A>) {
      if (void* const resized = A::resize(block, size)) return resized;
    }
    std::size_t const usable = A::usable_size(block);
    if (!Resizes<A> && size <= usable && size >= usable / 2) return block;
    void* const copy = allocate(size, least_align);
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, block, size < usable ? size : usable);
    A::deallocate(block);
    return copy;
  }
};

}  // namespace churn::allocators
