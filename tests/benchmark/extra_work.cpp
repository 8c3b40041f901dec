// glibc's malloc behind a library of its own, with exactly known work added to each allocation:
// EXTRA_STEPS dependent multiplications. With none it is the twin that must not be told apart.
#include <cerrno>
#include <cstddef>
#include <cstdint>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

// Nobody reads the product, and the compiler cannot know.
void work() noexcept {
  std::uint64_t product = 3;
  for (int i = 0; i < EXTRA_STEPS; ++i) {
    product *= 0x9e3779b97f4a7c15u;
    asm volatile("" : "+r"(product));
  }
}

}  // namespace

#define CHURN_EXPORT extern "C" __attribute__((visibility("default")))

CHURN_EXPORT void* malloc(std::size_t size) noexcept {
  work();
  return __libc_malloc(size);
}
CHURN_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  work();
  return __libc_calloc(count, size);
}
CHURN_EXPORT void* realloc(void* block, std::size_t size) noexcept {
  work();
  return __libc_realloc(block, size);
}
CHURN_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  work();
  return __libc_memalign(alignment, size);
}
CHURN_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return memalign(alignment, size);
}
CHURN_EXPORT int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  *block = memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}
CHURN_EXPORT void free(void* block) noexcept { __libc_free(block); }
