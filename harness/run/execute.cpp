#include "harness/run/execute.hpp"

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "harness/core/error.hpp"
#include "harness/run/build_info.hpp"
#include "harness/run/execution.hpp"
#include "harness/run/installation.hpp"
#include "harness/run/machine.hpp"

namespace churn::run {
namespace {

std::string utc_now() {
  time_t const now = time(nullptr);
  tm parts;
  gmtime_r(&now, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string find_counting_library() {
  std::string const path = find_installation().malloc_libraries + "/libchurn_count.so";
  if (access(path.c_str(), R_OK) == 0) return path;
  throw UserError("churn's counting library " + path + " is missing; build churn again");
}

}  // namespace

std::int64_t begin(Plan const& plan, store::Store& store, std::string const& kind) {
  store::Run run;
  run.kind = kind;
  run.started_utc = utc_now();
  run.command = plan.command;
  run.version = version();
  run.matrix = plan.matrix;
  run.seed = plan.seed;
  run.rounds = plan.rounds;
  run.baseline = plan.baseline;
  run.plan = to_json(plan);
  std::int64_t const run_id = store.add_run(run, describe_machine());
  for (PlannedCell const& cell : plan.cells) store.add_cell(unprepared_row(cell, run_id));
  return run_id;
}

Ending execute(Plan const& plan, store::Store& store, std::int64_t run_id) {
  Progress progress(stderr, isatty(STDERR_FILENO) == 1);
  return execute_in({find_counting_library(), &progress}, plan, store, run_id);
}

}  // namespace churn::run
