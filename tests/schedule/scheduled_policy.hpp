// What:  locks, conditions and atomics that the scheduler drives, for code that takes a policy as
//        WorldOf does.
// Why:   code that does its slow work under a lock has few interleavings that differ: between lock
//        and unlock nobody else can look, so a whole critical section is one step, and a few
//        threads of a dozen steps can still be explored to the end.
// Invariants: what one thread does while it holds a lock is never interrupted; what it does outside
//        is, before each atomic operation.
//        A scenario may be prepared, and looked at in the end, outside of any schedule.
// When not: code that expects an atomic to change while its lock is held: none would.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {

class ScheduledMutex {
 public:
  void lock() {
    if (Scheduler::scheduled()) Scheduler::current().await([this] { return !held_; });
    held_ = true;
    ++held_locks;
  }
  void unlock() {
    held_ = false;
    --held_locks;
    if (Scheduler::scheduled()) Scheduler::current().wrote();
  }
  static inline int held_locks = 0;  // of the one thread that runs

 private:
  bool held_ = false;
};

class ScheduledCondition {
 public:
  void wait(std::unique_lock<ScheduledMutex>& lock) {
    std::uint64_t const seen = notified_;
    lock.unlock();
    Scheduler::current().await([this, seen] { return notified_ != seen; });
    lock.lock();
  }
  void notify_all() { ++notified_; }

 private:
  std::uint64_t notified_ = 0;
};

template <class T>
class ScheduledAtomic {
 public:
  explicit ScheduledAtomic(T value) : value_(value) {}
  T load(std::memory_order) const {
    step();
    return value_;
  }
  void store(T value, std::memory_order) {
    step();
    if (Scheduler::scheduled()) Scheduler::current().wrote();
    value_ = value;
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order) {
    step();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    if (Scheduler::scheduled()) Scheduler::current().wrote();
    value_ = value;
    return true;
  }
  T exchange(T value, std::memory_order) {
    step();
    if (Scheduler::scheduled()) Scheduler::current().wrote();
    return std::exchange(value_, value);
  }

 private:
  static void step() {
    if (Scheduler::scheduled() && ScheduledMutex::held_locks == 0)
      Scheduler::current().before_operation();
  }
  T value_;
};

struct ScheduledPolicy {
  template <class T>
  using Atomic = ScheduledAtomic<T>;
  using Mutex = ScheduledMutex;
  using Condition = ScheduledCondition;
  static constexpr int spins = 0;
  static void relax() {}
};

}  // namespace churn::schedule
