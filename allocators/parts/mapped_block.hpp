// What:  a block with a mapping of its own, for what is too large to share one.
// Why:   its memory goes back at once, grows without copying (mremap), and is zero when new.
// When not: below some hundred KiB system calls and page faults dominate.
// Invariants: the header is at the chunk's start, the payload `offset` bytes later.
// Cost:  up to three system calls to make, one to free; a page fault per page. Thread-safe.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "allocators/parts/chunk.hpp"
#include "harness/core/page_source.hpp"

namespace churn::allocators {

class MappedBlock : public Chunk {
 public:
  // pre: align is a power of two. Null: no memory, or a size beyond the address space.
  static void* make(std::size_t size, std::size_t align) noexcept {
    if (size > largest_bytes || align > largest_bytes) return nullptr;
    std::size_t const offset = align < header_bytes  ? header_bytes
                               : align < chunk_bytes ? align
                                                     : chunk_bytes;
    // A payload aligned beyond the chunk starts at such a boundary, its chunk one chunk before.
    std::size_t const skipped = align > chunk_bytes ? align - chunk_bytes : 0;
    std::size_t const bytes = round_up(offset + size, page_bytes);
    void* const start = map_pages(skipped + bytes, align > chunk_bytes ? align : chunk_bytes);
    if (start == nullptr) return nullptr;
    if (skipped != 0) unmap_pages(start, skipped);
    auto* const block = reinterpret_cast<MappedBlock*>(static_cast<std::byte*>(start) + skipped);
    block->holds = Holds::mapped_block;
    block->bytes_ = bytes;
    block->offset_ = offset;
    return block->payload();
  }

  std::size_t usable_size() const noexcept { return bytes_ - offset_; }
  void unmap() noexcept { unmap_pages(this, bytes_); }

  // The payload, which may have moved; null where the kernel has no room, and nothing has changed.
  void* resize(std::size_t size) noexcept {
    if (size > largest_bytes) return nullptr;
    std::size_t const bytes = round_up(offset_ + size, page_bytes);
    if (bytes == bytes_) return payload();
    MappedBlock* block = this;
    if (mremap(this, bytes_, bytes, 0) == MAP_FAILED) {
      // In place there is no room. Pages move to a place that is aligned like a chunk.
      void* const place = map_pages(bytes, chunk_bytes);
      if (place == nullptr) return nullptr;
      if (mremap(this, bytes_, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
        unmap_pages(place, bytes);
        return nullptr;
      }
      block = static_cast<MappedBlock*>(place);
    }
    block->bytes_ = bytes;
    return block->payload();
  }

 private:
  static constexpr std::size_t header_bytes = 64;
  static constexpr std::size_t largest_bytes = std::size_t{1} << 47;

  void* payload() noexcept { return reinterpret_cast<std::byte*>(this) + offset_; }

  std::size_t bytes_, offset_;  // of the mapping, header included; of the payload
};

}  // namespace churn::allocators
