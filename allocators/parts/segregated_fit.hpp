// What:  blocks of many sizes cut out of regions, found through one free list per narrow range of
//        sizes and a bitmap of the lists that are not empty; neighbours merge at once when they are
//        freed.
// Why:   constant time for every request, at most about 6 % lost to rounding, and what is freed can
//        serve any other size: what `slab` needs between its small cells and whole mappings.
// When not: small objects (16 bytes of header each), or without the owner's lock: nothing here
//        locks.
// Invariants: blocks follow each other without gaps, sizes are multiples of 16, no two neighbours
//        are both free, a free block is in the list of its size, a used block of 0 bytes ends a
//        region.
//
//      region  | chunk header | used | free | used | used | free | end |
//      block   | bytes of the one before | own bytes + used bit | payload, or links of its list |
//
// Cost:  20–40 ns a call. Source: M. Masmano, I. Ripoll, A. Crespo, J. Real, TLSF: a New Dynamic
//        Memory Allocator for Real-Time Systems, ECRTS 2004; boundary tags: D. Knuth, The Art of
//        Computer Programming 1, 2.5.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/chunk.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::allocators {

class SegregatedFit {
 public:
  // Of one region's header, which says whose it is, before the first block.
  struct Region : Chunk {
    SegregatedFit* owner;
  };

  // The largest request that a fresh region can always serve.
  static constexpr std::size_t largest_bytes = std::size_t{1} << 20;
  static constexpr std::size_t largest_align = std::size_t{64} << 10;

  static SegregatedFit& owner_of(void* payload) noexcept {
    return *static_cast<Region*>(chunk_of(payload))->owner;
  }
  static std::size_t usable_size(void* payload) noexcept {
    return block_of(payload)->bytes() - header_bytes;
  }

  // Null: add a region and ask again. pre: size <= largest_bytes, align <= largest_align, power of
  // two
  void* allocate(std::size_t size, std::size_t align) noexcept {
    std::size_t const bytes = block_bytes(size);
    std::size_t const slack = align <= granule ? 0 : align + least_bytes;
    std::size_t const bin = first_bin_at_or_after(sufficient_bin(bytes + slack));
    if (bin == bins) return nullptr;
    Block* block = lists_[bin];
    unlink(block);
    if (slack != 0) block = cut_front(block, align);
    cut_rest(block, bytes);
    block->set_used(true);
    return block->payload();
  }

  // A region that is free from end to end and not the only one like it: to be unmapped. Else null.
  [[nodiscard]] Region* deallocate(void* payload) noexcept {
    Block* block = block_of(payload);
    CHURN_ASSERT(block->used());  // else freed twice
    block->set_used(false);
    if (Block* const after = block->after(); !after->used()) {
      unlink(after);
      block->set_bytes(block->bytes() + after->bytes());
    }
    if (block->bytes_before_ != 0 && !block->before()->used()) {
      Block* const before = block->before();
      unlink(before);
      before->set_bytes(before->bytes() + block->bytes());
      block = before;
    }
    if (block->bytes() == region_block_bytes) {
      if (spare_region_) return region_of(block);
      spare_region_ = true;
    }
    link(block);
    return nullptr;
  }

  // pre: the chunk is fresh from map_pages(chunk_bytes, chunk_bytes)
  void add_region(void* chunk) noexcept {
    auto* const region = static_cast<Region*>(chunk);
    region->holds = Holds::blocks;
    region->owner = this;
    auto* const block = reinterpret_cast<Block*>(static_cast<std::byte*>(chunk) + first_offset);
    block->bytes_before_ = 0;
    block->bytes_and_used_ = 0;
    block->set_bytes(region_block_bytes);
    block->after()->bytes_and_used_ = 1;
    spare_region_ = true;
    link(block);
  }

 private:
  static constexpr std::size_t granule = 16;
  static constexpr std::size_t header_bytes = 16;
  static constexpr std::size_t least_bytes = 32;   // a free block holds its two links
  static constexpr std::size_t first_offset = 64;  // of a region's first block
  static constexpr std::size_t region_block_bytes = chunk_bytes - first_offset - header_bytes;
  static constexpr std::size_t bins = 19 * 16;  // 16 per power of two, up to the whole region

  struct Block {
    std::size_t bytes_before_;    // 0: the first of its region
    std::size_t bytes_and_used_;  // header included; lowest bit: used
    Block *next_, *previous_;     // of its list, while free

