// What:  the T that belongs to a thread: its lists of free cells, and what it has taken.
// Why:   a thread's first request finds one, its end leaves it behind with whatever others still
//        use of it, and the next thread takes it over: so there are as many as there ever were
//        threads at one time.
// How:   a thread without one has `nobody`, which owns nothing and has nothing, so that the fast
//        path needs no test for null.
// Invariants: a T belongs to one thread or is idle; none ever goes. T has `next_idle` and `number`.
// Errors: own() gives null where the kernel has no pages.
// Thread-safety: current() and own() of any thread; the list of the idle is behind a lock.
#pragma once

#include <cstdint>
#include <new>

#include "allocators/parts/lock.hpp"
#include "allocators/parts/thread_end.hpp"
#include "harness/core/page_source.hpp"

namespace churn::allocators {

template <class T>
class ThreadOwned {
 public:
  // This thread's, or nobody's.
  static T* current() noexcept { return current_; }

  // This thread's: one that waits for a thread, or a new one. Null: no memory.
  static T* own() noexcept {
    if (current_ != &nobody_) return current_;
    Locked const locked(lock_);
    T* mine = idle_;
    if (mine != nullptr) {
      idle_ = mine->next_idle;
    } else {
      void* const pages = map_pages(round_up(sizeof(T), page_bytes));
      if (pages == nullptr) return nullptr;
      mine = ::new (pages) T;
      mine->number = made_++;
    }
    current_ = mine;
    ThreadEnd::arm();
    return mine;
  }

  // The thread ends: rest(T&) gives back what nobody uses, then it waits for the next thread.
  template <class Rest>
  static void leave(Rest rest) noexcept {
    T* const mine = current_;
    if (mine == &nobody_) return;
    current_ = &nobody_;
    rest(*mine);
    Locked const locked(lock_);
    mine->next_idle = idle_;
    idle_ = mine;
  }
  template <class Visit>
  static void for_each_idle(Visit visit) noexcept {
    Locked const locked(lock_);
    for (T* each = idle_; each != nullptr; each = each->next_idle) visit(*each);
  }

  // Around a fork, as the first of an allocator's locks.
  static void lock() noexcept { lock_.take(); }
  static void unlock() noexcept { lock_.give(); }

 private:
  static inline constinit T nobody_;
  static inline constinit thread_local T* current_ = &nobody_;
  static inline constinit Lock lock_;
  static inline constinit T* idle_ = nullptr;
  static inline constinit std::uint32_t made_ = 0;
};

}  // namespace churn::allocators
