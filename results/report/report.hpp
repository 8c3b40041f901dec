// What:  the findings of one run as plain values, built once from a store; every format prints
//        these and computes nothing of its own. A block is one workload with its parameters,
//        threads and heap limit; its rows are the back ends that are compared with each other.
// Rules: what failed has no figures, only a count of what went well ("9/10") and a reason; an
//        absent figure has no key; a row with more threads than cores is shown but never ranked.
// Spread: with at least `statistics::rounds_for_intervals` rounds low and high are a 95 % bootstrap
//        interval of the median, with fewer they are the smallest and the largest value seen.
// Cost:  one pass over the run's samples; 1 000 000 samples in under 2 s and 200 MB.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/statistics/estimate.hpp"
#include "results/statistics/ranking.hpp"
#include "results/store/records.hpp"
#include "results/store/store.hpp"

namespace churn::report {

using statistics::Estimate;
using statistics::Standing;

struct Options {
  std::string
      baseline;  // name of an allocator or collector, settings in braces; empty: the run's own
};

struct Row {
  store::CellKey key;
  Outcome outcome = Outcome::ok;
  bool measured = true;  // false: the run ended before this cell's first invocation
  std::string reason;    // for people; empty when ok
  std::uint32_t ok_invocations = 0, invocations = 0;
  bool oversubscribed = false;
  bool is_baseline = false;
  Standing standing = Standing::unranked;
  std::map<std::string, Estimate> metrics;  // by name; over processes; empty unless ok
  std::optional<Estimate> ratio;            // of time_per_op_ns to the baseline, within rounds
  std::vector<std::string> warnings;

  bool ok() const noexcept { return measured && outcome == Outcome::ok && !metrics.empty(); }
};

struct Block {
  store::Named workload;
  std::uint32_t threads = 1;
  std::uint64_t heap_limit_bytes = 0;
  std::string op;               // unit of an op, for people
  std::vector<Row> rows;        // ok ones by time, then failures, then not applicable ones
  std::string baseline;         // spelled allocator or allocator/collector; empty: none here
  std::string baseline_reason;  // why there is no ratio, or why this baseline was taken instead
  std::string verdict;          // "jemalloc leads" or "tie: jemalloc, mimalloc" or why neither
  bool oversubscribed = false;
};

// How one back end did over all blocks of its kind: only for those that are ok in each of them.
struct Overall {
  std::string kind;  // "malloc" or "managed"
  std::string name;  // spelled allocator or allocator/collector
  double ratio = 1;  // geometric mean over blocks of the ratio to the baseline
  std::uint32_t blocks = 0, wins = 0;
};

struct Report {
  store::Run run;
  store::Machine machine;
  std::vector<Block> blocks;     // in the order of the plan
  std::vector<Overall> overall;  // fastest first within a kind; empty with fewer than two blocks
  std::uint32_t failed_cells = 0, unmeasured_cells = 0;
};

// run_id 0 is the newest run. Throws UserError when there is no such run or no such baseline in it.
Report build(store::Store& store, std::int64_t run_id, Options const& options = {});

struct TerminalStyle {
  bool color = false;
  std::size_t width = 80;
  bool utf8 = true;  // false: plots are drawn in ASCII
};

std::string to_terminal(Report const& report, TerminalStyle style);
std::string to_markdown(Report const& report);
std::string to_csv(Report const& report);
std::string to_json(Report const& report);

// "terminal, markdown, csv, json"
std::string_view format_names() noexcept;
// By name; UserError naming the formats there are. `style` is for the terminal alone.
std::string render(Report const& report, std::string_view format, TerminalStyle style = {});

}  // namespace churn::report
