// What:  a slot that several threads read and exchange while its objects are counted.
// Why:   load, then increment, races with another thread's exchange and last drop: the object may
//        be gone in between. So whoever reads holds the slot while it increments, by the low bit of
//        the slot's own word (references are even), and whoever exchanges waits for that bit.
// When not: a slot that one thread at a time touches: plain reads stay plain loads, and between
//        racing phases no slot has its bit set.
// Alternatives: a table of locks shares a lock between unrelated slots; split counts (a borrow
//        count in the slot's spare bits) never wait, but cost two more atomic operations a read;
//        hazard pointers delay freeing, and then counts are no longer exact.
// Cost:  a read is one compare-exchange, one increment and one store; an exchange is one
//        compare-exchange. A thread that loses its core between the two holds up others on this
//        slot.
// Thread-safety: any number of threads. `AtomicRef` and `Relax` are parameters so that a scheduler
//        can drive the interleaving.
#pragma once

#include <atomic>
#include <thread>

#include "collectors/parts/reference.hpp"

namespace churn::collectors {

// Between two looks at a slot that is held: spin a little, then let the holder run.
class YieldAfterSpinning {
 public:
  void operator()() noexcept {
    if (++looks_ < most_spins) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr int most_spins = 64;
  int looks_ = 0;
};

template <template <class> class AtomicRef = std::atomic_ref, class Relax = YieldAfterSpinning>
class RacingSlot {
 public:
  explicit RacingSlot(Word& word) noexcept : word_(word) {}

  // The reference in the slot, after `retain` (called only if it is not null) has counted it.
  template <class Retain>
  Word load(Retain retain) noexcept {
    Relax relax;
    for (;;) {
      Word value = word_.load(std::memory_order_acquire);  // pairs with the release of an exchange
      if (value == 0) return 0;
      if ((value & held) == 0 &&
          word_.compare_exchange_weak(value, value | held, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        retain(value);
        // Release: the increment comes before whoever exchanges next can drop the reference.
        word_.store(value, std::memory_order_release);
        return value;
      }
      relax();
    }
  }

  // Puts `wanted` in and gives what was there; the caller now owns that reference.
  Word exchange(Word wanted) noexcept {
    Relax relax;
    for (;;) {
      Word value = word_.load(std::memory_order_relaxed);
      // Acquire pairs with the release that published `value` and with the readers' stores; release
      // publishes the object that `wanted` names.
      if ((value & held) == 0 &&
          word_.compare_exchange_weak(value, wanted, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return value;
      }
      relax();
    }
  }

 private:
  static constexpr Word held = 1;
  AtomicRef<Word> word_;
};

}  // namespace churn::collectors
