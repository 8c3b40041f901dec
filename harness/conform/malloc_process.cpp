// Properties of the process's malloc: thread_local objects, fork, exit, and every form of operator
// new and delete. Built with -fno-builtin like malloc_blocks.cpp.
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <new>
#include <thread>
#include <vector>

#include "harness/conform/malloc_properties.hpp"
#include "harness/conform/marked_block.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {
namespace {

struct AtThreadEnd {
  void* block = malloc(3000);
  ~AtThreadEnd() {
    free(block);
    void* const late = malloc(40);
    if (late == nullptr) fail("malloc in a destructor of a thread_local returned NULL");
    memset(late, 1, 40);
    free(late);
  }
};

void thread_local_destructors(Malloc const& /*m*/) {
  for (int round = 0; round < 200; ++round) {
    std::thread([] {
      thread_local AtThreadEnd at_end;
      if (at_end.block == nullptr) fail("malloc for a thread_local returned NULL");
      memset(at_end.block, 2, 3000);
    }).join();
  }
}

// One process of fork under load: uses every path that might find a lock taken by a thread that is
// not there. 0 if all is well.
int child_of_fork(Random random) {
  alarm(20);
  for (int i = 0; i < 300; ++i) {
    MarkedBlock* const marked = MarkedBlock::make(process_malloc(), random);
    void* const large = malloc(100'000 + random.below(2'000'000));
    if (large == nullptr) return 1;
    void* const resized = realloc(large, 400'000);
    if (resized == nullptr) return 1;
    free(resized);
    marked->release(process_malloc());
  }
  std::thread([&] {
    MarkedBlock::make(process_malloc(), random)->release(process_malloc());
  }).join();
  return 0;
}

void fork_under_load(Malloc const& /*m*/) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> load;
  for (int i = 0; i < 2; ++i) {
    load.emplace_back([&stop, i] {
      Random random = Random::fork(5, static_cast<uint64_t>(i));
      // Bounded, so that an allocator that never reuses ends too.
      for (int j = 0; j < 60'000 && !stop.load(std::memory_order_relaxed); ++j) {
        MarkedBlock* const small = MarkedBlock::make(process_malloc(), random);
        void* const large = malloc(600 + random.below(2000));
        free(large);
        small->release(process_malloc());
      }
    });
  }
  for (uint64_t round = 0; round < 25; ++round) {
    pid_t const child = fork();
    if (child < 0) fail("fork failed: %s", strerror(errno));
    if (child == 0) _exit(child_of_fork(Random::fork(6, round)));
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
      fail("the child of fork %d hung in malloc or free", static_cast<int>(round));
    }
    if (status != 0)
      fail("the child of fork %d ended with wait status %d", static_cast<int>(round), status);
  }
  stop.store(true, std::memory_order_relaxed);
  for (auto& worker : load) worker.join();
}

// exit handlers run after main, static destructors among them.
void* allocated_before_exit = nullptr;
void at_exit() {
  free(allocated_before_exit);
  void* const late = malloc(5000);
  if (late == nullptr) _exit(1);
  memset(late, 1, 5000);
  free(realloc(late, 50'000));
}

void at_exit_handlers(Malloc const& /*m*/) {
  pid_t const child = fork();
  if (child < 0) fail("fork failed: %s", strerror(errno));
  if (child == 0) {
    allocated_before_exit = malloc(100);
    atexit(at_exit);
    exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0)
    fail("a process that allocates in an exit handler ended with wait status %d", status);
}

void require_new(void* block, size_t align, char const* form) {
  if (block == nullptr) fail("%s returned null", form);
  if (reinterpret_cast<uintptr_t>(block) % align != 0)
    fail("%s is not aligned to %zu", form, align);
  memset(block, 1, 100);
}

void new_and_delete(Malloc const& /*m*/) {
  size_t volatile size = 100;
  constexpr std::align_val_t align{256};
  void* block = ::operator new(size);
  require_new(block, 16, "operator new");
  ::operator delete(block);
  block = ::operator new[](size);
  require_new(block, 16, "operator new[]");
  ::operator delete[](block);
  ::operator delete(::operator new(size), size);
  ::operator delete[](::operator new[](size), size);
  block = ::operator new(size, std::nothrow);
  require_new(block, 16, "nothrow operator new");
  ::operator delete(block, std::nothrow);
  block = ::operator new[](size, std::nothrow);
  require_new(block, 16, "nothrow operator new[]");
  ::operator delete[](block, std::nothrow);
  block = ::operator new(size, align);
  require_new(block, 256, "aligned operator new");
  ::operator delete(block, align);
  block = ::operator new[](size, align);
  require_new(block, 256, "aligned operator new[]");
  ::operator delete[](block, align);
  ::operator delete(::operator new(size, align), size, align);
  ::operator delete[](::operator new[](size, align), size, align);
  block = ::operator new(size, align, std::nothrow);
  require_new(block, 256, "aligned nothrow operator new");
  ::operator delete(block, align, std::nothrow);
  block = ::operator new[](size, align, std::nothrow);
  require_new(block, 256, "aligned nothrow operator new[]");
  ::operator delete[](block, align, std::nothrow);
  size_t volatile zero = 0;
  void* const empty = ::operator new(zero);
  if (empty == nullptr) fail("operator new of 0 bytes returned null");
  ::operator delete(empty);
}

void new_failure(Malloc const& /*m*/) {
  size_t volatile size = SIZE_MAX / 2 - 100;
  if (::operator new(size, std::nothrow) != nullptr)
    fail("nothrow operator new of 2^63 bytes gave a block");
  try {
    ::operator delete(::operator new(size));
    fail("operator new of 2^63 bytes returned");
  } catch (std::bad_alloc const&) {
  }
  try {
    ::operator delete(::operator new(size, std::align_val_t{64}), std::align_val_t{64});
    fail("aligned operator new of 2^63 bytes returned");
  } catch (std::bad_alloc const&) {
  }
}

int handler_calls = 0;
void new_handler(Malloc const& /*m*/) {
  size_t volatile size = SIZE_MAX / 2 - 100;
  handler_calls = 0;
  std::set_new_handler([] {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
  });
  try {
    ::operator delete(::operator new(size));
    fail("operator new of 2^63 bytes returned");
  } catch (std::bad_alloc const&) {
  }
  if (handler_calls != 3) fail("the new handler was called %d times instead of 3", handler_calls);
}

constexpr std::array properties{
    Property{"thread-locals", "destructors of thread_local objects may allocate and free",
             thread_local_destructors},
    Property{"fork-under-load", "a child of fork may allocate, whatever other threads were doing",
             fork_under_load},
    Property{"at-exit", "exit handlers may allocate and free", at_exit_handlers},
    Property{"new-and-delete", "every form of operator new and delete works", new_and_delete},
    Property{"new-failure", "operator new throws bad_alloc, the nothrow form returns null",
             new_failure},
    Property{"new-handler", "operator new asks the new handler until there is none", new_handler},
};

}  // namespace

Malloc const& process_malloc() noexcept {
  static constexpr Malloc table{
      ::malloc,   ::free,          ::calloc, ::realloc, ::reallocarray,       ::posix_memalign,
      ::memalign, ::aligned_alloc, ::valloc, ::pvalloc, ::malloc_usable_size, [] {},
  };
  return table;
}

std::span<Property const> process_properties() noexcept { return properties; }

}  // namespace churn::conform
