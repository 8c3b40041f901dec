// What:  what is too large for cells: blocks in shared regions, and mappings of their own.
//
//      size      where                                            goes back to the kernel
//      … 1 MiB   a block in a region (parts/segregated_fit.hpp)   with the region's last block
//      more      a mapping of its own (parts/mapped_block.hpp)    at once
//
// Why:   an allocator of small cells needs something for the rest, and none of it is per thread.
// How:   regions are dealt out to four shares with a lock each; who allocates names a number, and
//        numbers that differ seldom meet at a lock. A block is freed into the share it came from.
// Cost:  20–40 ns for blocks, system calls for what is larger. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/chunk.hpp"
#include "allocators/parts/lock.hpp"
#include "allocators/parts/mapped_block.hpp"
#include "allocators/parts/segregated_fit.hpp"
#include "harness/core/page_source.hpp"

namespace churn::allocators {

class LargeBlocks {
 public:
  constexpr LargeBlocks() noexcept = default;

  // pre: align is a power of two. Null: no memory.
  void* allocate(std::size_t size, std::size_t align, std::uint32_t number) noexcept {
    if (size > SegregatedFit::largest_bytes || align > SegregatedFit::largest_align) {
      return MappedBlock::make(size, align);
    }
    Share& share = shares_[number % share_count];
    Locked const locked(share.lock);
    if (void* const block = share.blocks.allocate(size, align)) return block;
    void* const chunk = map_pages(chunk_bytes, chunk_bytes);
    if (chunk == nullptr) return nullptr;
    share.blocks.add_region(chunk);
    return share.blocks.allocate(size, align);
  }

  // pre, here and below: chunk is the block's, and does not hold cells
  void deallocate(Chunk* chunk, void* block) noexcept {
    if (chunk->holds == Holds::mapped_block) return static_cast<MappedBlock*>(chunk)->unmap();
    SegregatedFit& blocks = SegregatedFit::owner_of(block);
    Share& share = share_of(blocks);
    SegregatedFit::Region* empty;
    {
      Locked const locked(share.lock);
      empty = blocks.deallocate(block);
    }
    if (empty != nullptr) unmap_pages(empty, chunk_bytes);
  }

  static std::size_t usable_size(Chunk* chunk, void* block) noexcept {
    if (chunk->holds == Holds::blocks) return SegregatedFit::usable_size(block);
    return static_cast<MappedBlock*>(chunk)->usable_size();
  }

  // As in listed.hpp. Of any block: one that stays in its place is at least half used.
  static void* resize(Chunk* chunk, void* block, std::size_t size, std::size_t usable) noexcept {
    if (chunk->holds == Holds::mapped_block && size > SegregatedFit::largest_bytes / 2) {
      return static_cast<MappedBlock*>(chunk)->resize(size);
    }
    return size <= usable && size >= usable / 2 ? block : nullptr;
  }

  // All locks, for fork.
  void lock() noexcept {
    for (auto& share : shares_) share.lock.take();
  }
  void unlock() noexcept {
    for (auto& share : shares_) share.lock.give();
  }

 private:
  static constexpr std::size_t share_count = 4;
  struct alignas(64) Share {
    Lock lock;
    SegregatedFit blocks;
  };

  Share& share_of(SegregatedFit const& blocks) noexcept {
    for (auto& share : shares_) {
      if (&share.blocks == &blocks) return share;
    }
    __builtin_unreachable();
  }

  std::array<Share, share_count> shares_{};
};

}  // namespace churn::allocators
