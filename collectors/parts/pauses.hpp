// What:  the pauses of one heap, recorded by any of its mutators: how long, and how densely.
// Why:   a pause is rare beside the operations, so all mutators share one log under a lock. A pause
//        of one mutator counts as one of the heap's: the figures are those of a program that waits
//        for its slowest thread.
// Cost:  a lock, a clock reading and one recording per pause; 15 KiB and a ring of recent pauses.
#pragma once

#include <mutex>

#include "collectors/parts/paused_windows.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/histogram.hpp"

namespace churn::collectors {

class PauseLog {
 public:
  // False leaves out clock readings and CPU times of collections as well.
  static constexpr bool records = CHURN_RECORDS != 0;

  // For record_since.
  static std::uint64_t start_ns() noexcept { return records ? now_ns() : 0; }
  void record_since(std::uint64_t start_ns) {
    if constexpr (!records) return;
    std::lock_guard const lock(mutex_);
    std::uint64_t const end_ns = now_ns();  // within the lock, so that ends come in order
    histogram_.record(end_ns - start_ns);
    windows_.add(start_ns, end_ns);
  }
  // Windows that reach back before this moment do not count.
  void start_line() {
    std::lock_guard const lock(mutex_);
    windows_.start_line(now_ns());
  }
  void report(Stats& stats) const {
    std::lock_guard const lock(mutex_);
    stats.pauses = histogram_;
    stats.most_paused_ns = windows_.most_ns();
  }
  Histogram histogram() const {
    std::lock_guard const lock(mutex_);
    return histogram_;
  }

 private:
  mutable std::mutex mutex_;
  Histogram histogram_;
  PausedWindows windows_;
};

}  // namespace churn::collectors
