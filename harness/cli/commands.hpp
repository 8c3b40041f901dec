// What:  the subcommands of `churn`: what each is asked, as plain values, and the function that
//        does it.
// Why:   main.cpp alone knows the command line library, which is slow to compile.
// Returns the exit status: 0 fine, 1 the answer is no, 2 usage or infrastructure, 3 inconclusive,
//        4 some cells failed, 130 interrupted. UserError is left to main: its message and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/gate/sides.hpp"
#include "harness/run/planning.hpp"
#include "harness/try/findings.hpp"
#include "harness/try/session.hpp"

namespace churn::cli {

enum ExitStatus : int {
  fine = 0,
  answer_is_no = 1,
  usage_or_infrastructure = 2,
  inconclusive = 3,
  some_cells_failed = 4,
  interrupted = 130,
};

struct ListOptions {
  std::string what;  // "allocators" …; empty: all
  bool json = false, long_form = false;
};
int list(ListOptions const& options);

struct RunOptions {
  run::Wish wish;
  std::string db;
  bool resume = false, dry_run = false, json = false;
};
int run(RunOptions const& options);

struct ReportOptions {
  std::string db, format, output, baseline;  // output empty: stdout
  std::int64_t run_id = 0;                   // 0: the newest
  std::int64_t against = 0, gate = 0;        // of html: another run and a gate beside it; 0: none
};
int report(ReportOptions const& options);

struct ExportOptions {
  std::string db, format, output;
  std::int64_t run_id = 0;
};
int export_run(ExportOptions const& options);

struct HistoryOptions {
  std::string cell, metric = "time_per_op_ns", db, output;
  bool across_machines = false, json = false;
};
int history(HistoryOptions const& options);

struct MinheapOptions {
  std::string cell;
  std::uint32_t trials = 5;
  bool json = false;
};
int minheap(MinheapOptions const& options);

struct ConformOptions {
  std::string allocator;
  bool json = false;
};
int conform(ConformOptions const& options);

struct CompareOptions {
  std::int64_t baseline = 0, candidate = 0;  // runs
  std::string db;
  bool across_machines = false, json = false;
  double minimum_effect = 0.02;  // a share
};
int compare(CompareOptions const& options);

struct GateOptions {
  gate::Wish wish;
  std::string db;
  std::optional<std::int64_t> replay;  // a stored gate instead, 0: the newest
  std::vector<std::string> outputs;    // FORMAT or FORMAT=FILE
  bool resume = false, explain = false, json = false;
};
int gate_sides(GateOptions const& options);

struct RecordOptions {
  std::vector<std::string> command;
  std::string output;
  bool children = false;
  std::uint64_t bytes_per_stack = 0;  // 0: no call stacks
};
int record(RecordOptions const& options);

struct ReplayOptions {
  run::Wish wish;            // allocators, threads, rounds …
  std::string trace, touch;  // touch empty: the workload's own
  std::string db;
  bool json = false;
};
int replay(ReplayOptions const& options);

struct ProfileOptions {
  std::string trace, before;  // before: what is subtracted; empty: nothing
  std::string by = "live";    // live, total or lifetime
  std::uint32_t top = 10, frames = 6;
  bool json = false;
};
int profile(ProfileOptions const& options);

struct SizesOptions {
  std::string allocator;
  bool json = false;
};
int sizes(SizesOptions const& options);

// The gate's own error rates.
struct CalibrateOptions {
  std::string classes;  // list; empty: all
  std::string load;     // quiet, busy or both
  std::string db, command;
  std::uint64_t pairs = 2000;  // of each condition that is promised to be found
  gate::Rule rule;
  bool report = false, json = false, markdown = false;  // report: measure nothing
};
int calibrate_gate(CalibrateOptions const& options);

struct TryOptions {
  trial::Subject subject;
  trial::VariantWish variants;
  double budget_seconds = 300, worth = 0.02;
  trial::By by = trial::By::own;
  std::optional<std::uint32_t> rounds;
  std::optional<std::uint64_t> seed;
  std::optional<std::int64_t> report;  // a stored try instead
  std::string db, command_line;
  bool json = false;
};
int try_program(TryOptions const& options);

struct DoctorOptions {
  bool json = false;
};
int doctor(DoctorOptions const& options);

}  // namespace churn::cli
