// What:  starts one process for one invocation: its own process group, no input, nothing of this
//        process's descriptors and signal mask but the request to read and the record to write.
// Why:   fork and exec by hand, since the limits, the parent-death signal and the descriptors must
//        be in place before the program's first instruction.
// Keeps: the child dies with its parent (PR_SET_PDEATHSIG), so a killed `churn` leaves none behind.
// Cost:  about 1 ms from the call to the program's first instruction.
// Thread-safety: none; the parent-death signal is tied to the thread that spawns.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/descriptor.hpp"

namespace churn::run {

// Where the child finds its request and its record. Constant, so that command lines are alike.
inline constexpr char child_request_path[] = "/proc/self/fd/3";
inline constexpr char child_record_path[] = "/proc/self/fd/4";
// Only where Launch::shared is a file.
inline constexpr char child_shared_path[] = "/proc/self/fd/5";

struct Launch {
  std::string program;
  std::vector<std::string> arguments;    // the program's name in front
  std::vector<std::string> environment;  // "KEY=VALUE"; nothing else is passed on
  std::string request;                   // what the child reads from child_request_path
  std::uint64_t data_limit_bytes = 0;    // RLIMIT_DATA; 0: none
  cpu_set_t const* cpus = nullptr;       // the child's affinity; null: this process's
  int shared = -1;                       // what the child opens as child_shared_path; -1: nothing
  std::string input = "/dev/null";       // the file that is its standard input
  bool exchange =
      true;  // false: neither request nor record, which others' programs know nothing of
};

struct Child {
  pid_t id = -1;       // also of its process group
  Descriptor process;  // readable when the child has ended
  Descriptor record;   // what it writes to child_record_path; not blocking
  Descriptor words;    // what it writes to standard output and standard error; not blocking
};

// A page of zeros that several children can map, as a Launch's `shared`. Throws UserError.
Descriptor shared_page();

// Throws UserError when the program cannot be started.
Child spawn(Launch const& launch);

}  // namespace churn::run
