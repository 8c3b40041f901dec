// What:  the rows of a store as plain values: what harness/run writes and results/report reads.
// Units: last word of each name. Times are wall-clock nanoseconds unless the name says cpu or
//        system. Absent figures are std::nullopt: a metric that a machine or back end cannot give
//        is never a zero.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"

namespace churn::store {

// A name with its settings in braces. Upper-case keys are environment, lower-case ones parameters.
struct Named {
  std::string name;
  std::map<std::string, std::string> settings;
  auto operator<=>(Named const&) const = default;
};

// What is compared: a record, never parsed from a name. `collector` has an empty name for malloc/…
struct CellKey {
  Named allocator, collector, workload;  // workload.name is "malloc/larson"
  std::uint32_t threads = 1;
  std::uint64_t heap_limit_bytes = 0;  // 0: none
  auto operator<=>(CellKey const&) const = default;
};

// "jemalloc{MALLOC_CONF=narenas:1}"; settings in key order, separated by semicolons.
std::string spelled(Named const& named);
// "jemalloc/refcount/managed/cycle-churn{ring=10}@2"; for people, never parsed back from a store.
std::string spelled(CellKey const& key);

struct Machine {
  std::string fingerprint;  // hash of what follows, stable between boots
  std::map<std::string, std::string>
      facts;  // cpu_model, cores, memory_bytes, kernel, thp, governor, …
};

struct Run {
  std::int64_t id = 0;
  std::string started_utc;  // ISO 8601
  std::string command;      // as typed, quoted for a shell
  std::string version;      // churn's version and commit
  std::string matrix;       // "quick", a file's path, or "" for axes given by hand
  std::uint64_t seed = 0;
  std::uint32_t rounds = 0;
  std::string baseline;  // allocator or collector that ratios are taken to
  std::string plan;      // JSON of the whole plan, so that --resume needs nothing else
  bool finished = false;
  std::string kind = "run";  // or "gate"
};

struct Cell {
  std::int64_t id = 0, run_id = 0;
  CellKey key;
  std::uint64_t block = 0;        // cells of one block are compared with each other
  bool oversubscribed = false;    // more threads than cores: kept out of rankings
  Outcome planned = Outcome::ok;  // not_applicable: never run; the reason is `planned_reason`
  std::string planned_reason;
  std::uint64_t units = 0, samples = 0, ops_per_sample = 0;  // ops of all threads together
  std::optional<std::uint64_t> peak_live_bytes;              // from the counting pass
  std::string op;                                            // unit of an op, for people
  std::string why_unranked;  // the workload's times rank and average nobody, and why; or empty
};

struct HistogramRow {
  std::string name;                                              // "pause_ns"
  std::vector<std::pair<std::uint64_t, std::uint64_t>> buckets;  // (upper bound, count), ascending
};

struct Invocation {
  std::int64_t id = 0, cell_id = 0;
  std::uint32_t round = 0;
  std::uint32_t position = 0;  // within the round's random order
  Outcome outcome = Outcome::crashed;
  std::string reason;  // for people; empty when ok
  std::string checksum;
  std::uint64_t started_ns = 0, spawn_to_setup_ns = 0, wall_ns = 0;
  std::vector<std::uint64_t> sample_ns, sample_cpu_ns;  // one per sample, in time order
  // Of one that took turns: each turn, and of a managed heap the collections after each sample.
  std::vector<std::uint64_t> turn_ns, sample_collections, sample_full_collections;
  std::vector<std::uint64_t> batch_ns;  // each unit of about 1000 ops, where that was asked for
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      rss_time_line;                      // (ns since start line, bytes)
  std::map<std::string, double> figures;  // every scalar metric of the record by its report name
  std::vector<HistogramRow> histograms;
  std::string record;  // the cell's whole record as it came (JSON) but for the arrays stored above
};

// A cell as it was in one of many runs.
struct PastCell {
  Cell cell;
  std::string started_utc, version, kind;  // of its run
  Machine machine;
};

// One process of it, its samples summed up.
struct PastInvocation {
  std::uint32_t round = 0;
  Outcome outcome = Outcome::crashed;
  std::string reason;
  std::uint64_t samples = 0;
  double samples_ns = 0;         // of all of them
  std::optional<double> figure;  // the one that was asked for
};

// One gate: two sides, what it asked, and what it found.
struct Gate {
  std::int64_t run_id = 0;
  std::string baseline, candidate;
  std::map<std::string, double> limits;  // every number that the verdict depends on
  std::string verdict;                   // empty until there is one
};

struct GateCell {
  std::int64_t id = 0, run_id = 0;
  std::string name;                              // without what the sides differ in
  std::optional<std::int64_t> baseline_cell_id;  // none: the baseline lacks it
  std::int64_t candidate_cell_id = 0;
  std::string protocol;  // how the sides took turns
  std::uint32_t turns = 0;
  std::string failure;  // why it has no verdict; empty: it may have one
  std::uint64_t units = 0, samples = 0, warmup_units = 0;  // the work of a process, per thread
};

struct GatePair {
  std::int64_t gate_cell_id = 0;
  std::uint32_t stage = 0;  // 0: a canary, the baseline against itself; 1: first; 2: on fresh data
  std::uint32_t number = 0;
  bool candidate_first = false;
  Invocation baseline, candidate;
};

struct GateLook {
  std::int64_t gate_cell_id = 0;
  std::string metric;
  std::uint32_t stage = 0;
  std::uint64_t looks = 0, pairs = 0;
  double p_alarm = 1, p_pass = 1;
  std::string decision;
  bool operator==(GateLook const&) const = default;
};

// What may explain a verdict, and decides nothing: a quantity of each side, or why there is none.
struct GateExplanation {
  std::int64_t gate_cell_id = 0;
  std::string quantity;  // "instructions_per_op"
  std::optional<double> baseline, candidate;
  std::string note;
  bool operator==(GateExplanation const&) const = default;
};

struct GateVerdict {
  std::int64_t gate_cell_id = 0;
  std::string metric, verdict;
  std::uint64_t pairs = 0;
  std::optional<double> ratio, low, high, confidence;
  double p = 1;
  std::optional<double> minimum_detectable_effect;
  bool operator==(GateVerdict const&) const = default;
};

// One cell of a calibration, on a quiet machine or a loaded one.
struct CalibrationCell {
  std::int64_t id = 0, run_id = 0;
  std::string class_name;
  bool loaded = false;
  std::string name, protocol;
  std::uint32_t turns = 0;
  double prepare_seconds = 0;
  double collection_share = 0;  // of the time, as a trial found it
};

// What the rule of a gate needs of a pair.
struct CalibrationPair {
  std::int64_t cell_id = 0;
  std::string condition;   // what was different; empty: nothing
  std::uint64_t gate = 0;  // 0: to draw from; else of this gate, which was run through
  std::uint32_t stage = 1;
  bool candidate_first = false;
  double seconds = 0;
  std::string failure;
  bool is_void = false, single = false;
  double steady = 0, total = 0;  // logarithms of candidate / baseline
  std::optional<double> baseline_peak_bytes, candidate_peak_bytes;
};

}  // namespace churn::store
