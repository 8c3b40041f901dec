// What:  one run of a plan, with what it takes from its means given in: the seam that
//        harness/run/execute.hpp fills for `churn`, and tests for themselves.
// Order: earlier results are read, every block that has something left is prepared, then the rounds
//        run.
// Keeps: an invocation is stored as soon as it ends, one transaction each; nothing that failed has
//        a time.
#pragma once

#include <cstdint>
#include <string>

#include "harness/run/execute.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/progress.hpp"
#include "results/store/store.hpp"

namespace churn::run {

struct Means {
  std::string counting_library;  // preloaded for counting passes; empty: none
  Progress* progress = nullptr;  // null: silent
};

// The row of a planned cell before anything is known of it.
store::Cell unprepared_row(PlannedCell const& cell, std::int64_t run_id);

Ending execute_in(Means const& means, Plan const& plan, store::Store& store, std::int64_t run_id);

}  // namespace churn::run
