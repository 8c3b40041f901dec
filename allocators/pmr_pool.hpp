// What:  std::pmr::synchronized_pool_resource as a malloc: the pools that every C++ program has at
//        hand, with pages from the kernel below them.
// Why:   it is what a C++ programmer reaches for before another malloc, so it should be measured as
//        one. Not what it was made for: malloc knows no sizes at free, so each block carries one.
// When not: for a program. Its pools give nothing back before they end, which here they never do.
// How:   header and payload in one block of the resource:
//
//            … [ up to align | bytes, offset, resource | payload …… ]
//
//        What the resource itself asks of malloc meanwhile (an exception, a thread's key) gets
//        pages of its own: resource 0. A child forked by a program of several threads may find the
//        resource locked for ever: it begins another one and gives nothing back to the old one.
// Invariants: a payload is preceded by its header, and aligned to 16 at least.
// Cost:  30–100 ns a call, 16 bytes a block.
// Source: ISO C++ 2020, [mem.res.pool]; the pools are libstdc++'s.
#pragma once

#include <sys/single_threaded.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"
#include "allocators/parts/lock.hpp"
#include "harness/core/page_source.hpp"

namespace churn::pmr_pool {

// The kernel's pages as what lies below the pools.
class Pages final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    void* const pages = map_pages(round_up(bytes, page_bytes), align);
    if (pages == nullptr) throw std::bad_alloc();
    return pages;
  }
  void do_deallocate(void* pages, std::size_t bytes, std::size_t /*align*/) override {
    unmap_pages(pages, round_up(bytes, page_bytes));
  }
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }
};

// One set of pools. Never destroyed: blocks outlive everything.
struct Resource {
  Pages pages;
  std::pmr::synchronized_pool_resource pools{&pages};
  std::uint32_t number = 0;  // from 1
};

class Allocator {
 public:
  static constexpr std::string_view summary =
      "the C++ library's synchronized_pool_resource behind malloc";
  static constexpr std::string_view note =
      "pmr-pool stores a size with every block and never gives memory back to the kernel";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    std::size_t const offset = align < sizeof(Header) ? sizeof(Header) : align;
    std::size_t bytes = 0;
    // libstdc++ 12 aligns blocks as their pool's size allows, and there are pools of 24 bytes: only
    // a multiple of the alignment is aligned.
    if (__builtin_add_overflow(size, offset, &bytes)) return nullptr;
    bytes = round_up(bytes, offset);
    Resource* const resource = inside_ ? nullptr : current();
    void* const base = resource == nullptr ? map_pages(round_up(bytes, page_bytes), align)
                                           : take(*resource, bytes, offset);
    if (base == nullptr) return nullptr;
    auto* const payload = static_cast<std::byte*>(base) + offset;
    header_of(payload) = {bytes, static_cast<std::uint32_t>(offset),
                          resource == nullptr ? 0 : resource->number};
    return payload;
  }

  static void deallocate(void* block) noexcept {
    Header const header = header_of(block);
    void* const base = static_cast<std::byte*>(block) - header.offset;
    if (header.resource == 0) return unmap_pages(base, round_up(header.bytes, page_bytes));
    Resource* const resource = current();
    if (resource == nullptr || header.resource != resource->number) return;  // the parent's
    Inside const inside;
    resource->pools.deallocate(base, header.bytes, header.offset);
  }

  static std::size_t usable_size(void* block) noexcept {
    Header const& header = header_of(block);
    return header.bytes - header.offset;
  }

  static void thread_exit() noexcept {}  // the pools have a key of their own

  static void before_fork() noexcept {
    lock_.take();
    forking_ = getpid();
    alone_ = __libc_single_threaded != 0;
  }
  static void after_fork() noexcept {
    if (getpid() != forking_ && !alone_) resource_.store(nullptr, std::memory_order_relaxed);
    lock_.give();
  }

 private:
  struct Header {
    std::size_t bytes;       // of the whole block
    std::uint32_t offset;    // of the payload; the block's alignment
    std::uint32_t resource;  // 0: pages of its own
  };
  static_assert(sizeof(Header) == 16);

  static Header& header_of(void* payload) noexcept { return static_cast<Header*>(payload)[-1]; }

  // While the resource works for this thread, what it asks of malloc comes from elsewhere.
  struct Inside {
    Inside() noexcept { inside_ = true; }
    ~Inside() { inside_ = false; }
    Inside(Inside const&) = delete;
    Inside& operator=(Inside const&) = delete;
  };

  static void* take(Resource& resource, std::size_t bytes, std::size_t align) noexcept {
    Inside const inside;
    try {
      return resource.pools.allocate(bytes, align);
    } catch (std::bad_alloc const&) {
      return nullptr;
    }
  }

  // Null: no memory.
  static Resource* current() noexcept {
    // Acquire: pairs with the release in begin.
    Resource* const resource = resource_.load(std::memory_order_acquire);
    return resource != nullptr ? resource : begin();
  }

  [[gnu::cold]] static Resource* begin() noexcept {
    allocators::Locked const locked(lock_);
    if (Resource* const other = resource_.load(std::memory_order_relaxed)) return other;
    void* const pages = map_pages(round_up(sizeof(Resource), page_bytes));
    if (pages == nullptr) return nullptr;
    Inside const inside;
    try {
      auto* const resource = ::new (pages) Resource;
      resource->number = ++begun_;
      resource_.store(resource, std::memory_order_release);  // pairs with current
      return resource;
    } catch (...) {  // no key left for threads, or no memory for the pools' table
      unmap_pages(pages, round_up(sizeof(Resource), page_bytes));
      return nullptr;
    }
  }

  static inline constinit thread_local bool inside_ = false;
  static inline constinit std::atomic<Resource*> resource_{nullptr};
  static inline constinit allocators::Lock lock_;  // while a resource begins
  static inline constinit std::uint32_t begun_ = 0;
  static inline constinit pid_t forking_ = 0;
  static inline constinit bool alone_ = false;
};

static_assert(allocators::ListedAllocator<Allocator> && allocators::LocksForFork<Allocator>);

}  // namespace churn::pmr_pool
