// What:  a calibration as rates: of each class and condition, quiet and loaded, how often the rule
//        finds it, in what time, and with which limits; false alarms in the first place.
// How:   rates by drawing from the stored pairs (resampling.hpp), gates of clean cells that were
//        run through beside them. The rule is the one that is asked for, which need not be the
//        default.
// Errors: UserError where the store holds no calibration.
// Cost:  some milliseconds a draw at worst: seconds for a whole table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/gate/calibration_plan.hpp"
#include "harness/gate/resampling.hpp"
#include "results/report/report.hpp"
#include "results/statistics/sign_test.hpp"
#include "results/store/store.hpp"

namespace churn::gate {

struct Rates {
  std::string class_name, cell, protocol, condition;  // condition empty: nothing changed
  bool loaded = false;
  std::uint64_t pairs = 0, failed_pairs = 0, void_pairs = 0;
  double pair_seconds = 0;  // on average
  // Of the stored pairs: the median of candidate / baseline - 1, and the spread of one pair about
  // it (median of the distances, as a normal distribution's standard deviation).
  double steady_shift = 0, steady_spread = 0, total_shift = 0, total_spread = 0;
  double memory_shift = 0;
  Outcomes outcomes;
  statistics::Proportion found;  // called a regression, within the time of the aim if it has one
  std::optional<Aim> aim;        // the gravest for this condition
  std::optional<bool> reached;   // none: there is no aim
};

// Clean cells, each sent through a gate of its own.
struct CleanGates {
  std::uint64_t gates = 0, alarms = 0;
  statistics::Proportion share;
};

struct CalibrationReport {
  store::Run run;
  store::Machine machine;
  Rule rule;
  std::size_t cells = 200;  // of the gate that a cell belongs to
  double confidence = 0.95;
  std::vector<Rates> rates;
  std::optional<CleanGates> direct;
  // Of all clean draws of all classes together: a cell's false alarms, and the chance of any in a
  // gate of so many cells if its cells are like these.
  std::optional<statistics::Proportion> clean_cell, clean_matrix;
  double clean_seconds = 0;  // a cell, on average over classes
};

struct DrawCounts {
  std::uint64_t clean = 4000, promised = 2000, other = 500;
};

// run_id 0: the newest calibration.
CalibrationReport calibration_report(store::Store& store, std::int64_t run_id, Rule const& rule,
                                     DrawCounts const& draws = {});

std::string to_terminal(CalibrationReport const& report, report::TerminalStyle style);
std::string to_markdown(CalibrationReport const& report);
std::string to_json(CalibrationReport const& report);

}  // namespace churn::gate
