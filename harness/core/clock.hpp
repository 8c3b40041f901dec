// What:  the clocks of the suite, in nanoseconds. Cost: 20–30 ns a reading through the vDSO for
//        `now_ns`, 200–400 ns (a system call) for the CPU clocks: never read those per operation.
// Thread-safety: all functions may be called from any thread.
#pragma once

#include <sys/resource.h>
#include <time.h>

#include <cstdint>

// 0: pauses, CPU times of collections and ends of units are not recorded, to show what that costs
// (tests/benchmark/recording.py).
#ifndef CHURN_RECORDS
#define CHURN_RECORDS 1
#endif

namespace churn {

inline std::uint64_t read_clock_ns(clockid_t clock) noexcept {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// Monotonic, the same in every process of the machine since boot.
inline std::uint64_t now_ns() noexcept { return read_clock_ns(CLOCK_MONOTONIC); }
// User plus system time of all threads of this process.
inline std::uint64_t process_cpu_ns() noexcept { return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

// What the kernel has charged this process with so far, threads that ended included.
struct Usage {
  std::uint64_t user_ns = 0, system_ns = 0, minor_faults = 0, major_faults = 0;
};
inline Usage process_usage() noexcept {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto const ns = [](timeval const& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(time.tv_usec) * 1'000u;
  };
  return {ns(usage.ru_utime), ns(usage.ru_stime), static_cast<std::uint64_t>(usage.ru_minflt),
          static_cast<std::uint64_t>(usage.ru_majflt)};
}

}  // namespace churn
