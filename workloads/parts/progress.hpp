// What:  how far one thread has come, for others to wait on: a counter that only its owner
//        advances.
// Why:   workloads that hand blocks over wait for each other at planned points alone; so what is
//        live, and every checksum, is the same however the kernel schedules the threads.
// Invariant: nobody waits for more than its owner reaches within the same run.
// Cost:  an uncontended advance or look: a few ns. A wait spins for some µs, then sleeps on a
//        futex.
// Thread-safety: one thread advances, any thread waits. Nothing here allocates.
#pragma once

#include <atomic>
#include <cstdint>

namespace churn {

class alignas(128) Progress {
 public:
  // Everything this thread did before is seen by who waits for the new value.
  void advance() noexcept {
    reached_.fetch_add(1, std::memory_order_release);  // pairs with the acquire in await
    reached_.notify_all();
  }

  // Returns once the counter has reached `wanted`. The counter may wrap: distances below 2^31
  // count.
  void await(std::uint32_t wanted) const noexcept {
    for (std::uint32_t spins = 0;;) {
      std::uint32_t const reached = reached_.load(std::memory_order_acquire);
      if (static_cast<std::int32_t>(reached - wanted) >= 0) return;
      if (++spins < most_spins) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      } else {
        reached_.wait(reached, std::memory_order_acquire);
      }
    }
  }

 private:
  static constexpr std::uint32_t most_spins = 500;
  std::atomic<std::uint32_t> reached_{0};
};

}  // namespace churn
