// What:  an allocator that only moves a pointer: free does nothing, memory never comes back.
// Why:   the floor of what a malloc call can cost. With `prefault` the page faults are paid at load
//        time, and what remains is the call itself.
// When not: anything that runs for long; it ends with "out of memory" by design.
// How:   each thread carves blocks out of a piece of its own; pieces are carved out of a region
//        under a lock. A block is a size word and the payload:
//
//            … [size|payload……][size|payload…] → next, end of the piece
//
// Invariants: payloads are aligned to 16 and preceded by their usable size; no byte is handed out
//        twice, so fresh blocks are zero.
// Cost:  1–2 ns a call from a piece; 8 bytes a block; up to 256 KiB unused per thread that ended.
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "allocators/listed.hpp"
#include "allocators/parts/lock.hpp"
#include "harness/core/page_source.hpp"

namespace churn::bump {

// What may still be handed out; `next` is where the next size word may lie.
struct Piece {
  std::uintptr_t next = 0, end = 0;
};

class Allocator {
 public:
  static constexpr std::string_view summary = "moves a pointer, never reuses: the floor of a call";
  static constexpr std::string_view note =
      "bump never reuses memory: it runs only work that fits, and its peak RSS is all that was "
      "asked for";
  static constexpr bool reuses = false;
  static constexpr std::array parameters{ParameterInfo{
      "prefault", 0, 0, std::int64_t{1} << 40,
      "bytes mapped and touched at load time, so that no call pays for a page fault"}};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    if (size > largest_bytes || align > largest_bytes) return nullptr;
    Piece& piece = piece_;
    std::uintptr_t const start = payload_at(piece.next, align);
    std::uintptr_t const end = start + footprint(size);
    if (end > piece.end) [[unlikely]]
      return allocate_slow(size, align);
    piece.next = end;
    return finish(start, size);
  }

  static void deallocate(void* /*block*/) noexcept {}

  static std::size_t usable_size(void* block) noexcept {
    std::size_t size;
    std::memcpy(&size, static_cast<std::byte*>(block) - header_bytes, sizeof size);
    return size;
  }

  static void thread_exit() noexcept { piece_ = {}; }
  static bool is_zeroed(void* /*block*/) noexcept { return true; }
  static void before_fork() noexcept { lock_.take(); }
  static void after_fork() noexcept { lock_.give(); }

  static char const* configure(std::string_view /*prefault*/, std::int64_t value) noexcept {
    std::size_t const bytes = round_up(static_cast<std::size_t>(value), page_bytes);
    if (bytes == 0) return nullptr;
    // The kernel grants any amount and kills whoever touches too much of it.
    auto const pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
    auto const system_page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    if (bytes / system_page > pages / 2) return "asks for more than half of this machine's memory";
    auto* const start = static_cast<std::byte*>(map_pages(bytes));
    if (start == nullptr) return "asks for more than this process may map";
    for (std::size_t i = 0; i < bytes; i += page_bytes) {
      *static_cast<std::byte volatile*>(start + i) = std::byte{0};
    }
    allocators::Locked const locked(lock_);
    region_ = {reinterpret_cast<std::uintptr_t>(start),
               reinterpret_cast<std::uintptr_t>(start) + bytes};
    piece_ = {};  // from here on this thread uses what was touched
    return nullptr;
  }

 private:
  static constexpr std::size_t header_bytes = sizeof(std::size_t);
  static constexpr std::size_t granule = 16;
  static constexpr std::size_t piece_bytes = std::size_t{256} << 10;
  static constexpr std::size_t region_bytes = std::size_t{64} << 20;
  static constexpr std::size_t largest_bytes = ~std::size_t{0} >> 3;

  static std::uintptr_t payload_at(std::uintptr_t next, std::size_t align) noexcept {
    return round_up(next + header_bytes, align < granule ? granule : align);
  }
  // Of a payload and of the size word of the block after it, so that `next` ends 8 below a granule.
  static constexpr std::size_t footprint(std::size_t size) noexcept {
    return (size < header_bytes ? granule : round_up(size + header_bytes, granule)) - header_bytes;
  }

  static void* finish(std::uintptr_t start, std::size_t size) noexcept {
    std::size_t const usable = footprint(size);
    auto* const block = reinterpret_cast<std::byte*>(start);
    std::memcpy(block - header_bytes, &usable, sizeof usable);
    return block;
  }

  [[gnu::noinline]] static void* allocate_slow(std::size_t size, std::size_t align) noexcept {
    std::size_t const needed = granule + align + footprint(size);
    if (needed > piece_bytes / 4) {
      Piece const own = carve(needed);
      if (own.end == 0) return nullptr;
      return finish(payload_at(own.next, align), size);
    }
    Piece const piece = carve(piece_bytes);
    if (piece.end == 0) return nullptr;
    std::uintptr_t const start = payload_at(piece.next, align);
    piece_ = {start + footprint(size), piece.end};
    return finish(start, size);
  }

  // Bytes that nobody has had yet; an empty piece where there is no memory.
  static Piece carve(std::size_t wanted) noexcept {
    std::size_t const bytes = round_up(wanted, granule);
    allocators::Locked const locked(lock_);
    if (region_.end - region_.next < bytes) {
      // What does not fit comes from a mapping of its own; the rest of the region stays in use for
      // smaller wishes unless little is left of it.
      bool const alone = bytes > region_bytes / 4;
      std::size_t const mapped = alone ? round_up(bytes, page_bytes) : region_bytes;
      auto const start = reinterpret_cast<std::uintptr_t>(map_pages(mapped));
      if (start == 0) return {};
      if (alone) return {start, start + mapped};
      region_ = {start, start + mapped};
    }
    Piece const result{region_.next, region_.next + bytes};
    region_.next += bytes;
    return result;
  }

  static inline constinit thread_local Piece piece_;
  static inline constinit Piece region_;
  static inline constinit allocators::Lock lock_;
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::Configurable<Allocator>);

}  // namespace churn::bump
