// What:  the pools of one thread. Its own frees need no atomics; frees by others go onto a stack in
//        the pool, which the owner empties when it runs out of cells.
// Why:   one lock around everything, as CPython has with its GIL, would measure the lock.
// How a full pool comes back: the owner marks its stack `full_mark` and forgets it. Whoever frees
//        into it first finds the mark and announces the pool on the owner's `returned` stack; the
//        owner looks there before it asks for a new pool. A free by the owner itself takes the mark
//        away; if another thread was faster, the pool is announced already and will turn up a
//        second time. An announced pool is not given back before it has turned up: its link is
//        in use.
// A heap outlives its thread: it waits, with the pools that are still in use, for the next one.
// Cost:  2–4 ns for allocate and for a free by the owner, 10–30 ns for a free by another thread.
// Source of the idea of lists by page and remote frees: D. Leijen, B. Zorn, L. de Moura, Mimalloc:
//        Free List Sharding in Action, 2019.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/pool.hpp"

namespace churn::slab {

inline constexpr std::size_t granule = 16;
inline constexpr std::size_t even_bytes = 512;    // up to here, classes are a granule apart
inline constexpr std::size_t small_bytes = 2048;  // the largest cell
inline constexpr std::uint32_t even_classes = even_bytes / granule;
inline constexpr std::uint32_t size_classes = even_classes + 2 * 4;

// pre: size <= small_bytes. Size 0 gets a cell like size 1.
constexpr std::uint32_t class_of(std::size_t size) noexcept {
  std::size_t const last = size + (size == 0 ? 1 : 0) - 1;
  if (last < even_bytes) return static_cast<std::uint32_t>(last / granule);
  // Four classes to a power of two.
  auto const octave = static_cast<std::uint32_t>(std::bit_width(last)) - 1;
  return even_classes + (octave - 9) * 4 + static_cast<std::uint32_t>((last >> (octave - 2)) & 3);
}
constexpr std::uint32_t bytes_of(std::uint32_t size_class) noexcept {
  if (size_class < even_classes) return (size_class + 1) * granule;
  std::uint32_t const step = size_class - even_classes;
  return (even_bytes << (step / 4)) / 4 * (step % 4 + 5);
}
static_assert(bytes_of(class_of(513)) == 640 && bytes_of(size_classes - 1) == small_bytes);

class Heap {
 public:
  constexpr Heap() noexcept { usable_.fill(&no_pool); }
  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;

  // Null where this class has no cell at hand: then allocate_slow.
  void* try_allocate(std::uint32_t size_class) noexcept {
    Pool* const pool = usable_[size_class];
    Cell* const cell = pool->free;
    if (cell == nullptr) return nullptr;
    pool->free = cell->next;
    ++pool->used;
    return cell;
  }

  // Null: no memory.
  [[gnu::noinline]] void* allocate_slow(Arenas& arenas, std::uint32_t size_class) noexcept {
    for (;;) {
      Pool* const pool = usable_[size_class];
      if (pool == &no_pool) {
        if (collect_returned(arenas) && usable_[size_class] != &no_pool) continue;
        if (!add_pool(arenas, size_class)) return nullptr;
      } else if (pool->free == nullptr && !pool->carve() && !pool->collect_remote()) {
        set_full(pool);
      }
      if (void* const cell = try_allocate(size_class)) return cell;
    }
  }

  // pre: the pool is this heap's, and this is the thread's own heap.
  void deallocate(Arenas& arenas, Pool* pool, Cell* cell) noexcept {
    cell->next = pool->free;
    pool->free = cell;
    if (--pool->used == 0 || !pool->listed) [[unlikely]]
      after_free(arenas, pool);
  }

  // pre: the caller owns the cell, whose pool is not its own.
  static void free_from_elsewhere(Pool* pool, Cell* cell) noexcept {
    Heap* const owner = pool->owner;  // once the cell is gone the pool may be another's
    Cell* head = pool->remote.load(std::memory_order_relaxed);
    do {
      cell->next = head == Pool::full_mark() ? nullptr : head;
      // Release pairs with collect_remote; acquire, where the mark was found, with set_full.
    } while (!pool->remote.compare_exchange_weak(head, cell, std::memory_order_acq_rel,
                                                 std::memory_order_relaxed));
    if (head == Pool::full_mark()) owner->announce(pool);
  }

