// What:  runs a plan into a store: per block a pilot (how many units fill the time) and a counting
//        pass (checksum, live bytes), then rounds in random order, one exec'd process per
//        invocation.
// Keeps: Ctrl-C ends the invocation in flight and keeps everything before; `resume` finishes a run
//        from what the store lacks, with the units that were fixed before.
#pragma once

#include <cstdint>
#include <string>

#include "harness/run/plan.hpp"
#include "results/store/store.hpp"

namespace churn::run {

struct Ending {
  bool interrupted = false;
  std::uint32_t failed_cells = 0;  // cells with an outcome that is neither ok nor not-applicable
};

// Progress goes to stderr. Throws UserError for what the user can mend (disk full, …).
Ending execute(Plan const& plan, store::Store& store, std::int64_t run_id);
// Adds the run and its cells; returns the run's id.
std::int64_t begin(Plan const& plan, store::Store& store, std::string const& kind = "run");

}  // namespace churn::run
