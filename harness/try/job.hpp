// What:  one process that is started and waited for while a tree of processes is watched: the
//        program that is tried, a check whether its server is ready, or the load upon it.
// Why:   they write at the same time, and any of them may end first; each keeps the last that it
//        said and how it ended.
// Not thread-safe.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/spawn.hpp"
#include "harness/try/own_figure.hpp"

namespace churn::trial {

class Job {
 public:
  // `metric` empty: nothing is looked for. Throws UserError when it cannot be started.
  Job(run::Launch const& launch, std::string const& metric);

  // A line for /bin/sh.
  static run::Launch shell(std::string const& line, std::vector<std::string> environment);

  pid_t id() const noexcept { return child_.id; }
  int ended_descriptor() const noexcept { return child_.process.number(); }
  int words_descriptor() const noexcept { return child_.words.number(); }  // -1: closed

  void read_words();
  void end(int status, rusage const& usage, std::uint64_t at_ns);  // it was waited for

  bool ended() const noexcept { return ended_; }
  bool well() const noexcept;  // exit status 0
  int status() const noexcept { return status_; }
  rusage const& usage() const noexcept { return usage_; }
  std::uint64_t started_ns() const noexcept { return started_ns_; }
  std::uint64_t wall_ns() const noexcept { return ended_ns_ - started_ns_; }
  std::optional<double> own_figure();
  // "ended with exit status 1" or "was killed by SIGSEGV (Segmentation fault)".
  std::string how() const;
  // "\n" and a line for each of the last it said, harmless or not.
  std::string last_lines() const;

 private:
  std::uint64_t const started_ns_;
  run::Child child_;
  std::optional<OwnFigure> figure_;
  std::string words_;
  bool ended_ = false;
  int status_ = 0;
  rusage usage_{};
  std::uint64_t ended_ns_ = 0;
};

}  // namespace churn::trial
