// What:  the textbook's buddy system behind one lock: every request becomes a power of two.
// Why:   a baseline. What do constant-time merging and no search cost in memory, and what does one
//        lock cost threads?
// When not: for a program; requests just above a power of two take twice their size.
//
//      size       where                              goes back to the kernel
//      … 2 MiB    parts/buddy_space.hpp              with the chunk's last block
//      more       parts/mapped_block.hpp             at once
//
// Cost:  20–60 ns a call on one thread; all threads wait for one lock.
// Source: see parts/buddy_space.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "allocators/parts/buddy_space.hpp"
#include "allocators/parts/chunk.hpp"
#include "allocators/parts/lock.hpp"
#include "allocators/parts/mapped_block.hpp"
#include "harness/core/page_source.hpp"

namespace churn::buddy {

using allocators::Chunk;
using allocators::chunk_bytes;
using allocators::chunk_of;
using allocators::Holds;
using allocators::Locked;
using allocators::MappedBlock;

class Allocator {
 public:
  static constexpr std::string_view summary =
      "the textbook's buddy system, powers of two, one lock";
  static constexpr std::string_view note = "";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  // A block starts at a multiple of its size, so a large enough one is aligned.
  static void* allocate(std::size_t size, std::size_t align) noexcept {
    std::size_t const bytes = size < align ? align : size;
    if (bytes > BuddySpace::largest_bytes) return MappedBlock::make(size, align);
    unsigned const order = BuddySpace::order_of(bytes);
    Locked const locked(lock_);
    if (void* const block = space_.allocate(order)) return block;
    void* const chunk = map_pages(chunk_bytes, chunk_bytes);
    if (chunk == nullptr) return nullptr;
    space_.add_chunk(chunk);
    return space_.allocate(order);
  }

  static void deallocate(void* block) noexcept {
    Chunk* const chunk = chunk_of(block);
    if (chunk->holds == Holds::mapped_block) return static_cast<MappedBlock*>(chunk)->unmap();
    Chunk* empty;
    {
      Locked const locked(lock_);
      empty = space_.deallocate(chunk, block);
    }
    if (empty != nullptr) unmap_pages(empty, chunk_bytes);
  }

  // The order of a block in use does not change: no lock.
  static std::size_t usable_size(void* block) noexcept {
    Chunk* const chunk = chunk_of(block);
    if (chunk->holds == Holds::cells) return BuddySpace::usable_size(chunk, block);
    return static_cast<MappedBlock*>(chunk)->usable_size();
  }

  static bool is_zeroed(void* block) noexcept {
    return chunk_of(block)->holds == Holds::mapped_block;
  }

  static void thread_exit() noexcept {}
  static void before_fork() noexcept { lock_.take(); }
  static void after_fork() noexcept { lock_.give(); }

 private:
  static inline constinit BuddySpace space_;
  static inline constinit allocators::Lock lock_;
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::LocksForFork<Allocator>);

}  // namespace churn::buddy
