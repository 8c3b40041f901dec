// What:  lists of free cells in each thread, one for each size class; cells freed by another thread
//        go back to their owner in chains, through a lock-free list.
// Why:   the shape of today's fast allocators: what a thread frees it gets again, without a lock or
//        an atomic instruction, and memory does not wander from thread to thread.
// When not: very many threads that each free little of everything: each keeps up to 256 KiB of free
//        cells of a class before it looks for spans to give back.
//
//      size       where                                                goes back to the kernel
//      0 … 32 KiB a cell of a span of this thread (parts/cache.hpp,    with the chunk's last span
//                 parts/spans.hpp)
//      more       parts/large_blocks.hpp
//
// Invariants: see the parts; chunk_of(block)->holds says which a block is.
// Cost:  2–4 ns a call for cells, also for those of other threads.
// Source: lists in threads: S. Ghemawat and P. Menage, TCMalloc: Thread-Caching Malloc, 2005;
//        chains by owner: P. Liétar et al., snmalloc: A Message Passing Allocator, ISMM 2019.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "allocators/parts/cache.hpp"
#include "allocators/parts/chunk.hpp"
#include "allocators/parts/large_blocks.hpp"
#include "allocators/parts/size_classes.hpp"
#include "allocators/parts/spans.hpp"
#include "allocators/parts/thread_owned.hpp"

namespace churn::thread_cache {

using allocators::Chunk;
using allocators::chunk_of;
using allocators::Holds;
using allocators::LargeBlocks;

class Allocator {
 public:
  static constexpr std::string_view summary =
      "lists of free cells in each thread, remote frees in chains";
  static constexpr std::string_view note = "";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    if (align > granule || size > allocators::largest_cell_bytes) [[unlikely]]
      return allocate_otherwise(size, align);
    return allocate_cell(allocators::class_of(size));
  }

  static void deallocate(void* block) noexcept {
    Chunk* const chunk = chunk_of(block);
    if (chunk->holds != Holds::cells) [[unlikely]]
      return large_.deallocate(chunk, block);
    Span const& span = span_of(chunk, block);
    Cache* const cache = Caches::current();
    if (span.owner != cache) [[unlikely]]
      return deallocate_elsewhere(span, static_cast<Cell*>(block));
    cache->deallocate(spans_, span, static_cast<Cell*>(block));
  }

  static std::size_t usable_size(void* block) noexcept {
    Chunk* const chunk = chunk_of(block);
    if (chunk->holds == Holds::cells) return span_of(chunk, block).cell_bytes;
    return LargeBlocks::usable_size(chunk, block);
  }

  static bool is_zeroed(void* block) noexcept {
    return chunk_of(block)->holds == Holds::mapped_block;
  }

  static void* resize(void* block, std::size_t size) noexcept {
    return LargeBlocks::resize(chunk_of(block), block, size, usable_size(block));
  }

  // A cache with spans that are still in use waits for the next thread.
  static void thread_exit() noexcept {
    Caches::leave([](Cache& cache) { cache.rest(spans_); });
  }

  // In the order in which refill takes them.
  static void before_fork() noexcept {
    Caches::lock();
    spans_.lock();
    large_.lock();
  }
  static void after_fork() noexcept {
    large_.unlock();
    spans_.unlock();
    Caches::unlock();
  }

 private:
  using Caches = allocators::ThreadOwned<Cache>;

  static constexpr std::size_t granule = 16;

  static void* allocate_cell(std::uint32_t size_class) noexcept {
    if (void* const cell = Caches::current()->try_allocate(size_class)) [[likely]]
      return cell;
    return allocate_slow(size_class);
  }

  [[gnu::noinline]] static void* allocate_slow(std::uint32_t size_class) noexcept {
    Cache* const cache = Caches::own();
    if (cache == nullptr) return nullptr;
    if (!cache->refill(spans_, size_class, false)) {
      settle_idle();
      if (!cache->refill(spans_, size_class, true)) return nullptr;
    }
    return cache->try_allocate(size_class);
  }

  // Cells lie at multiples of their size: a class that is a multiple of the alignment is aligned.
  [[gnu::noinline]] static void* allocate_otherwise(std::size_t size, std::size_t align) noexcept {
    if (size <= allocators::largest_cell_bytes && align <= allocators::largest_cell_bytes) {
      std::uint32_t const fits = allocators::class_of(size);
      if (allocators::bytes_of(fits) % align == 0) return allocate_cell(fits);
      return allocate_cell(allocators::class_of(std::bit_ceil(size < align ? align : size)));
    }
    Cache const* const cache = Caches::own();
    return cache == nullptr ? nullptr : large_.allocate(size, align, cache->number);
  }

  [[gnu::noinline]] static void deallocate_elsewhere(Span const& span, Cell* cell) noexcept {
    Cache* const cache = Caches::own();
    if (cache == nullptr) return span.owner->push_remote(cell, cell);
    if (span.owner == cache) return cache->deallocate(spans_, span, cell);  // own for a moment
    cache->send(span, cell);
  }

  // What others have freed since their threads ended: before memory is mapped that may be there.
  static void settle_idle() noexcept {
    Caches::for_each_idle([](Cache& cache) { cache.rest(spans_); });
  }

  static inline constinit Spans spans_;
  static inline constinit LargeBlocks large_;
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::Resizes<Allocator>);

}  // namespace churn::thread_cache
