// What:  glibc's allocator with a note of every request: live and peak bytes as asked for, totals,
//        calls. A tool of the counting pass, not an allocator that anybody compares.
// Why:   peak requested live bytes is what blow-up is measured against, and only the one who sees
//        every call knows it. It costs time, so it never runs where times are taken.
// How:   16 bytes before each payload keep the size asked for and the way back to glibc's block,
//        which comes from the __libc_ names that glibc exports for those who interpose malloc.
// Invariants: live_ is the sum of the sizes of all blocks out; peak_ the most it was above
//        zero_line_. Every value of live_ is the result of one atomic addition, so no peak is
//        missed.
// Cost:  20–40 ns a call, contended between threads; 16 bytes a block, and the alignment where it
//        is larger.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/protocol.hpp"

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void __libc_free(void* block);
}

namespace churn::count {

class Allocator {
 public:
  static constexpr std::string_view summary = "glibc's, counting requested bytes";
  static constexpr std::string_view note = "";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    std::size_t const slack = align <= sizeof(Note) ? sizeof(Note) : sizeof(Note) + align;
    std::size_t bytes = 0;
    if (__builtin_add_overflow(size, slack, &bytes)) return nullptr;
    auto* const base = static_cast<std::byte*>(__libc_malloc(bytes));
    if (base == nullptr) return nullptr;
    auto const first = reinterpret_cast<std::uintptr_t>(base) + sizeof(Note);
    std::size_t const distance = sizeof(Note) + round_up(first, align) - first;
    std::byte* const block = base + distance;
    note_of(block) = {size, distance};
    book(static_cast<std::int64_t>(size), size);
    return block;
  }

  static void deallocate(void* block) noexcept {
    auto const [size, distance] = note_of(block);
    live_.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
    __libc_free(static_cast<std::byte*>(block) - distance);
  }

  static std::size_t usable_size(void* block) noexcept { return note_of(block).size; }
  static void thread_exit() noexcept {}

  // As a program sees it: the old block is gone in the moment in which the new one is there.
  static void* resize(void* block, std::size_t size) noexcept {
    auto const [size_before, distance] = note_of(block);
    std::size_t bytes = 0;
    if (distance != sizeof(Note) || __builtin_add_overflow(size, distance, &bytes)) return nullptr;
    void* const base = __libc_realloc(static_cast<std::byte*>(block) - distance, bytes);
    if (base == nullptr) return nullptr;
    std::byte* const moved = static_cast<std::byte*>(base) + distance;
    note_of(moved) = {size, distance};
    book(static_cast<std::int64_t>(size) - static_cast<std::int64_t>(size_before), size);
    return moved;
  }

  // What is live now becomes the zero line. Exact while no other thread allocates.
  static void reset() noexcept {
    zero_line_.store(live_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    peak_.store(0, std::memory_order_relaxed);
    total_.store(0, std::memory_order_relaxed);
    calls_.store(0, std::memory_order_relaxed);
  }
  static AllocationCount read() noexcept {
    return {static_cast<std::uint64_t>(peak_.load(std::memory_order_relaxed)),
            total_.load(std::memory_order_relaxed), calls_.load(std::memory_order_relaxed)};
  }

 private:
  struct Note {
    std::size_t size, distance;  // distance: from glibc's block to the payload
  };
  static_assert(sizeof(Note) == 16);

  static Note& note_of(void* block) noexcept { return static_cast<Note*>(block)[-1]; }

  // Relaxed throughout: nothing is published through these counters.
  static void book(std::int64_t change, std::size_t asked_for) noexcept {
    std::int64_t const live = live_.fetch_add(change, std::memory_order_relaxed) + change;
    std::int64_t const above = live - zero_line_.load(std::memory_order_relaxed);
    std::int64_t peak = peak_.load(std::memory_order_relaxed);
    while (above > peak && !peak_.compare_exchange_weak(peak, above, std::memory_order_relaxed)) {
    }
    total_.fetch_add(asked_for, std::memory_order_relaxed);
    calls_.fetch_add(1, std::memory_order_relaxed);
  }

  static inline constinit std::atomic<std::int64_t> live_{0}, zero_line_{0}, peak_{0};
  static inline constinit std::atomic<std::uint64_t> total_{0}, calls_{0};
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::Resizes<Allocator>);

// The two symbols of harness/core/protocol.hpp, exported by libchurn_count.so beside the malloc
// family. Named by hand, since a function with C linkage may not return a class.
[[gnu::visibility("default"), gnu::used]] inline void exported_reset() noexcept
    __asm__("churn_count_reset");
[[gnu::visibility("default"), gnu::used]] inline AllocationCount exported_read() noexcept
    __asm__("churn_count_read");
void exported_reset() noexcept { Allocator::reset(); }
AllocationCount exported_read() noexcept { return Allocator::read(); }

}  // namespace churn::count
