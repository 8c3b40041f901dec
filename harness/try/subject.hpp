// What:  what `churn try` runs again and again: a command, or a server with a load upon it.
// Why:   everything that has to be the same under each allocator stands in one value.
// Rules: `ready`, `load` and `prepare` are lines for /bin/sh and run with the user's environment
//        and no preload: what drives the program is no part of it.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

namespace churn::trial {

struct Subject {
  std::vector<std::string> command;  // the program first
  std::string program;               // the file that is executed
  std::string input = "/dev/null";   // the file that is its standard input, from its beginning
  std::string prepare;               // before each run, not timed; empty: nothing
  std::string ready, load;           // of a server; both empty: the command ends by itself
  int stop_signal = SIGTERM;         // ends the server
  std::string metric;                // finds the program's own figure in its output; empty: none
  bool larger_is_better = false;     // of that figure
  double time_limit_seconds = 0;     // of one run; 0: none
  std::uint64_t memory_cap_bytes = 0;

  bool is_server() const noexcept { return !load.empty(); }
};

// Finds the program, and says no to what cannot be preloaded. Throws UserError, as it does for half
// a server and a metric that is no regular expression with at most one group.
void check(Subject& subject);

// 15, "TERM" and "SIGTERM" are the same. Throws UserError.
int parse_signal(std::string const& text);

}  // namespace churn::trial
