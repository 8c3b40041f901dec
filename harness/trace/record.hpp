// What:  runs a program under the recorder, takes what its threads write, and makes a trace file of
//        it.
// Why:   the recorder only writes words into shared memory; all that takes time happens here, most
//        of it when the program has ended. While it runs, full segments are read only once much of
//        the pool is used, so that a program of up to some hundred million calls has the machine to
//        itself.
// Keeps: what the program's threads wrote is recorded however it ends. It has our terminal, our
//        environment and our working directory.
// Errors: UserError with what to do: a program that cannot be found or started, that is statically
//        linked or set-uid, that brought its own malloc, a file that cannot be written.
// Not thread-safe; Ctrl-C goes to the program, and its trace is kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace churn::trace {

struct RecordOptions {
  std::vector<std::string> command;  // the program first
  std::string recorder;              // path to preload: no blank, no colon
  std::string output;
  bool children = false;
  std::uint64_t bytes_per_stack = 0;  // 0: no stacks
};

struct Recorded {
  int wait_status = 0;  // of the program, as waitpid gives it
  bool interrupted = false;
  std::uint64_t calls = 0, bytes = 0, lost = 0;
  std::uint32_t processes = 0, threads = 0;
  double seconds = 0;  // that the program took
};

Recorded record(RecordOptions const& options);

// Empty if the program can be preloaded; else why not, as the end of a sentence that begins with
// its path.
std::string why_not_preloadable(std::string const& path);
// As the shell would find it. Throws UserError.
std::string find_program(std::string const& name);

}  // namespace churn::trace
