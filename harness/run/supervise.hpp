// What:  waits for one child within its limits, gathers its record and the last it said, and tells
//        how it ended. What is left of its process group is killed.
// Why:   a back end under test may hang, eat the machine's memory or write without end; each of
//        these is an outcome of its cell, and none may take the run with it.
// Cost:  one wake-up per 50 ms, of some 20 µs, while the cell runs: 0.04 % of one core.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/run/interrupt.hpp"
#include "harness/run/spawn.hpp"

namespace churn::run {

inline constexpr std::size_t words_kept_bytes = 4096;
inline constexpr std::size_t record_most_bytes = std::size_t{64} << 20;

struct Limits {
  std::uint64_t resident_bytes = 0;  // polled; 0: none
  std::uint64_t time_ns = 0;         // from spawn; 0: none
};

struct Ended {
  enum class How {
    exited,
    signalled,
    out_of_time,
    out_of_memory,
    record_too_long,
    interrupted,
    abandoned,  // killed, since another one had ended that it could not go on without
  };
  How how = How::exited;
  int status = 0;                         // exit status, or the signal's number
  std::string record;                     // as far as it came
  std::string words;                      // the last words_kept_bytes of standard output and error
  std::uint64_t wall_ns = 0;              // from spawn to the end
  std::uint64_t peak_resident_bytes = 0;  // the most that a poll saw
};

// `spawned_ns` is on churn::now_ns. Returns early, the child killed, when an interrupt is
// requested.
Ended supervise(Child child, std::uint64_t spawned_ns, Limits limits, Interrupt& interrupt);

// What several children that run at the same time are to each other.
struct Together {
  // When one has ended: whether the others can do without it. If not, they are killed.
  std::function<bool(std::size_t ended)> may_go_on;
  // Which one has it in its hands how long all take; it is the one that ran out of time.
  std::function<std::size_t()> at_work;
};

// Each within the limits; the time is that of all.
std::vector<Ended> supervise_all(std::vector<Child> children, std::uint64_t spawned_ns,
                                 Limits limits, Interrupt& interrupt, Together const& together);

// "SIGSEGV (Segmentation fault)".
std::string spelled_signal(int signal);

}  // namespace churn::run
