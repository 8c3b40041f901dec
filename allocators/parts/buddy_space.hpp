// What:  the binary buddy system in a chunk: blocks are powers of two, each starts at a multiple of
//        its size, and is split in halves or merged with its other half, its buddy.
// Why:   splitting and merging need no search: the buddy's address is the block's with one bit
//        changed.
// Invariants: `orders` has a byte for each 32 bytes of the chunk: at a block's first ones its
//        order, and whether it is free; elsewhere it is old. A free block is in the list of its
//        order.
//        The first 256 KiB hold the chunk's header and `orders`, and are no block.
//
//      chunk, 4 MiB  | header, orders | 256 K | 512 K     | 1 M       | 2 M                 |
//
// Cost:  at most 17 splits or merges a call; half of a block may be unused, a quarter on average.
// Thread-safety: none; the owner locks.
// Source: K. C. Knowlton, A Fast Storage Allocator, CACM 1965; D. Knuth, The Art of Computer
//        Programming 1, 2.5 C.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/chunk.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::buddy {

class BuddySpace {
 public:
  static constexpr std::size_t largest_bytes = allocators::chunk_bytes / 2;

  constexpr BuddySpace() noexcept = default;

  // The least order whose blocks have this many bytes. pre: bytes <= largest_bytes
  static constexpr unsigned order_of(std::size_t bytes) noexcept {
    return bytes <= least_bytes ? 0
                                : static_cast<unsigned>(std::bit_width(bytes - 1)) - least_shift;
  }
  static std::size_t usable_size(allocators::Chunk* chunk, void* block) noexcept {
    return bytes_of(static_cast<Region*>(chunk)->order(block));
  }

  // Null: add a chunk and ask again.
  void* allocate(unsigned order) noexcept {
    unsigned const found =
        not_empty_ >> order == 0
            ? orders
            : order + static_cast<unsigned>(std::countr_zero(not_empty_ >> order));
    if (found == orders) return nullptr;
    Block* const block = lists_[found];
    unlink(block, found);
    Region& region = *region_of(block);
    if (region.free_bytes == blocks_bytes) --whole_regions_;
    region.free_bytes -= bytes_of(order);
    for (unsigned half = found; half-- > order;) {
      link(reinterpret_cast<Block*>(reinterpret_cast<std::byte*>(block) + bytes_of(half)), half);
    }
    region.mark(block, order, false);
    return block;
  }

  // A chunk without a block in use, and not the only one: to be unmapped. Else null.
  [[nodiscard]] allocators::Chunk* deallocate(allocators::Chunk* chunk, void* place) noexcept {
    auto& region = *static_cast<Region*>(chunk);
    auto* block = static_cast<Block*>(place);
    CHURN_ASSERT(!region.is_free(block));  // else freed twice
    unsigned order = region.order(block);
    region.free_bytes += bytes_of(order);
    // Of the largest block the buddy would hold the header.
    for (; order < order_of(largest_bytes); ++order) {
      Block* const buddy = buddy_of(block, order);
      if (in_header(buddy) || !region.is_free(buddy) || region.order(buddy) != order) break;
      unlink(buddy, order);
      block = buddy < block ? buddy : block;
    }
    link(block, order);
    if (region.free_bytes != blocks_bytes) return nullptr;
    if (whole_regions_++ == 0) return nullptr;
    --whole_regions_;
    for_each_whole_block(region, [&](Block* whole, unsigned of) { unlink(whole, of); });
    return &region;
  }

  // pre: fresh from map_pages(chunk_bytes, chunk_bytes)
  void add_chunk(void* chunk) noexcept {
    auto& region = *static_cast<Region*>(chunk);
    region.holds = allocators::Holds::cells;
    region.free_bytes = blocks_bytes;
    ++whole_regions_;
    for_each_whole_block(region, [&](Block* block, unsigned order) { link(block, order); });
  }

 private:
  static constexpr unsigned least_shift = 5;
  static constexpr std::size_t least_bytes = std::size_t{1} << least_shift;  // two links
  static constexpr std::size_t header_bytes = std::size_t{256} << 10;
  static constexpr std::size_t blocks_bytes = allocators::chunk_bytes - header_bytes;
  static constexpr unsigned orders = std::countr_zero(largest_bytes) - least_shift + 1;
  static constexpr std::uint8_t free_bit = 0x80;

  struct Block {
    Block *next, *previous;  // of its list, while free
  };

  struct Region : allocators::Chunk {
    std::size_t free_bytes;
    std::array<std::uint8_t, allocators::chunk_bytes / least_bytes> orders;

    std::uint8_t& entry(void const* block) noexcept {
      auto const offset = reinterpret_cast<std::uintptr_t>(block) & (allocators::chunk_bytes - 1);
      return orders[offset >> least_shift];
    }
    unsigned order(void const* block) noexcept { return entry(block) & ~free_bit; }
    bool is_free(void const* block) noexcept { return (entry(block) & free_bit) != 0; }
    void mark(void const* block, unsigned order, bool free) noexcept {
      entry(block) = static_cast<std::uint8_t>(order | (free ? free_bit : 0u));
    }
  };
  static_assert(sizeof(Region) <= header_bytes);

  static constexpr std::size_t bytes_of(unsigned order) noexcept { return least_bytes << order; }
  static Region* region_of(void* block) noexcept {
    return static_cast<Region*>(allocators::chunk_of(block));
  }
  static Block* buddy_of(Block* block, unsigned order) noexcept {
    return reinterpret_cast<Block*>(reinterpret_cast<std::uintptr_t>(block) ^ bytes_of(order));
  }
  static bool in_header(Block* block) noexcept {
    return (reinterpret_cast<std::uintptr_t>(block) & (allocators::chunk_bytes - 1)) < header_bytes;
  }

  // The blocks of a chunk in which nothing is in use: 256 KiB at 256 KiB, 512 KiB at 512 KiB, …
  template <class Visit>
  static void for_each_whole_block(Region& region, Visit const& visit) noexcept {
    for (std::size_t bytes = header_bytes; bytes <= largest_bytes; bytes *= 2) {
      visit(reinterpret_cast<Block*>(reinterpret_cast<std::byte*>(&region) + bytes),
            order_of(bytes));
    }
  }

  void link(Block* block, unsigned order) noexcept {
    region_of(block)->mark(block, order, true);
    block->previous = nullptr;
    block->next = lists_[order];
    if (block->next != nullptr) block->next->previous = block;
    lists_[order] = block;
    not_empty_ |= 1u << order;
  }
  void unlink(Block* block, unsigned order) noexcept {
    region_of(block)->mark(block, order, false);
    if (block->next != nullptr) block->next->previous = block->previous;
    (block->previous != nullptr ? block->previous->next : lists_[order]) = block->next;
    if (lists_[order] == nullptr) not_empty_ &= ~(1u << order);
  }

  std::array<Block*, orders> lists_{};
  std::uint32_t not_empty_ = 0;    // a bit for each list
  std::size_t whole_regions_ = 0;  // in which nothing is in use
};

}  // namespace churn::buddy
