// What:  Ctrl-C and SIGTERM as something to wait for: while one of these lives, both signals are
//        blocked and turn a descriptor readable.
// Why:   a handler could fire between a check and the wait that follows; a descriptor among the
//        others that the supervisor polls cannot be missed.
// Keeps: the first signal is taken here; a second one stays pending and ends the process as soon as
//        this object is gone. A signal that was ignored on entry (nohup) stays ignored.
// Not thread-safe; the process must have no other thread that lets these signals through.
#pragma once

#include <signal.h>

#include "harness/run/descriptor.hpp"

namespace churn::run {

class Interrupt {
 public:
  Interrupt();
  Interrupt(Interrupt const&) = delete;
  Interrupt& operator=(Interrupt const&) = delete;
  ~Interrupt();

  // Readable once a signal has arrived, until `requested` has seen it.
  int descriptor() const noexcept { return descriptor_.number(); }
  // True from the first signal on. Cost: one system call until then.
  bool requested() noexcept;

 private:
  sigset_t before_;
  Descriptor descriptor_;
  bool requested_ = false;
};

}  // namespace churn::run
