// What:  small objects in pools of one size each, cut from arenas; larger ones elsewhere. The shape
//        of CPython's own allocator (arenas, pools, size classes a granule apart up to 512
//        bytes), as a whole malloc for programs with threads; its classes go on to 2 KiB.
// Why:   the shape that most small-object allocators share, small enough to read in one sitting.
// When not: as a hardened or a finished allocator: memory within an arena goes back only when the
//        whole arena is empty, and requests over 2 KiB share four locks.
//
//      size      where                                             goes back to the kernel
//      0 … 2 KiB a cell in a pool of this thread (parts/heap.hpp)  with the arena's last pool
//      more      parts/large_blocks.hpp
//
// Invariants: see the parts; chunk_of(block)->holds says which a block is.
// Cost:  2–4 ns a call for small objects on their own thread, 20–40 ns for blocks, system calls
//        for what is larger.
// Source: V. Marangozov and T. Peters, Objects/obmalloc.c of CPython 3.12 (the shape, no code).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "allocators/parts/chunk.hpp"
#include "allocators/parts/heap.hpp"
#include "allocators/parts/large_blocks.hpp"
#include "allocators/parts/thread_owned.hpp"

namespace churn::slab {

using allocators::Chunk;
using allocators::chunk_of;
using allocators::Holds;
using allocators::LargeBlocks;

class Allocator {
 public:
  static constexpr std::string_view summary =
      "arenas, pools and size classes, as CPython's allocator has";
  static constexpr std::string_view note = "";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    if (align > granule) [[unlikely]]
      return allocate_aligned(size, align);
    if (size > small_bytes) [[unlikely]]
      return allocate_large(size, align);
    return allocate_small(class_of(size));
  }

  static void deallocate(void* block) noexcept {
    Chunk* const chunk = chunk_of(block);
    if (chunk->holds != Holds::cells) [[unlikely]]
      return large_.deallocate(chunk, block);
    Pool* const pool = Pool::of(block);
    Heap* const heap = Heaps::current();
    if (pool->owner != heap) [[unlikely]] {
      return Heap::free_from_elsewhere(pool, static_cast<Cell*>(block));
    }
    heap->deallocate(arenas_, pool, static_cast<Cell*>(block));
  }

  static std::size_t usable_size(void* block) noexcept {
    Chunk* const chunk = chunk_of(block);
    if (chunk->holds == Holds::cells) return Pool::of(block)->cell_bytes;
    return LargeBlocks::usable_size(chunk, block);
  }

  static bool is_zeroed(void* block) noexcept {
    return chunk_of(block)->holds == Holds::mapped_block;
  }

  static void* resize(void* block, std::size_t size) noexcept {
    return LargeBlocks::resize(chunk_of(block), block, size, usable_size(block));
  }

  // A heap with pools that are still in use waits for the next thread.
  static void thread_exit() noexcept {
    Heaps::leave([](Heap& heap) { heap.rest(arenas_); });
  }

  // In one order, and let go in the other; nobody holds two of these locks otherwise.
  static void before_fork() noexcept {
    Heaps::lock();
    arenas_.lock();
    large_.lock();
  }
  static void after_fork() noexcept {
    large_.unlock();
    arenas_.unlock();
    Heaps::unlock();
  }

 private:
  using Heaps = allocators::ThreadOwned<Heap>;

  static void* allocate_small(std::uint32_t size_class) noexcept {
    if (void* const cell = Heaps::current()->try_allocate(size_class)) [[likely]]
      return cell;
    return allocate_small_slow(size_class);
  }
  [[gnu::noinline]] static void* allocate_small_slow(std::uint32_t size_class) noexcept {
    Heap* const heap = Heaps::own();
    return heap == nullptr ? nullptr : heap->allocate_slow(arenas_, size_class);
  }

  // Up to 512 bytes, a size rounded up to its alignment has aligned cells.
  [[gnu::noinline]] static void* allocate_aligned(std::size_t size, std::size_t align) noexcept {
    if (size <= even_bytes && align <= even_bytes) {
      return allocate_small(class_of(round_up(size == 0 ? 1 : size, align)));
    }
    return allocate_large(size, align);
  }

  [[gnu::noinline]] static void* allocate_large(std::size_t size, std::size_t align) noexcept {
    Heap const* const heap = Heaps::own();
    return heap == nullptr ? nullptr : large_.allocate(size, align, heap->number);
  }

  static inline constinit Arenas arenas_;
  static inline constinit LargeBlocks large_;
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::Resizes<Allocator>);

}  // namespace churn::slab
