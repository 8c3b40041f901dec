// What:  all memory lies in chunks: mappings aligned to 4 MiB whose first bytes say what
//        they hold. A pointer finds its chunk by masking, so free needs no table of addresses.
// Invariants: no block starts at the first byte of a chunk, and every block starts within 4 MiB
//        after its chunk's first byte; so the byte before a block lies in the block's own chunk,
//        even where a block aligned to 4 MiB or more starts exactly at the next boundary.
// Cost:  address space, not memory: what is not touched is not there. Thread-safe.
// Compare: CPython's obmalloc finds arenas through a radix tree, since it must recognise pointers
//        that are not its own; a whole malloc has no strangers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace churn::allocators {

inline constexpr std::size_t chunk_bytes = std::size_t{4} << 20;

enum class Holds : std::uint32_t {
  cells,         // small cells, laid out as the allocator wants
  blocks,        // a region of blocks of many sizes
  mapped_block,  // one block
};

struct Chunk {
  Holds holds;
};

inline Chunk* chunk_of(void const* block) noexcept {
  auto const before = reinterpret_cast<std::uintptr_t>(block) - 1;
  return reinterpret_cast<Chunk*>(before & ~(chunk_bytes - 1));
}

}  // namespace churn::allocators
