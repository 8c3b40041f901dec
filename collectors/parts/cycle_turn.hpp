// What:  whose turn it is to drive a collection cycle: one thread's at a time, a mutator's or that
//        of the thread which the heap owns; and that thread.
// Why:   a cycle is begun by the mutator that needs it, goes on beside all mutators on a thread of
//        its own, and is sometimes driven to its end by a mutator that has nothing else to do.
// How:   who has the turn may hand it over to the owned thread, which gives it back when `drive` is
//        done. The owned thread may run on any core that the program could use when it started, not
//        only on the one to which its maker has been pinned.
// Invariants: between try_take or take and give_back or hand_over nobody else has the turn. While
//        quiesced the owned thread never has it.
// When not: cycles of which several could run at a time.
// Cost:  a lock an operation; handing over wakes a thread, 5–50 µs until it runs.
// Thread-safety: all of it. A mutator that waits must be blocked in its world.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "collectors/parts/own_cores.hpp"
#include "harness/core/clock.hpp"

namespace churn::collectors {

class CycleTurn {
 public:
  // drive() is what the owned thread does when it is handed the turn. It looks at ending() now and
  // then, and leaves its cycle where it is.
  template <class Drive>
  explicit CycleTurn(Drive drive) : thread_([this, drive] { live(drive); }) {}
  CycleTurn(CycleTurn const&) = delete;
  CycleTurn& operator=(CycleTurn const&) = delete;
  // No mutator is left.
  ~CycleTurn() {
    {
      std::lock_guard const lock(mutex_);
      ending_.store(true, std::memory_order_relaxed);  // see ending()
    }
    changed_.notify_all();
    thread_.join();
  }

  // Relaxed: what is abandoned then is used by nobody.
  bool ending() const noexcept { return ending_.load(std::memory_order_relaxed); }

  bool try_take() {
    std::lock_guard const lock(mutex_);
    if (taken_) return false;
    taken_ = true;
    return true;
  }
  void take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !taken_; });
    taken_ = true;
  }
  // pre: the caller has the turn, here and in hand_over
  void give_back() {
    {
      std::lock_guard const lock(mutex_);
      taken_ = false;
    }
    changed_.notify_all();
  }
  // To the owned thread. False: it is quiesced, and the caller still has the turn.
  bool hand_over() {
    {
      std::lock_guard const lock(mutex_);
      if (quiesced_) return false;
      handed_over_ = true;
    }
    changed_.notify_all();
    return true;
  }

  // Until nobody has the turn, but no longer than so many ns.
  void await(std::uint64_t longest_ns) {
    auto const end = std::chrono::system_clock::now() + std::chrono::nanoseconds(longest_ns);
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, end, [this] { return !taken_; });
  }
  void await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !taken_; });
  }

  // Waits for the owned thread; from then on it rests. pre: the caller runs no mutator, or it is
  // blocked
  void quiesce() {
    std::unique_lock lock(mutex_);
    quiesced_ = true;
    changed_.wait(lock, [this] { return !driving_ && !handed_over_; });
  }
  void resume() {
    std::lock_guard const lock(mutex_);
    quiesced_ = false;
  }

  // CPU time of the owned thread so far. Relaxed: a figure of its own.
  std::uint64_t cpu_ns() const noexcept { return cpu_ns_.load(std::memory_order_relaxed); }

 private:
  template <class Drive>
  void live(Drive drive) {
    use_all_cores();
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return handed_over_ || ending(); });
      if (!handed_over_) return;
      handed_over_ = false;
      driving_ = true;
      lock.unlock();
      drive();
      // Relaxed: see cpu_ns().
      cpu_ns_.store(read_clock_ns(CLOCK_THREAD_CPUTIME_ID), std::memory_order_relaxed);
      lock.lock();
      driving_ = taken_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false, handed_over_ = false, driving_ = false, quiesced_ = false;
  std::atomic<bool> ending_{false};
  std::atomic<std::uint64_t> cpu_ns_{0};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace churn::collectors
