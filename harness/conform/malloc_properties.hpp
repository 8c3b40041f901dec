// What:  what a correct malloc does, as a list of properties that a program can check.
// Why:   an allocator that hands out one byte twice can win every race; conformance comes first.
//        The properties name no allocator: they hold for the malloc of the process
//        (churn-conform-malloc, one process per property) and for a class behind
//        allocators/family.hpp.
// How:   a property returns if it holds, and calls `fail` if not, from any thread.
// Source: ISO C 2017, 7.22.3; POSIX.1-2017 posix_memalign, pthread_atfork; C++20 [new.delete]; the
//        manual pages malloc(3), malloc_usable_size(3).
// Cost:  milliseconds each, and no more than about 300 MB, so that one that never reuses can run
//        them.
#pragma once

#include <cstddef>
#include <span>

namespace churn::conform {

// The malloc that is asked about. Names and meanings are those of C and glibc.
struct Malloc {
  void* (*malloc)(std::size_t size);
  void (*free)(void* block);
  void* (*calloc)(std::size_t count, std::size_t size);
  void* (*realloc)(void* block, std::size_t size);
  void* (*reallocarray)(void* block, std::size_t count, std::size_t size);
  int (*posix_memalign)(void** result, std::size_t align, std::size_t size);
  void* (*memalign)(std::size_t align, std::size_t size);
  void* (*aligned_alloc)(std::size_t align, std::size_t size);
  void* (*valloc)(std::size_t size);
  void* (*pvalloc)(std::size_t size);
  std::size_t (*usable_size)(void* block);
  void (*thread_exit)();  // called last on each thread that a property starts; may do nothing
};

// The malloc of this process.
Malloc const& process_malloc() noexcept;

struct Property {
  char const* name;
  char const* promise;  // what holds, as a sentence
  void (*check)(Malloc const& m);
};

// Alignment, size, contents and errors of single blocks.
std::span<Property const> block_properties() noexcept;
// Blocks that go from thread to thread.
std::span<Property const> thread_properties() noexcept;
// Of the process itself: thread_local objects, fork, exit, operator new and delete. They ask the
// malloc of the process, whatever they are handed.
std::span<Property const> process_properties() noexcept;

// Called where a property does not hold. Defined by the program that checks; does not return.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(char const* format, ...);

}  // namespace churn::conform