  // What is empty goes back to the arenas. Afterwards the heap may wait for another thread.
  void rest(Arenas& arenas) noexcept {
    collect_returned(arenas);
    for (std::uint32_t size_class = 0; size_class < size_classes; ++size_class) {
      for (Pool* pool = usable_[size_class]; pool != &no_pool;) {
        Pool* const after = pool->next;
        pool->collect_remote();
        if (pool->used == 0 && !pool->announced) {
          unlist(pool);
          arenas.give_back(pool);
        }
        pool = after;
      }
    }
    while (spare_ != nullptr) arenas.give_back(take_spare());
  }

  Heap* next_idle = nullptr;
  std::uint32_t number = 0;

 private:
  static constexpr std::uint32_t most_spare = 8;

  void announce(Pool* pool) noexcept {
    Pool* head = returned_.load(std::memory_order_relaxed);
    do {
      pool->next_returned = head;
    } while (!returned_.compare_exchange_weak(head, pool,
                                              std::memory_order_release,  // collect_returned
                                              std::memory_order_relaxed));
  }

  // The pool has no cell left: it leaves the list, and someone's free will bring it back. Unless
  // cells arrived in this moment: then it stays. An announced one turns up anyway, and bears no
  // mark.
  void set_full(Pool* pool) noexcept {
    Cell* expected = nullptr;
    if (!pool->announced &&
        !pool->remote.compare_exchange_strong(
            expected, Pool::full_mark(), std::memory_order_release, std::memory_order_relaxed)) {
      pool->collect_remote();
      return;
    }
    unlist(pool);
  }

  [[gnu::noinline]] void after_free(Arenas& arenas, Pool* pool) noexcept {
    if (!pool->listed) {
      Cell* expected = Pool::full_mark();
      if (!pool->announced &&
          !pool->remote.compare_exchange_strong(expected, nullptr, std::memory_order_relaxed)) {
        pool->announced = true;
      }
      list(pool);
    }
    if (pool->used == 0) retire(arenas, pool);
  }

  // Listed, empty: spare, unless it is the only one of its class or its link is in use.
  void retire(Arenas& arenas, Pool* pool) noexcept {
    bool const only_one = pool->previous == nullptr && pool->next == &no_pool;
    if (only_one || pool->announced) return;
    unlist(pool);
    if (spares_ == most_spare) {
      arenas.give_back(pool);
      return;
    }
    pool->next = spare_;
    spare_ = pool;
    ++spares_;
  }

  Pool* take_spare() noexcept {
    Pool* const pool = spare_;
    spare_ = pool->next;
    --spares_;
    return pool;
  }

  bool add_pool(Arenas& arenas, std::uint32_t size_class) noexcept {
    Pool* const pool = spare_ != nullptr ? take_spare() : arenas.take();
    if (pool == nullptr) return false;
    pool->begin(this, size_class, bytes_of(size_class));
    list(pool);
    return pool->carve();
  }

  // Lists the pools that others have announced. False where there were none.
  bool collect_returned(Arenas& arenas) noexcept {
    if (returned_.load(std::memory_order_relaxed) == nullptr) return false;
    Pool* pool = returned_.exchange(nullptr, std::memory_order_acquire);  // pairs with announce
    while (pool != nullptr) {
      Pool* const after = pool->next_returned;
      pool->announced = false;
      pool->collect_remote();
      if (!pool->listed) list(pool);  // if it is still full, the next allocation will find out
      if (pool->used == 0) retire(arenas, pool);
      pool = after;
    }
    return true;
  }

  void list(Pool* pool) noexcept {
    Pool*& first = usable_[pool->size_class];
    pool->previous = nullptr;
    pool->next = first;
    if (first != &no_pool) first->previous = pool;
    first = pool;
    pool->listed = true;
  }
  void unlist(Pool* pool) noexcept {
    (pool->previous != nullptr ? pool->previous->next : usable_[pool->size_class]) = pool->next;
    if (pool->next != &no_pool) pool->next->previous = pool->previous;
    pool->listed = false;
  }

  static inline constinit Pool no_pool;  // has no cells and ends every list: no test for null

  std::array<Pool*, size_classes> usable_{};
  Pool* spare_ = nullptr;  // empty pools kept for any class
  std::uint32_t spares_ = 0;
  alignas(64) std::atomic<Pool*> returned_{nullptr};
};

}  // namespace churn::slab
