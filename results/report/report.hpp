// What:  the findings of one run as plain values, built once from a store; every format prints
//        these and computes nothing of its own. A block is one workload with its parameters,
//        threads and heap limit; its rows are the back ends that are compared with each other.
// Rules: what failed has no figures, only a count of what went well ("9/10") and a reason; an
//        absent figure has no key; a row with more threads than cores is shown but never ranked.
// Spread: with at least `statistics::rounds_for_intervals` rounds low and high are a 95 % bootstrap
//        interval of the median, with fewer they are the smallest and the largest value seen.
// Cost:  one pass over the run's samples; 1 000 000 samples in under 2 s and 200 MB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/statistics/best.hpp"
#include "results/statistics/estimate.hpp"
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
  std::int64_t cell_id = 0;  // in the store
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
  std::optional<Estimate> memory_ratio;     // of peak_rss_bytes, likewise
  // Of time_per_op_ns: against the best of the block; only where it is ranked.
  std::optional<statistics::AgainstBest> to_best;
  std::optional<bool> on_front;  // of time and peak memory: not proven to be dominated
  std::string dominated_by;      // back end; empty where on_front is not false
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
  std::string why_unranked;     // not empty: the workload's times rank and average nobody
  std::string verdict;          // "jemalloc leads: …", "top group: …", or why neither
  std::string front;            // time against peak memory in words; empty: not ranked
  bool oversubscribed = false;
};

// How one back end did in the blocks of a group.
struct OverallRow {
  std::string name;  // spelled allocator or allocator/collector
  // Geometric means over workloads of the ratios to the baseline; only for those that are ok in
  // each averaged block. n counts workloads.
  std::optional<Estimate> time, peak_rss;
  // In how many blocks it was alone in the top group, shared it, was outside; and was on the front.
  std::uint32_t wins = 0, ties = 0, losses = 0, on_front = 0;
};

// Back ends that can be compared over several workloads: those of malloc workloads, the allocators
// beneath one collector, the collectors on one allocator.
struct Overall {
  std::string kind;   // "malloc" or "managed"
  std::string title;  // "collectors on glibc"
  std::string baseline;
  // What the means are over: variations of a workload are blocks, but count as one workload.
  std::uint32_t blocks = 0, workloads = 0;
  std::string kept_out;          // workloads that are not counted, and why; may be empty
  std::vector<OverallRow> rows;  // by mean time, then those without one
};

// What may be said of a run in a sentence, and no more than its groups and intervals license.
struct Statement {
  enum class Kind { run, noise, failures, block, overall } kind = Kind::run;
  std::string subject;    // what it is about: a workload, a group; may be empty
  std::string text;       // one sentence, with its full stop; names as they are in the store
  std::size_t block = 0;  // index in Report::blocks, of Kind::block
};

struct Report {
  store::Run run;
  store::Machine machine;
  std::vector<Block> blocks;     // in the order of the plan
  std::vector<Overall> overall;  // groups of two or more blocks
  std::vector<Statement> statements;
  std::uint32_t failed_cells = 0, unmeasured_cells = 0;
};

// Sees every invocation once, with its samples, while the report is built; ordered by cell and
// round.
using Visitor = std::function<void(store::Cell const&, store::Invocation const&)>;

// run_id 0 is the newest run. Throws UserError when there is no such run or no such baseline in it.
Report build(store::Store& store, std::int64_t run_id, Options const& options = {},
             Visitor const& visit = {});

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
