// A program to record: recorded-program KIND, of which every call is known beforehand.
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

static void every_entry_point() {
  void* block = nullptr;
  std::free(std::malloc(11));
  std::free(std::calloc(3, 5));
  std::free(std::realloc(std::malloc(10), 20'000));
  std::free(reallocarray(nullptr, 4, 8));
  if (posix_memalign(&block, 64, 100) == 0) std::free(block);
  std::free(aligned_alloc(128, 256));
  std::free(memalign(4096, 10));
  std::free(valloc(10));
  std::free(pvalloc(10));
  void* const asked = std::malloc(33);
  if (malloc_usable_size(asked) < 33) abort();
  std::free(asked);
  ::operator delete(::operator new(40));
  ::operator delete[](::operator new[](41), std::size_t{41});
  ::operator delete(::operator new(42, std::align_val_t{256}), std::align_val_t{256});
  ::operator delete(::operator new(43, std::nothrow), std::nothrow);
  std::free(nullptr);
}

// Blocks that one thread makes and another frees.
static void hand_over(int blocks) {
  std::vector<void*> made(static_cast<std::size_t>(blocks));
  std::thread([&] {
    for (auto& each : made) each = std::malloc(24);
  }).join();
  std::thread([&] {
    for (auto& each : made) std::free(each);
  }).join();
}

static void many(int blocks) {
  for (int i = 0; i < blocks; ++i) {
    void* volatile block = std::malloc(static_cast<std::size_t>(i % 300));
    std::free(block);
  }
}

int main(int count, char** words) {
  if (count != 2) return 2;
  auto const is = [&](char const* kind) { return std::strcmp(words[1], kind) == 0; };
  if (is("all")) every_entry_point();
  if (is("hand-over")) hand_over(1000);
  if (is("many")) many(1'000'000);
  if (is("killed")) {
    many(50'000);
    kill(getpid(), SIGKILL);
  }
  if (is("forks")) {
    void* const before = std::malloc(100);
    pid_t const child = fork();
    if (child == 0) {
      std::free(before);
      many(500);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    std::free(before);
  }
  return is("fails") ? 7 : 0;
}
