// What:  pools (16 KiB of cells of one size) and the arenas (4 MiB) that they are cut from.
// Why:   a pool belongs to one heap, whose thread uses it without atomics; an arena is what the
//        kernel gives and takes back. The names and the shape are those of CPython's own allocator.
// Invariants of a pool: cells are carved from its start to its end; `used` counts the cells that
//        are out and those that other threads have freed and the owner has not collected yet;
//        `remote` is `full_mark` only while the pool is neither listed nor announced (see
//        heap.hpp).
// Cost:  128 bytes a pool; taking and giving back a pool locks, 20–50 ns.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/cell.hpp"
#include "allocators/parts/chunk.hpp"
#include "allocators/parts/lock.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::slab {

using allocators::Cell;
using allocators::Chunk;
using allocators::chunk_bytes;
using allocators::chunk_of;
using allocators::Holds;

inline constexpr std::size_t pool_bytes = std::size_t{16} << 10;

class Heap;

struct alignas(64) Pool {
  // The owner's alone.
  Cell* free = nullptr;
  std::uint32_t next_offset = pool_bytes;  // of the first cell that was never carved
  std::uint32_t cell_bytes = 0;
  std::uint32_t used = 0;
  std::uint32_t size_class = 0;
  Heap* owner = nullptr;  // others may read it while they have a cell
  Pool* next = nullptr;   // in the owner's list, a heap's spare ones, or an arena's free ones
  Pool* previous = nullptr;
  bool listed = false;  // in the owner's list of pools that may have free cells
  bool announced =
      false;  // some thread has put it, or is about to put it, on the owner's `returned`
  // Everybody's.
  alignas(64) std::atomic<Cell*> remote{nullptr};  // cells freed by other threads
  Pool* next_returned = nullptr;                   // the announcing thread's, then the owner's

  static Cell* full_mark() noexcept { return reinterpret_cast<Cell*>(std::uintptr_t{1}); }

  static Pool* of(void const* cell) noexcept {
    return reinterpret_cast<Pool*>(reinterpret_cast<std::uintptr_t>(cell) & ~(pool_bytes - 1));
  }

  // A pool for cells of this size. Cells lie at multiples of the largest power of two that divides
  // their size, so that a size rounded up to an alignment is aligned.
  void begin(Heap* heap, std::uint32_t of_class, std::uint32_t bytes) noexcept {
    free = nullptr;
    cell_bytes = bytes;
    next_offset = static_cast<std::uint32_t>(round_up(sizeof(Pool), bytes & (0 - bytes)));
    used = 0;
    size_class = of_class;
    owner = heap;
    announced = false;
  }

  // Links some cells that were never out: no more than what is about to be touched anyway.
  bool carve() noexcept {
    std::uint32_t const most = cell_bytes <= 64 ? 1024 / cell_bytes : 8;
    std::uint32_t const room =
        (pool_bytes - next_offset) / (cell_bytes == 0 ? pool_bytes : cell_bytes);
    std::uint32_t const count = room < most ? room : most;
    for (std::uint32_t i = count; i-- > 0;) {
      std::size_t const offset = next_offset + std::size_t{i} * cell_bytes;
      auto* const cell = reinterpret_cast<Cell*>(reinterpret_cast<std::byte*>(this) + offset);
      cell->next = free;
      free = cell;
    }
    next_offset += count * cell_bytes;
    return count != 0;
  }

  // Takes over what other threads have freed. pre: the mark is not set.
  bool collect_remote() noexcept {
    if (remote.load(std::memory_order_relaxed) == nullptr) return false;
    Cell* cell =
        remote.exchange(nullptr, std::memory_order_acquire);  // pairs with free_from_elsewhere
    CHURN_ASSERT(cell != full_mark());
    while (cell != nullptr) {
      Cell* const after = cell->next;
      cell->next = free;
      free = cell;
      --used;
      cell = after;
    }
    return true;
  }
};
static_assert(sizeof(Pool) == 128);

class Arenas {
 public:
  constexpr Arenas() noexcept = default;

  // Null: no memory. Its fields are old or zero, `begin` sets them.
  Pool* take() noexcept {
    allocators::Locked const locked(lock_);
    if (usable_ == nullptr) {
      auto* const arena = static_cast<Arena*>(map_pages(chunk_bytes, chunk_bytes));
      if (arena == nullptr) return nullptr;
      arena->holds = Holds::cells;
      arena->next_offset = pool_bytes;  // the header takes the place of the first pool
      list(arena);
    }
    Arena* const arena = usable_;
    Pool* pool = arena->free;
    if (pool != nullptr) {
      arena->free = pool->next;
    } else {
      pool = reinterpret_cast<Pool*>(reinterpret_cast<std::byte*>(arena) + arena->next_offset);
      arena->next_offset += pool_bytes;
    }
    ++arena->pools_out;
    if (arena->full()) unlist(arena);
    return pool;
  }

  // pre: no cell of the pool is out, and nobody else can reach it.
  void give_back(Pool* pool) noexcept {
    allocators::Locked const locked(lock_);
    auto* const arena = static_cast<Arena*>(chunk_of(pool));
    bool const was_full = arena->full();
    pool->next = arena->free;
    arena->free = pool;
    if (was_full) list(arena);
    // The last arena stays: a program on the edge would map and unmap it again and again.
    bool const only_one = usable_ == arena && arena->next == nullptr;
    if (--arena->pools_out != 0 || only_one) return;
    unlist(arena);
    unmap_pages(arena, chunk_bytes);
  }

  void lock() noexcept { lock_.take(); }
  void unlock() noexcept { lock_.give(); }

 private:
  struct Arena : Chunk {
    std::uint32_t pools_out;
    std::size_t next_offset;  // of the first pool that was never out
    Pool* free;
    Arena *next, *previous;

    bool full() const noexcept { return free == nullptr && next_offset == chunk_bytes; }
  };

  // At the front: arenas that were full a moment ago are used up first, the emptiest get to rest.
  void list(Arena* arena) noexcept {
    arena->previous = nullptr;
    arena->next = usable_;
    if (usable_ != nullptr) usable_->previous = arena;
    usable_ = arena;
  }
  void unlist(Arena* arena) noexcept {
    (arena->previous != nullptr ? arena->previous->next : usable_) = arena->next;
    if (arena->next != nullptr) arena->next->previous = arena->previous;
  }

  Arena* usable_ = nullptr;  // arenas with pools to give
  allocators::Lock lock_;
};

}  // namespace churn::slab
