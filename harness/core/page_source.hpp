// What:  whole pages from the kernel, zeroed, private, aligned as asked, and back.
// Why:   a malloc library cannot call malloc, and buffers of the harness must not come from the
//        allocator under test. One place knows about mmap.
// When not: objects smaller than some pages; each call is one to three system calls.
// Errors: null where the kernel refuses, with errno set by it (ENOMEM).
// Cost:  1–3 µs a call, and a page fault (0.1–0.5 µs) at the first touch of each page. Thread-safe.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "harness/core/refusal.hpp"

namespace churn {

inline constexpr std::size_t page_bytes = 4096;  // the least that Linux has on 64-bit machines

// pre: alignment is a power of two. Sizes near the end of the address space do not wrap: they come
// back as they are, and the kernel refuses them.
constexpr std::size_t round_up(std::size_t size, std::size_t alignment) noexcept {
  std::size_t const rounded = (size + alignment - 1) & ~(alignment - 1);
  return rounded < size ? size : rounded;
}

inline void unmap_pages(void* start, std::size_t bytes) noexcept {
  int const before = errno;  // free() must leave errno alone
  munmap(start, bytes);
  errno = before;
}

inline void* map_pages(std::size_t bytes) noexcept {
  if (refused()) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == MAP_FAILED ? nullptr : start;
}

// pre: alignment is a power of two; bytes is a multiple of page_bytes.
inline void* map_pages(std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= page_bytes) return map_pages(bytes);
  std::size_t with_slack = 0;
  if (__builtin_add_overflow(bytes, alignment - page_bytes, &with_slack)) {
    errno = ENOMEM;
    return nullptr;
  }
  auto* const start = static_cast<std::byte*>(map_pages(with_slack));
  if (start == nullptr) return nullptr;
  std::size_t const before = (0 - reinterpret_cast<std::uintptr_t>(start)) & (alignment - 1);
  std::size_t const after = with_slack - before - bytes;
  if (before != 0) unmap_pages(start, before);
  if (after != 0) unmap_pages(start + before + bytes, after);
  return start + before;
}

// Address space without memory: neither readable nor writable until it is committed, and no part of
// what RLIMIT_DATA counts. pre: alignment is a power of two; bytes is a multiple of page_bytes.
inline void* reserve_pages(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t with_slack = 0;
  if (__builtin_add_overflow(bytes, alignment, &with_slack)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const got =
      mmap(nullptr, with_slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) return nullptr;
  auto* const start = static_cast<std::byte*>(got);
  std::size_t const before = (0 - reinterpret_cast<std::uintptr_t>(start)) & (alignment - 1);
  if (before != 0) unmap_pages(start, before);
  unmap_pages(start + before + bytes, with_slack - before - bytes);
  return start + before;
}

// Makes pages of a reservation usable, zeroed. False where the kernel refuses.
inline bool commit_pages(void* start, std::size_t bytes) noexcept {
  if (refused()) return false;
  return mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
}

// The memory goes back, the pages stay usable and read as zero. False where the kernel keeps them
// as they are (locked pages).
inline bool discard_pages(void* start, std::size_t bytes) noexcept {
  int const before = errno;
  bool const gone = madvise(start, bytes, MADV_DONTNEED) == 0;
  errno = before;
  return gone;
}

// Asks for large pages where there are any; no more than a wish.
inline void advise_huge_pages(void* start, std::size_t bytes) noexcept {
  int const before = errno;
  madvise(start, bytes, MADV_HUGEPAGE);
  errno = before;
}

}  // namespace churn
