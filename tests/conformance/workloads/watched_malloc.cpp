#include "tests/conformance/workloads/watched_malloc.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>

extern "C" {
void* __real_malloc(std::size_t bytes);
void* __real_realloc(void* block, std::size_t bytes);
void __real_free(void* block);
void* __real__ZnwmRKSt9nothrow_t(std::size_t bytes, std::nothrow_t const& how);
void __real__ZdlPvm(void* block, std::size_t bytes);
void* __wrap_malloc(std::size_t bytes);
void* __wrap_realloc(void* block, std::size_t bytes);
void __wrap_free(void* block);
void* __wrap__ZnwmRKSt9nothrow_t(std::size_t bytes, std::nothrow_t const& how);
void __wrap__ZdlPvm(void* block, std::size_t bytes);
}

namespace churn {
namespace {

struct Given {
  std::size_t bytes;
  std::uint32_t owners;  // more than one after a fault
};

// Plain operator new lies in libstdc++, which is not wrapped, and what frees by size while the
// mutex is held is the watch's own: the tables do not watch themselves.
thread_local bool inside = false;

class Mutex {
 public:
  void lock() {
    mutex_.lock();
    inside = true;
  }
  void unlock() {
    inside = false;
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
};

struct Watch {
  Mutex mutex;
  bool on = false;
  MallocFault fault = MallocFault::none;
  std::uint64_t interval = 0;
  std::byte* last = nullptr;
  MallocWatch seen;
  std::unordered_map<void*, Given> given;
};
Watch& watch() {
  static Watch instance;
  return instance;
}

// The block to give out instead of a new one, if a fault is due and there is one that is long
// enough.
void* faulty(Watch& watch, std::size_t bytes) {
  auto const last = watch.given.find(watch.last);
  if (watch.seen.calls % watch.interval != 0 || last == watch.given.end()) return nullptr;
  if (watch.fault == MallocFault::scribbles) {
    watch.last[last->second.bytes - 1] ^= std::byte{0x55};
  } else if (watch.fault == MallocFault::gives_live_ones && last->second.bytes >= bytes) {
    ++last->second.owners;
    return watch.last;
  }
  return nullptr;
}

void note(Watch& watch, void* block, std::size_t bytes) {
  watch.given[block] = {bytes, 1};
  watch.last = static_cast<std::byte*>(block);
  ++watch.seen.live_blocks;
  watch.seen.live_bytes += bytes;
  watch.seen.total_bytes += bytes;
  if (watch.seen.live_bytes > watch.seen.peak_live_bytes) {
    watch.seen.peak_live_bytes = watch.seen.live_bytes;
  }
}

void* give(Watch& watch, std::size_t bytes) {
  ++watch.seen.calls;
  if (watch.fault == MallocFault::gives_null && watch.seen.calls >= watch.interval) return nullptr;
  if (void* const wrong = faulty(watch, bytes)) return wrong;
  void* const block = __real_malloc(bytes);
  if (block != nullptr) note(watch, block, bytes);
  return block;
}
// False if the block still has another owner.
bool taken_back(Watch& watch, void* block) {
  auto const found = watch.given.find(block);
  if (found == watch.given.end()) {
    if (block != nullptr) ++watch.seen.unknown_frees;
    return true;
  }
  if (--found->second.owners > 0) return false;
  --watch.seen.live_blocks;
  watch.seen.live_bytes -= found->second.bytes;
  watch.given.erase(found);
  return true;
}

}  // namespace

void watch_malloc(MallocFault fault, std::uint64_t interval) {
  Watch& state = watch();
  std::lock_guard const lock(state.mutex);
  state.on = true;
  state.fault = fault;
  state.interval = interval;
  state.last = nullptr;
  state.seen = {};
  state.given.clear();
}

MallocWatch watched_malloc() noexcept {
  Watch& state = watch();
  std::lock_guard const lock(state.mutex);
  return state.seen;
}

MallocWatch stop_watching_malloc() {
  Watch& state = watch();
  std::lock_guard const lock(state.mutex);
  state.on = false;
  return state.seen;
}

}  // namespace churn

extern "C" void* __wrap_malloc(std::size_t bytes) {
  churn::Watch& watch = churn::watch();
  std::lock_guard const lock(watch.mutex);
  return watch.on ? churn::give(watch, bytes) : __real_malloc(bytes);
}

extern "C" void __wrap_free(void* block) {
  churn::Watch& watch = churn::watch();
  std::lock_guard const lock(watch.mutex);
  if (!watch.on || churn::taken_back(watch, block)) __real_free(block);
}

// As malloc, copy and free, so that both have the same faults.
extern "C" void* __wrap_realloc(void* block, std::size_t bytes) {
  churn::Watch& watch = churn::watch();
  std::lock_guard const lock(watch.mutex);
  if (!watch.on) return __real_realloc(block, bytes);
  void* const fresh = churn::give(watch, bytes);
  if (fresh == nullptr || block == nullptr) return fresh;
  auto const old = watch.given.find(block);
  std::memmove(fresh, block, old == watch.given.end() ? bytes : std::min(bytes, old->second.bytes));
  if (churn::taken_back(watch, block)) __real_free(block);
  return fresh;
}

extern "C" void* __wrap__ZnwmRKSt9nothrow_t(std::size_t bytes, std::nothrow_t const& how) {
  churn::Watch& watch = churn::watch();
  std::lock_guard const lock(watch.mutex);
  return watch.on ? churn::give(watch, bytes) : __real__ZnwmRKSt9nothrow_t(bytes, how);
}

// Containers call it, too, for blocks that were not given out here.
extern "C" void __wrap__ZdlPvm(void* block, std::size_t bytes) {
  if (churn::inside) return __real__ZdlPvm(block, bytes);
  churn::Watch& watch = churn::watch();
  std::lock_guard const lock(watch.mutex);
  if (!watch.on || !watch.given.contains(block)) return __real__ZdlPvm(block, bytes);
  if (churn::taken_back(watch, block)) __real_free(block);
}
