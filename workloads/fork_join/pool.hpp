// What:  fork and join, as a library that is loaded by those cells alone that need it.
// Why:   oneTBB in the malloc cell program would be in the memory of every other cell.
// How:   functions_symbol names a Functions. The threads that enter a pool are its workers; it
//        makes none of its own, so they stay where the cell pinned them.
// Errors: none; a task must not throw.
// Thread-safety: `enter` from as many threads at once as the pool was made for; `fork` within it.
#pragma once

#include <cstdint>

namespace churn::fork_join {

inline constexpr char library_name[] = "libchurn_fork_join.so";
inline constexpr char functions_symbol[] = "churn_fork_join_functions";

struct Pool;
using Call = void (*)(void* argument) noexcept;

struct Functions {
  Pool* (*make)(std::uint32_t threads);
  void (*destroy)(Pool* pool);
  void (*enter)(Pool* pool, Call call, void* argument);
  // Both calls have returned when this does; either may have run on another thread.
  void (*fork)(Call call, void* first, void* second);
};

}  // namespace churn::fork_join
