// What:  spans, runs of 64 KiB slots of a chunk, each cut into cells of one class for one owner;
//        and where they come from.
// Why:   free() must find owner and class of a cell from its address alone: the chunk by masking,
//        the slot by shifting, and there a description for each slot.
// Invariants: the first slot of a chunk holds the descriptions and no cells. A span's first slot
//        keeps its figures; each of its slots names owner, class and first slot.
//
//      chunk, 4 MiB   | header, descriptions | slot 1 | slot 2 | … | slot 63 |
//
// Cost:  take and give_back lock, 20–50 ns, and a mapping per 63 slots. Thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocators/parts/chunk.hpp"
#include "allocators/parts/lock.hpp"
#include "allocators/parts/size_classes.hpp"
#include "harness/core/page_source.hpp"

namespace churn::thread_cache {

using allocators::chunk_bytes;

class Cache;

inline constexpr std::size_t slot_bytes = std::size_t{64} << 10;
inline constexpr std::size_t slots = chunk_bytes / slot_bytes;

struct Span {
  static constexpr std::uint32_t leaves = ~std::uint32_t{0};  // in `seen`

  Cache* owner;
  Span* next;  // of those that leave a list
  std::uint32_t size_class;
  std::uint32_t cell_bytes;
  std::uint32_t carved;  // cells that have ever been handed to the owner
  std::uint32_t seen;    // while the owner counts: those of them that are free
  std::uint8_t first_slot;
};

struct SpanChunk : allocators::Chunk {
  std::uint64_t free_slots;  // a bit each
  SpanChunk *next, *previous;
  std::array<Span, slots> spans;

  std::byte* slot(std::size_t index) noexcept {
    return reinterpret_cast<std::byte*>(this) + index * slot_bytes;
  }
};
static_assert(sizeof(SpanChunk) <= slot_bytes);

// pre: the chunk of the cell holds cells
inline Span& span_of(allocators::Chunk* chunk, void const* cell) noexcept {
  auto const offset = reinterpret_cast<std::uintptr_t>(cell) & (chunk_bytes - 1);
  return static_cast<SpanChunk*>(chunk)->spans[offset / slot_bytes];
}
inline Span& first_of(allocators::Chunk* chunk, Span const& span) noexcept {
  return static_cast<SpanChunk*>(chunk)->spans[span.first_slot];
}

// Small cells share one slot; of large ones at least eight fit into four.
constexpr std::size_t slots_of(std::uint32_t size_class) noexcept {
  return allocators::bytes_of(size_class) <= slot_bytes / 8 ? 1 : 4;
}

struct Range {
  std::byte *begin = nullptr, *end = nullptr;
};

class Spans {
 public:
  constexpr Spans() noexcept = default;

  // Room for cells of this class; empty where there is no memory, or where `may_map` forbids a new
  // chunk.
  Range take(Cache* owner, std::uint32_t size_class, bool may_map) noexcept {
    std::size_t const count = slots_of(size_class);
    allocators::Locked const locked(lock_);
    SpanChunk* chunk = usable_;
    while (chunk != nullptr && starts(*chunk, count) == 0) chunk = chunk->next;
    if (chunk == nullptr && may_map) chunk = add_chunk();
    if (chunk == nullptr) return {};
    auto const first = static_cast<std::size_t>(std::countr_zero(starts(*chunk, count)));
    chunk->free_slots &= ~(mask(count) << first);
    if (chunk->free_slots == 0) unlist(chunk);
    for (std::size_t i = 0; i < count; ++i) {
      chunk->spans[first + i] = {.owner = owner,
                                 .next = nullptr,
                                 .size_class = size_class,
                                 .cell_bytes = allocators::bytes_of(size_class),
                                 .carved = 0,
                                 .seen = 0,
                                 .first_slot = static_cast<std::uint8_t>(first)};
    }
    std::byte* const begin = chunk->slot(first);
    return {begin, begin + cells_of(size_class) * allocators::bytes_of(size_class)};
  }

  // pre: all its cells are free, and in no list.
  void give_back(Span& span) noexcept {
    auto* const chunk = static_cast<SpanChunk*>(allocators::chunk_of(&span));
    allocators::Locked const locked(lock_);
    if (chunk->free_slots == 0) list(chunk);
    chunk->free_slots |= mask(slots_of(span.size_class)) << span.first_slot;
    // One stays: a program on the edge would map and unmap it again and again.
    bool const only_one = usable_ == chunk && chunk->next == nullptr;
    if (chunk->free_slots != all_slots || only_one) return;
    unlist(chunk);
    unmap_pages(chunk, chunk_bytes);
  }

  static constexpr std::size_t cells_of(std::uint32_t size_class) noexcept {
    return slots_of(size_class) * slot_bytes / allocators::bytes_of(size_class);
  }

  void lock() noexcept { lock_.take(); }
  void unlock() noexcept { lock_.give(); }

 private:
  static constexpr std::uint64_t all_slots = ~std::uint64_t{1};

  static constexpr std::uint64_t mask(std::size_t count) noexcept {
    return (std::uint64_t{1} << count) - 1;
  }
  // A bit for each slot at which so many free ones begin.
  static std::uint64_t starts(SpanChunk const& chunk, std::size_t count) noexcept {
    std::uint64_t result = chunk.free_slots;
    for (std::size_t i = 1; i < count; ++i) result &= chunk.free_slots >> i;
    return result;
  }

  SpanChunk* add_chunk() noexcept {
    auto* const chunk = static_cast<SpanChunk*>(map_pages(chunk_bytes, chunk_bytes));
    if (chunk == nullptr) return nullptr;
    chunk->holds = allocators::Holds::cells;
    chunk->free_slots = all_slots;
    list(chunk);
    return chunk;
  }
  void list(SpanChunk* chunk) noexcept {
    chunk->previous = nullptr;
    chunk->next = usable_;
    if (usable_ != nullptr) usable_->previous = chunk;
    usable_ = chunk;
  }
  void unlist(SpanChunk* chunk) noexcept {
    (chunk->previous != nullptr ? chunk->previous->next : usable_) = chunk->next;
    if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
  }

  SpanChunk* usable_ = nullptr;  // chunks with free slots
  allocators::Lock lock_;
};

}  // namespace churn::thread_cache