    std::size_t bytes() const noexcept { return bytes_and_used_ & ~std::size_t{1}; }
    bool used() const noexcept { return (bytes_and_used_ & 1) != 0; }
    void set_used(bool used) noexcept { bytes_and_used_ = bytes() | (used ? 1 : 0); }
    void set_bytes(std::size_t bytes) noexcept {
      bytes_and_used_ = bytes | (bytes_and_used_ & 1);
      after()->bytes_before_ = bytes;
    }
    Block* after() noexcept { return at(static_cast<std::ptrdiff_t>(bytes())); }
    Block* before() noexcept { return at(-static_cast<std::ptrdiff_t>(bytes_before_)); }
    Block* at(std::ptrdiff_t distance) noexcept {
      return reinterpret_cast<Block*>(reinterpret_cast<std::byte*>(this) + distance);
    }
    void* payload() noexcept { return at(header_bytes); }
  };

  static Block* block_of(void* payload) noexcept {
    return reinterpret_cast<Block*>(static_cast<std::byte*>(payload) - header_bytes);
  }
  static Region* region_of(Block* first) noexcept {
    return reinterpret_cast<Region*>(reinterpret_cast<std::byte*>(first) - first_offset);
  }
  static std::size_t block_bytes(std::size_t size) noexcept {
    return round_up(size < least_bytes - header_bytes ? least_bytes : size + header_bytes, granule);
  }

  // The list that a free block of this many bytes belongs to. pre: bytes >= least_bytes
  static std::size_t bin_of(std::size_t bytes) noexcept {
    auto const shift = static_cast<std::size_t>(std::bit_width(bytes)) - 5;
    return (shift - 1) * 16 + ((bytes >> shift) & 15);
  }
  // The first list in which every block has at least this many bytes.
  static std::size_t sufficient_bin(std::size_t bytes) noexcept {
    auto const shift = static_cast<std::size_t>(std::bit_width(bytes)) - 5;
    return bin_of(bytes + (std::size_t{1} << shift) - 1);
  }
  std::size_t first_bin_at_or_after(std::size_t bin) const noexcept {
    std::size_t word = bin / 64;
    std::uint64_t rest = not_empty_[word] & (~std::uint64_t{0} << (bin % 64));
    while (rest == 0) {
      if (++word == not_empty_.size()) return bins;
      rest = not_empty_[word];
    }
    return word * 64 + static_cast<std::size_t>(std::countr_zero(rest));
  }

  void link(Block* block) noexcept {
    std::size_t const bin = bin_of(block->bytes());
    block->previous_ = nullptr;
    block->next_ = lists_[bin];
    if (block->next_ != nullptr) block->next_->previous_ = block;
    lists_[bin] = block;
    not_empty_[bin / 64] |= std::uint64_t{1} << (bin % 64);
  }
  void unlink(Block* block) noexcept {
    std::size_t const bin = bin_of(block->bytes());
    if (block->bytes() == region_block_bytes) spare_region_ = false;
    if (block->next_ != nullptr) block->next_->previous_ = block->previous_;
    if (block->previous_ != nullptr) {
      block->previous_->next_ = block->next_;
    } else {
      lists_[bin] = block->next_;
      if (block->next_ == nullptr) not_empty_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
    }
  }

  // Gives back what lies before the first aligned payload; the block that starts there.
  Block* cut_front(Block* block, std::size_t align) noexcept {
    auto const payload = reinterpret_cast<std::uintptr_t>(block->payload());
    std::size_t distance = round_up(payload, align) - payload;
    if (distance == 0) return block;
    if (distance < least_bytes) distance += align;
    Block* const rest = block->at(static_cast<std::ptrdiff_t>(distance));
    rest->bytes_and_used_ = 0;
    rest->set_bytes(block->bytes() - distance);
    block->set_bytes(distance);
    link(block);
    return rest;
  }
  // Gives back what lies behind the first `bytes`, if that is enough for a block.
  void cut_rest(Block* block, std::size_t bytes) noexcept {
    if (block->bytes() - bytes < least_bytes) return;
    Block* const rest = block->at(static_cast<std::ptrdiff_t>(bytes));
    rest->bytes_and_used_ = 0;
    rest->set_bytes(block->bytes() - bytes);
    block->set_bytes(bytes);
    link(rest);
  }

  std::array<Block*, bins> lists_{};
  std::array<std::uint64_t, (bins + 63) / 64> not_empty_{};
  bool spare_region_ = false;  // a region that is free from end to end is in its list
};

}  // namespace churn::allocators
