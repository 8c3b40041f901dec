#include "tests/conformance/workloads/watched_malloc.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

extern "C" {
void* __real_malloc(std::size_t bytes);
void __real_free(void* block);
void* __wrap_malloc(std::size_t bytes);
void __wrap_free(void* block);
}

namespace churn {
namespace {

struct Given {
  std::size_t bytes;
  std::uint32_t owners;  // more than one after a fault
};

// operator new lies in libstdc++, which is not wrapped: the tables do not watch themselves.
struct Watch {
  std::mutex mutex;
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

void* give(Watch& watch, std::size_t bytes) {
  ++watch.seen.calls;
  if (watch.fault == MallocFault::gives_null && watch.seen.calls >= watch.interval) return nullptr;
  if (void* const wrong = faulty(watch, bytes)) return wrong;
  void* const block = __real_malloc(bytes);
  if (block == nullptr) return nullptr;
  watch.given[block] = {bytes, 1};
  watch.last = static_cast<std::byte*>(block);
  ++watch.seen.live_blocks;
  watch.seen.live_bytes += bytes;
  watch.seen.total_bytes += bytes;
  if (watch.seen.live_bytes > watch.seen.peak_live_bytes) {
    watch.seen.peak_live_bytes = watch.seen.live_bytes;
  }
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
