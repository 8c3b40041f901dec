// What:  every number that a gate's verdict depends on, in one place, as it is stored with it.
// Why:   a verdict is recomputed from the store with the numbers that it was made with, also by a
//        later churn whose defaults are others.
// Errors: UserError for limits that contradict each other.
#pragma once

#include <map>
#include <string>

#include "results/statistics/sequential.hpp"

namespace churn::gate {

struct Rule {
  // Shares: 0.005 is half a percent. Time, steady and total; and peak memory.
  double tolerance = 0.005, detect = 0.03;
  double memory_tolerance = 0.01, memory_detect = 0.05;
  // Growth since the start line, and what is left when all was freed: noisier than peaks, which
  // most of a program's own pages steady. Growth that is less than that in bytes is not asked of.
  double growth_tolerance = 0.02, growth_detect = 0.1, least_growth_bytes = 2097152;
  // The 99th percentile of batches, replayed; asked with `tails`, which is 0 or 1.
  double tails = 0, tail_tolerance = 0.02, tail_detect = 0.1;
  // Two builds (1) differ in layout too; so many link orders a side (0: as they were built).
  double builds = 0, layouts = 0;
  double mode_beyond = 0.08;  // pairs further apart than this are of different modes
  // A first pass flags with these chances of an error; what it flags is measured again, and must be
  // rejected at `confirm` on the fresh data alone, and over all cells and questions at `family`.
  double alarm = 0.001, mode_alarm = 0.0005, miss = 0.005;
  double confirm = 0.01, family = 0.01;
  double most_pairs = statistics::standard_pairs;  // of the last look
  double confidence = 0.99;                        // of the intervals that are shown
  double power = 0.9;                              // of the minimum detectable effect
  double parked_share = 0.05;  // CPU time used while parked, of a side's turns; beyond it a pair is
                               // void
  double canary_alarm = 0.001;
  double least_canaries = 15;
  // Of cells that show only part of a cost: how much more work is tried, in how many pairs, and how
  // sure the interval is whose lower end counts.
  double response_work = 0.2, response_pairs = 15, response_confidence = 0.98;

  statistics::SequentialPlan time_plan() const;  // with `alarm`
  statistics::SequentialPlan mode_plan() const;
  statistics::SequentialPlan memory_plan() const;
};

// By name. `from_limits` takes what is missing from the defaults, but for the looks: a gate that
// does not say how many there are had those of before.
std::map<std::string, double> to_limits(Rule const& rule);
Rule from_limits(std::map<std::string, double> const& limits);

// Throws UserError where a verdict could not be given by such a rule.
void check(Rule const& rule);

}  // namespace churn::gate
