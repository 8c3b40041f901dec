// What:  the CPU time of collections that run on their mutator's thread.
// Why:   wall time counts what others did while the thread was preempted, which on a busy machine
//        is more than the collections; the thread's CPU clock is a system call of 200–400 ns, a
//        tenth of the shortest collections.
// How:   a collection is `brief` if it takes less than 32 µs on the wall, and then that is booked:
//        a scheduler's slice is a hundred times as long. A longer one asks the CPU clock at its
//        end, and, if the last of its generation took long as well, at its beginning. One that was
//        not expected to take long is told from a preempted one by the last reading, at most 64
//        collections ago: what the thread was off the CPU since then is taken off, though some of
//        it may have been the mutator's; what is left is at least 32 µs.
// Bias:  a brief collection may hold up to 32 µs off the CPU: an interrupt, a short wake-up of
//        another thread. One that was long, or preempted, unexpectedly, is booked with an error of
//        at most what its thread was off the CPU since the last reading.
// Cost:  a long collection two system calls, brief ones a 64th of one.
// Thread-safety: none; by one thread at a time. A reading of another thread's clock is not used.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "harness/core/clock.hpp"
#include "harness/core/promises.hpp"

namespace churn::collectors {

// Clocks is for tests.
struct ThreadClocks {
  using Thread = pthread_t;
  static Thread thread() noexcept { return pthread_self(); }
  static std::uint64_t wall_ns() noexcept { return now_ns(); }
  static std::uint64_t cpu_ns() noexcept { return read_clock_ns(CLOCK_THREAD_CPUTIME_ID); }
};

template <class Clocks = ThreadClocks>
class CollectionClock {
 public:
  static constexpr std::uint64_t brief_ns = 32'000;
  static constexpr std::uint32_t brief_ones_between_readings = 64;

  // Wall time, for end(). pre: generation < generations
  std::uint64_t begin(std::uint32_t generation) noexcept {
    if (takes_long_[generation]) read();
    return Clocks::wall_ns();
  }
  // Adds the collection's CPU time.
  void end(std::uint32_t generation, std::uint64_t start_ns) noexcept {
    std::uint64_t const taken_ns = Clocks::wall_ns() - start_ns;
    if (taken_ns < brief_ns) {
      takes_long_[generation] = false;
      total_ns_ += taken_ns;
      if (++since_reading_ >= brief_ones_between_readings) read();
      return;
    }
    std::uint64_t const wall_before_ns = wall_ns_, cpu_before_ns = cpu_ns_;
    bool const known = thread_known_ && thread_ == Clocks::thread();
    read();
    std::uint64_t own_ns = taken_ns;
    if (known) {
      std::uint64_t const wall = wall_ns_ - wall_before_ns;
      std::uint64_t const off_cpu_ns = wall - std::min(wall, cpu_ns_ - cpu_before_ns);
      own_ns = std::max(taken_ns - std::min(taken_ns, off_cpu_ns), brief_ns);
    }
    takes_long_[generation] = own_ns > brief_ns;
    total_ns_ += own_ns;
  }
  std::uint64_t total_ns() const noexcept { return total_ns_; }

 private:
  void read() noexcept {
    wall_ns_ = Clocks::wall_ns();
    cpu_ns_ = Clocks::cpu_ns();
    thread_ = Clocks::thread();
    thread_known_ = true;
    since_reading_ = 0;
  }

  std::array<bool, generations> takes_long_{};  // the last of each generation
  std::uint64_t total_ns_ = 0;
  // The last reading.
  std::uint64_t wall_ns_ = 0, cpu_ns_ = 0;
  std::uint32_t since_reading_ = 0;
  bool thread_known_ = false;
  typename Clocks::Thread thread_{};
};

}  // namespace churn::collectors
