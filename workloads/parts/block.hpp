// What:  a block from malloc under watch: stamped at both ends and once a page when it is new, read
//        back when it is freed.
// Why:   two blocks that overlap, or a block that moved, give another checksum; and because the
//        stamps are read again, no compiler may delete the pair of malloc and free. Touching each
//        page once makes first-touch faults part of the op, where a program would meet them.
// When not: managed objects; their collector owns the layout.
// Cost:  two stores and two loads, and one store for each 4 KiB. Thread-safety: that of the block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "harness/core/check.hpp"
#include "workloads/parts/payload.hpp"

namespace churn {

// malloc gave NULL: the outcome of the cell.
[[noreturn]] CHURN_NEVER_INLINE inline void refused(std::size_t bytes) noexcept {
  stop(Outcome::out_of_memory, "malloc(%zu) returned NULL", bytes);
}

// Memory that the caller stamps. Never null.
CHURN_ALWAYS_INLINE std::byte* unstamped(std::size_t bytes) noexcept {
  auto* const start = static_cast<std::byte*>(std::malloc(bytes));
  if (__builtin_expect(start == nullptr, 0)) refused(bytes);
  return start;
}

struct Block {
  std::byte* start;
  std::size_t bytes;

  static constexpr std::size_t least_bytes = 8;
  static constexpr std::size_t touch_bytes = 4096;  // the smallest page that machines have

  // pre: bytes >= least_bytes
  static Block make(std::size_t bytes, std::uint64_t stamp) noexcept {
    return stamped(unstamped(bytes), bytes, stamp);
  }
  static Block stamped(std::byte* start, std::size_t bytes, std::uint64_t stamp) noexcept {
    for (std::size_t at = touch_bytes; at < bytes; at += touch_bytes) start[at] = std::byte{1};
    set_word(start, stamp);
    start[bytes - 1] = static_cast<std::byte>(bytes);
    return {start, bytes};
  }

  // What the stamps say now; it depends on the stamp and the size alone while the block is sound.
  [[nodiscard]] std::uint64_t sum() const noexcept {
    return word(start) + (static_cast<std::uint64_t>(start[bytes - 1]) << 56);
  }
};

// Reads the block and frees it.
CHURN_ALWAYS_INLINE std::uint64_t released(Block block) noexcept {
  std::uint64_t const sum = block.sum();
  std::free(block.start);
  return sum;
}

}  // namespace churn
