// What:  a zeroed block from malloc for one object.
// Why:   small blocks are zeroed by hand: glibc's calloc passes its thread cache by. Large ones
//        come from calloc, which knows that fresh pages are zero already.
// Cost:  malloc plus the stores; for a constant size the choice and the loop fold away.
// Errors: null where malloc or calloc gives null.
#pragma once

#include <cstdlib>
#include <cstring>

#include "harness/core/check.hpp"
#include "harness/core/refusal.hpp"

namespace churn::collectors {

inline constexpr std::size_t largest_zeroed_by_hand = 1024;

// pre: bytes > 0, since malloc(0) may be null
CHURN_ALWAYS_INLINE void* zeroed_cell(std::size_t bytes) noexcept {
  if (refused()) return nullptr;
  if (bytes > largest_zeroed_by_hand) return std::calloc(1, bytes);
  void* cell = std::malloc(bytes);
  asm("" : "+r"(cell));  // or the compiler turns malloc and memset into calloc after all
  if (cell != nullptr) [[likely]] {
    std::memset(cell, 0, bytes);
  }
  return cell;
}

}  // namespace churn::collectors
