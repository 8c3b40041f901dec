// What:  runs the subject once under one allocator and tells what it cost: time, CPU time, faults
//        and memory of the whole tree of its processes, and its own figure.
// Why:   what a user cares for is the program, not its first process: compilers, shells and servers
//        do their work in children.
// Keeps: the program has the user's environment, the preload, the variant's settings and one
//        variable of padding, so that the stack begins at the same place under each variant. What
//        it leaves running is killed and said. It dies with `churn`, its children do not.
// Times: wall time from the start to the end of the first process, or of the load. CPU time and
//        faults are the kernel's own sums (wait4) of all that were waited for, from the start to
//        the end, a server's start and end included.
// Peak:  the most that a look at the tree found, and no less than the kernel's own maximum of any
//        one process (ru_maxrss), which misses nothing but knows no sums. That maximum counts what
//        `churn` itself had when it forked, so it is believed only where it is larger.
// Cost:  looks at the tree every 10 ms and no more than a hundredth of the time.
// Not thread-safe; one at a time, and nothing else in this process may have children.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/try/process_tree.hpp"
#include "harness/try/subject.hpp"

namespace churn::trial {

// More readings than this are thinned out; the largest of its neighbourhood stays.
inline constexpr std::size_t most_readings = 1000;

struct Setting {
  std::map<std::string, std::string> environment;  // over the user's
  std::string preload;                             // in front of the user's own; empty: nothing
  Expectation expectation;
};

struct Attempt {
  bool interrupted = false;  // there is no outcome
  Outcome outcome = Outcome::ok;
  std::string reason;  // where not ok: what happened, then the last lines of output, one a line
  std::uint64_t started_ns = 0;                      // since 1970
  std::uint64_t wall_ns = 0, spawn_to_ready_ns = 0;  // the latter of a server
  std::uint64_t cpu_ns = 0, system_ns = 0, minor_faults = 0, major_faults = 0;
  std::uint64_t peak_bytes = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> time_line;  // ns since the start, bytes
  std::optional<double> own_figure;
  std::uint32_t processes = 0, proved = 0;  // that were seen, and of these with the library
  // Processes that ran without it, and what else a reader should know; one a line.
  std::set<std::string> remarks;
  std::set<std::string> mapped_files;  // of a survey
};

class Attempts {
 public:
  // `settings` are all that will be asked for: every environment gets the bytes of the largest.
  // Throws UserError where this process cannot become a subreaper.
  Attempts(Subject const& subject, std::vector<Setting> const& settings, run::Interrupt& interrupt);

  // pre: the setting is one of those that were given. `time_limit_seconds` 0: none.
  Attempt run(Setting const& setting, double time_limit_seconds, bool survey = false);

 private:
  std::vector<std::string> environment_of(Setting const& setting) const;

  Subject const& subject_;
  run::Interrupt& interrupt_;
  std::size_t total_bytes_ = 0;
};

}  // namespace churn::trial
