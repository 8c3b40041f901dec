// What:  runs a function in a forked child and says how the child ended.
// Why:   a wrong collector crashes, hangs, overflows its stack or stops the process; that must fail
//        one property, not end the whole suite.
// When not: while this process has other threads: only the calling one exists in the child.
// Cost:  about 1 ms, 20 ms under a sanitizer.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "harness/conform/collector_property.hpp"

// Present in address sanitizer builds: a child that leaves by _exit does not look for leaks itself.
extern "C" [[gnu::weak]] int __lsan_do_recoverable_leak_check();
// Present where a sanitizer brings its own malloc.
extern "C" [[gnu::weak]] void __asan_init();
extern "C" [[gnu::weak]] void __tsan_init();

namespace churn::conform {

inline bool sanitized() noexcept { return __asan_init != nullptr || __tsan_init != nullptr; }

struct Ending {
  int exit_status = -1;  // -1: ended by a signal
  int signal = 0;
  std::string errors;  // what it wrote on stderr

  // Empty if it ended well.
  std::string failure() const {
    std::string result;
    if (signal == SIGALRM) {
      result = "timed out";
    } else if (signal != 0) {
      result = std::string("ended by signal: ") + strsignal(signal);
    } else if (exit_status != 0) {
      result = "exit status " + std::to_string(exit_status);
    } else if (!errors.empty()) {
      result = "wrote on stderr";
    }
    return errors.empty() ? result : result + ": " + errors;
  }
};

namespace child {

inline void say(std::string const& text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(126);
}

template <class Body>
[[noreturn]] void live(Body& body, unsigned seconds, int errors) {
  dup2(errors, STDERR_FILENO);
  rlimit const no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  std::signal(SIGALRM, SIG_DFL);
  alarm(seconds);
  try {
    body();
  } catch (Violation const& violation) {
    say(violation.text);
    _exit(1);
  } catch (std::exception const& error) {
    say(std::string("exception: ") + error.what());
    _exit(1);
  }
  if (__lsan_do_recoverable_leak_check != nullptr && __lsan_do_recoverable_leak_check() != 0) {
    _exit(1);
  }
  _exit(0);
}

}  // namespace child

// A Violation or another exception ends the child with status 1 and its text. Past `seconds` it is
// killed: then `signal` is SIGALRM. Throws a Violation if there is no child to be had.
template <class Body>
Ending run_in_child(Body&& body, unsigned seconds) {
  int pipe_ends[2];
  expect(pipe(pipe_ends) == 0, "pipe() failed: too many open files?");
  std::fflush(nullptr);
  pid_t const pid = fork();
  expect(pid >= 0, "fork() failed: too many processes, or no memory?");
  if (pid == 0) {
    close(pipe_ends[0]);
    child::live(body, seconds, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  Ending ending;
  char buffer[4096];
  for (ssize_t got; (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    ending.errors.append(buffer, static_cast<std::size_t>(got));
  }
  close(pipe_ends[0]);
  int status = 0;
  expect(waitpid(pid, &status, 0) == pid, "waitpid() lost the child");
  if (WIFEXITED(status)) ending.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
  return ending;
}

}  // namespace churn::conform
