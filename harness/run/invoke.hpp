// What:  runs one invocation of a planned cell from request to verdict: spawns, supervises, reads
//        the record, and turns whatever happened into an outcome with a reason.
// Keeps: only what ended well, proved its back end and left a whole record is `ok`; nothing else
//        has a time. Every invocation of a run gets the same number of bytes of arguments and
//        environment.
// Not thread-safe.
#pragma once

#include <sched.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/compiled_traces.hpp"
#include "harness/run/exchange.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/private_directory.hpp"
#include "harness/run/spawn.hpp"
#include "harness/run/supervise.hpp"

namespace churn::run {

// The reason of a process that did nothing wrong, but took turns with one that ended.
inline constexpr char abandoned_reason[] =
    "ended by churn, since the process that it took turns with had ended";

struct Finding {
  bool interrupted = false;      // there is no outcome: the invocation does not count
  Record record;                 // outcome and reason always, the rest only when ok
  std::uint64_t started_ns = 0;  // since 1970
  std::uint64_t spawn_to_setup_ns = 0, wall_ns = 0;

  bool ok() const noexcept { return !interrupted && record.outcome == Outcome::ok; }
};

// One back end as it is started; a planned cell's, or another one in its place.
struct BackEnd {
  std::string program, library;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::int64_t> collector_parameters;
  std::uint64_t heap_limit_bytes = 0;
};

BackEnd back_end_of(PlannedCell const& cell);
// The block's reference on glibc: most likely to do the work, and to do it right.
BackEnd reference_of(PlannedCell const& cell);

class Invoker {
 public:
  // `counting_library` is preloaded for counting passes; empty: none is. The plan must outlive
  // this.
  // `longest_program` is the length of the longest path that takes the place of a planned one.
  Invoker(Plan const& plan, std::string counting_library, Interrupt& interrupt,
          std::size_t longest_program = 0);

  Finding time(PlannedCell const& cell, Work const& work);
  // The cell's workload on the back end.
  Finding pilot(PlannedCell const& cell, BackEnd const& back_end, std::uint64_t target_ns);
  Finding count(PlannedCell const& cell, BackEnd back_end, Work const& work);
  // What the heap holds after each sample.
  Finding presence(PlannedCell const& cell, BackEnd const& back_end, Work const& work);

  // What stays resident once all but one block in so many was freed; 0: all were.
  Finding life(PlannedCell const& cell, Work const& work, std::uint32_t keep_one_of);

  // On the cell's back end, with parts of its heap at work.
  Finding split(PlannedCell const& cell, Work const& work, Parts const& parts);
  // From now on cells run under another program: its path and arguments in front, no memory limit,
  // no padded environment. For counting, not for timing.
  void run_under(std::vector<std::string> wrapper) { wrapper_ = std::move(wrapper); }

  // Two processes that take turns; the first cell's moves first. Where one of them fails, the other
  // is ended and has no time either. pre: both have the same threads; work.samples is a multiple of
  // turns
  std::array<Finding, 2> take_turns(std::array<PlannedCell const*, 2> cells, Work const& work,
                                    std::uint32_t turns, std::array<ExtraWork, 2> extra = {},
                                    bool batches = false);

  std::size_t total_stack_bytes() const noexcept { return total_stack_bytes_; }

 private:
  Asked asked(Mode mode, PlannedCell const& cell, BackEnd const& back_end);
  Launch launch(BackEnd const& back_end);
  Finding invoke(BackEnd const& back_end, Asked const& asked);
  Limits limits() const noexcept;
  // Ready to be spawned, with its library's file in the question; or why that cannot be.
  std::optional<Record> get_ready(BackEnd const& back_end, Asked& question, Launch& launch);
  Finding finding_of(Ended const& ended, Asked const& question, std::uint64_t spawned_ns) const;
  std::vector<int> pinned_cpus(std::uint32_t threads) const;
  void step_aside(std::uint32_t threads) const;

  Plan const& plan_;
  std::string counting_library_;
  std::vector<std::string> wrapper_;
  Interrupt& interrupt_;
  PrivateDirectory directory_;
  CompiledTraces traces_;
  cpu_set_t cpus_;                // that this process may use
  std::vector<int> cpu_numbers_;  // the same, highest first
  std::size_t total_stack_bytes_ = 0;
};

}  // namespace churn::run
