// What:  the objects that other threads have queued for one owner, and whether the owner is there
//        to take them.
// Why:   an owner that waits, sleeps or has ended takes nothing; what is queued for it would stay
//        for ever. So while it is away whoever would queue an object acts for it instead, under the
//        lock that the owner needs to come back.
// How:   a mutex, a table, and a word that the owner polls.
// Invariants: while the owner is away the queue is empty. An owner may go and another one come:
//        what the first one owned is then the second one's, which sees all that was done meanwhile.
// Cost:  a poll is a relaxed load. Putting and taking: an uncontended lock, about 20 ns.
// Thread-safety: put and await_taken by any thread, all else by the owner. `Policy` (Mutex,
//        Condition, Atomic) and `Table` are parameters so that a scheduler can drive it.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "collectors/parts/page_buffer.hpp"

namespace churn::collectors {

template <class Object, class Policy, class Table>
class OwnerQueueOf {
  using Lock = std::unique_lock<typename Policy::Mutex>;

 public:
  using Taken = std::array<Object*, 64>;

  explicit OwnerQueueOf(bool owner_is_present = false) : present_(owner_is_present) {}

  // Gives the object to the owner; or, if that is away, runs act() in its place and returns what
  // that returns. act() must not use any queue.
  template <class Act>
  bool put(Object* object, Act act) {
    Lock const lock(mutex_);
    if (!present_) return act();
    table_.push(object);
    taken_ = false;
    // Relaxed: it says only that there is something; what, is read under the lock.
    pending_.store(1, std::memory_order_relaxed);
    return false;
  }

  bool pending() const noexcept {
    return pending_.load(std::memory_order_relaxed) != 0;  // see put
  }

  // Some of what is queued. None: all that was taken before has been dealt with.
  std::span<Object*> take(Taken& into) {
    Lock const lock(mutex_);
    std::size_t count = 0;
    while (count < into.size() && !table_.empty()) into[count++] = table_.pop();
    if (count == 0) {
      pending_.store(0, std::memory_order_relaxed);  // see put
      taken_ = true;
      changed_.notify_all();
    }
    return {into.data(), count};
  }

  void come() {
    Lock const lock(mutex_);
    present_ = true;
  }
  // False if there is something to take first.
  [[nodiscard]] bool go() {
    Lock const lock(mutex_);
    if (!table_.empty()) return false;
    present_ = false;
    changed_.notify_all();
    return true;
  }

  // Until the owner is away, or has taken all there was and dealt with it. True if that was to be
  // waited for. pre: the caller is away itself, or two may wait for each other
  bool await_taken() {
    Lock lock(mutex_);
    if (!present_ || taken_) return false;
    while (present_ && !taken_) changed_.wait(lock);
    return true;
  }

 private:
  typename Policy::Mutex mutex_;
  typename Policy::Condition changed_;
  typename Policy::template Atomic<std::uint32_t> pending_{0};
  bool present_;
  bool taken_ = true;
  Table table_;
};

struct QueuePolicy {
  template <class T>
  using Atomic = std::atomic<T>;
  using Mutex = std::mutex;
  using Condition = std::condition_variable;
};
template <class Object>
using OwnerQueue = OwnerQueueOf<Object, QueuePolicy, PageBuffer<Object>>;

}  // namespace churn::collectors
