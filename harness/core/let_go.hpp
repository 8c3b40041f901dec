// What:  how a malloc workload frees what it still has at its end: all of it, or all but one block
//        in so many.
// Why:   what an allocator gives back when nearly everything was freed is another question than
//        what it gives back when all of it was: one live block may hold a page, or much more.
// When not: in the timed part, which frees what it frees.
// Cost:  a few ns over free. Thread-safety: set while no other thread runs; each thread counts its
//        own blocks.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace churn {

inline std::uint32_t keep_one_of = 0;  // 0: none is kept

inline void let_go(void* block) noexcept {
  static thread_local std::uint32_t seen = 0;
  if (block == nullptr || (keep_one_of != 0 && seen++ % keep_one_of == 0)) return;
  std::free(block);
}

}  // namespace churn
