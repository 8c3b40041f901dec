// What:  one cell over the runs of a store: a figure per run, and where it changed for good.
// Why:   what passes every gate by half a percent at a time is seen over many runs.
// How:   a run's figure is the median over its processes, as in its report; changes are those of
//        statistics/change_points.hpp. Beyond `most_points` runs, as many runs at a time as it
//        takes make one point, their median: then a change is placed to that many runs.
// Rules: runs of different machines are one history only where that is asked for, and then every
//        line says which machine it is of. Gates are left out: their turns meet the other side's
//        caches, and their cells count no ops. So are runs in which the cell failed. What is
//        left out is said.
// Cost:  one pass over the cell's samples, and the change points: seconds for 100 000 processes.
// Errors: UserError for a cell or metric that the store does not have, and for a cell that is
//        several.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/report/report.hpp"
#include "results/statistics/estimate.hpp"
#include "results/store/store.hpp"

namespace churn::report {

struct HistoryOptions {
  std::string metric = "time_per_op_ns";
  bool across_machines = false;
};

// A run in which the cell has a figure.
struct Moment {
  std::int64_t run_id = 0;
  std::string started_utc, version;
  std::size_t machine = 0;  // index in History::machines
  statistics::Estimate figure;
};

// Moments between which nothing changed.
struct Level {
  std::size_t first = 0, last = 0;  // indices in History::moments, both belong to it
  double median = 0;
  double p = 1;                  // of the change that it began with; 1: it is the first
  bool machine_changed = false;  // its first moment is of another machine than the one before
};

struct LeftOut {
  std::string reason;
  std::vector<std::int64_t> runs;
};

struct History {
  store::CellKey key;
  std::string metric;
  std::vector<store::Machine> machines;  // of the moments, in order of appearance
  std::vector<Moment> moments;           // oldest first
  std::vector<Level> levels;             // at least one
  std::size_t runs_a_point = 1;
  std::vector<LeftOut> left_out;
};

inline constexpr std::size_t most_points = 1000;

// `wanted` needs no more than makes it one cell: settings of the workload, threads (0) and heap
// limit (0) may be left out.
History history(store::Store& store, store::CellKey const& wanted, HistoryOptions const& options);

// Chance has produced a step this large with less than this probability.
inline constexpr double change_alpha = 0.01;

std::string to_terminal(History const& history, TerminalStyle style);
std::string to_json(History const& history);

}  // namespace churn::report
