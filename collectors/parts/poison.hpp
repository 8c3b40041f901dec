// What:  makes dead memory unusable in builds with CHURN_VERIFYING.
// Why:   a use after death must show where it happens, not as another object's wrong field.
// How:   dead words are overwritten with a value that is no reference; under the address sanitizer
//        any access to them is reported as well.
// When not: ordinary builds, where all of this is nothing.
// Cost:  a store a word.
#pragma once

#include <cstddef>
#include <cstring>

#include "harness/core/check.hpp"

#if CHURN_VERIFYING && defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace churn::collectors {

// Odd, so that it is no reference; not canonical, so that following it faults.
inline constexpr unsigned char poison_byte = 0xd7;

inline void poison([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) noexcept {
#if CHURN_VERIFYING
  std::memset(start, poison_byte, bytes);
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(start, bytes);
#endif
#endif
}

inline void unpoison([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) noexcept {
#if CHURN_VERIFYING && defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(start, bytes);
#endif
}

}  // namespace churn::collectors
