// What:  the pauses of one heap, recorded by any of its mutators.
// Why:   a pause is rare beside the operations, so all mutators share one histogram under a lock.
// Cost:  a lock, a clock reading and one recording per pause; 15 KiB.
#pragma once

#include <mutex>

#include "harness/core/clock.hpp"
#include "harness/core/histogram.hpp"

namespace churn::collectors {

class PauseLog {
 public:
  void record_since(std::uint64_t start_ns) {
    std::uint64_t const end_ns = now_ns();
    std::lock_guard const lock(mutex_);
    histogram_.record(end_ns - start_ns);
  }
  Histogram histogram() const {
    std::lock_guard const lock(mutex_);
    return histogram_;
  }

 private:
  mutable std::mutex mutex_;
  Histogram histogram_;
};

}  // namespace churn::collectors
