// What:  the calls of one process of a trace, one after the other, as they can have happened: each
//        thread's in its own order, the making of a block before its end, and otherwise by the time
//        stamps.
// Why:   replay and profile both need one order, and neither the recorder nor a clock gives it.
// Left out: calls on blocks that nobody made (they are older than the recording, or inherited in a
//        fork) or that have ended before.
// Cost:  some 20 ns a call, and a byte a block. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "harness/trace/trace.hpp"

namespace churn::trace {

inline constexpr std::uint32_t no_block = ~std::uint32_t{0};

// Blocks are numbered from 0 to their count, each thread's in a row.
struct Call {
  std::uint32_t thread = 0;
  std::uint32_t block = no_block;      // made, or ended by free, or asked about
  std::uint32_t old_block = no_block;  // ended by realloc
  Event event;
  std::span<std::uint64_t const> frames;  // where it was made, if that was recorded
};

struct Ordered {
  std::uint64_t calls = 0, left_out = 0;
  std::uint32_t blocks = 0;  // that were made, or left out
};

// Throws UserError for more blocks than a replay can hold (2^32 - 2).
Ordered in_order(Trace const& trace, std::uint32_t process,
                 std::function<void(Call const&)> const& take);

}  // namespace churn::trace
