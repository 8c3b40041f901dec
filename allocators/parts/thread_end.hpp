// What:  has the library's hook called on a thread that is about to end.
// Why:   what a thread has set aside must go back. A destructor of a thread_local would be
//        registered through __cxa_thread_atexit_impl, which calls calloc: in the middle of malloc
//        that is us.
// Invariants: the key is made at load time, when keys are still low: glibc keeps the first 32 in
//        the thread itself, so `arm` never allocates.
// Cost:  `arm` is a few ns; call it where a thread first takes something, not per request.
// Unarmed (in a program that only uses the classes, or before load time ends) it does nothing.
#pragma once

#include <pthread.h>

namespace churn::allocators {

class ThreadEnd {
 public:
  // Not thread-safe; once, at load time. `hook` gets a pointer that means nothing.
  static void prepare(void (*hook)(void*)) noexcept {
    ready_ = pthread_key_create(&key_, hook) == 0;
  }
  // Any value but null makes pthreads call the hook. What a destructor of another key allocates
  // later arms again, and pthreads calls the hook again.
  static void arm() noexcept {
    if (ready_) pthread_setspecific(key_, &ready_);
  }

 private:
  static inline constinit bool ready_ = false;
  static inline constinit pthread_key_t key_ = 0;
};

}  // namespace churn::allocators
