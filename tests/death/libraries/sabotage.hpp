// What:  glibc's allocator that goes wrong at the 2001st request: what happens then is one function
//        in each of the sources beside this file.
// Why:   a crash, a NULL and a hang of the allocator under test must become rows with a reason and
//        without a time. Long enough for a cell to prove its back end, short enough to strike while
//        it works.
// Defines every entry point of which a cell proves where it comes from; free is glibc's own.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);
void __libc_free(void* block);
}

namespace sabotage {

// What a request gets once the sound ones are used up.
void* strike() noexcept;

inline constexpr int sound_requests = 2000;
inline std::atomic<int> requests{0};

inline bool is_sound() noexcept {
  return requests.fetch_add(1, std::memory_order_relaxed) < sound_requests;
}

}  // namespace sabotage

extern "C" {
void* malloc(std::size_t size) noexcept {
  return sabotage::is_sound() ? __libc_malloc(size) : sabotage::strike();
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return sabotage::is_sound() ? __libc_calloc(count, size) : sabotage::strike();
}
void* realloc(void* block, std::size_t size) noexcept {
  return sabotage::is_sound() ? __libc_realloc(block, size) : sabotage::strike();
}
void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
  return sabotage::is_sound() ? __libc_memalign(align, size) : sabotage::strike();
}
int posix_memalign(void** result, std::size_t align, std::size_t size) noexcept {
  *result = aligned_alloc(align, size);
  return *result == nullptr ? ENOMEM : 0;
}
void free(void* block) noexcept { __libc_free(block); }
}
