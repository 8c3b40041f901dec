// What:  runs something in a child process and hands back what it says, so that a test can lower
//        its rights, fill its disk or be killed without harm to the others.
// Rule:  the parent has one thread when it forks.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "harness/core/check.hpp"
#include "harness/core/error.hpp"

namespace churn::testing {

struct Child {
  pid_t pid = -1;
  int output = -1;  // read end of what it says

  // All that it says until it ends, then its exit is awaited.
  std::string wait() {
    std::string text;
    char buffer[4096];
    ssize_t length;
    while ((length = read(output, buffer, sizeof buffer)) > 0) {
      text.append(buffer, static_cast<std::size_t>(length));
    }
    close(output);
    int status;
    CHURN_CHECK(waitpid(pid, &status, 0) == pid);
    return text;
  }
};

// `work` gets the write end. A UserError's text is written there; the child then leaves at once,
// without the parent's exit handlers.
inline Child spawn(std::function<void(int)> const& work) {
  int ends[2];
  CHURN_CHECK(pipe(ends) == 0);
  pid_t const pid = fork();
  CHURN_CHECK(pid >= 0);
  if (pid == 0) {
    close(ends[0]);
    std::string error;
    try {
      work(ends[1]);
    } catch (UserError const& problem) {
      error = problem.what();
    }
    bool const told =
        write(ends[1], error.data(), error.size()) == static_cast<ssize_t>(error.size());
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

inline void say(int output, std::string const& text) {
  CHURN_CHECK(write(output, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace churn::testing
