// What:  a mutex of one word that sleeps in the kernel when it must wait.
// Why:   std::mutex may throw, which would tie a malloc library to libstdc++; and this one may be
//        let go in a forked child by the thread that took it in the parent.
// When not: anywhere but in malloc libraries. Not recursive, not fair.
// Invariants: 0 free, 1 held, 2 held and perhaps waited for.
// Cost:  two atomic instructions when free. Source: U. Drepper, Futexes Are Tricky, 2011, mutex 2.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace churn::allocators {

class Lock {
 public:
  constexpr Lock() noexcept = default;
  Lock(Lock const&) = delete;
  Lock& operator=(Lock const&) = delete;

  void take() noexcept {
    std::uint32_t seen = 0;
    // Pairs with the release in give; so do the two exchanges below.
    if (word_.compare_exchange_strong(seen, 1, std::memory_order_acquire)) return;
    for (int i = 0; i < spins; ++i) {
      seen = 0;
      if (word_.compare_exchange_weak(seen, 1, std::memory_order_acquire)) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    int const before = errno;
    while (word_.exchange(2, std::memory_order_acquire) != 0) call(FUTEX_WAIT_PRIVATE, 2);
    errno = before;
  }

  void give() noexcept {
    if (word_.exchange(0, std::memory_order_release) != 2) return;
    int const before = errno;
    call(FUTEX_WAKE_PRIVATE, 1);
    errno = before;
  }

 private:
  static constexpr int spins = 100;

  void call(int operation, std::uint32_t value) noexcept {
    syscall(SYS_futex, &word_, operation, value, nullptr, nullptr, 0);
  }

  std::atomic<std::uint32_t> word_{0};
};

class Locked {
 public:
  explicit Locked(Lock& lock) noexcept : lock_(lock) { lock_.take(); }
  ~Locked() { lock_.give(); }
  Locked(Locked const&) = delete;
  Locked& operator=(Locked const&) = delete;

 private:
  Lock& lock_;
};

}  // namespace churn::allocators
