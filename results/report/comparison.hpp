// What:  two stored runs, cell by cell: how much slower or faster the candidate's cells are.
// Why:   what cannot be measured side by side can still be compared, if one says how much weaker
//        that is: runs of different times share no noise, and whatever the machine did between
//        them looks like a change. `churn gate` measures both sides now.
// How:   the ratio of medians over processes with an interval from a bootstrap over processes and
//        their samples; whether a cell changed is an exact rank-sum test over processes, adjusted
//        for all cells after Benjamini and Hochberg at 5 %; changes below the minimum effect are
//        none.
// Errors: UserError for two machines, unless that is asked for, and for runs without a common cell.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "results/report/report.hpp"
#include "results/statistics/estimate.hpp"
#include "results/store/store.hpp"

namespace churn::report {

enum class Change { none, slower, faster, unmeasured, only_in_baseline, only_in_candidate };
std::string_view name_of(Change change) noexcept;

struct ComparedCell {
  std::string name;
  Change change = Change::unmeasured;
  statistics::Estimate ratio;  // n is 0 where there is none
  double p = 1, adjusted_p = 1;
  std::string reason;  // of unmeasured
};

struct Comparison {
  store::Run baseline, candidate;
  bool across_machines = false;
  double minimum_effect = 0;
  std::vector<ComparedCell> cells;  // in the candidate's order, then what it lacks
};

struct ComparisonOptions {
  bool across_machines = false;
  double minimum_effect = 0.02;
};
Comparison compare(store::Store& store, std::int64_t baseline, std::int64_t candidate,
                   ComparisonOptions const& options);

std::string to_terminal(Comparison const& comparison, TerminalStyle style);
std::string to_json(Comparison const& comparison);

}  // namespace churn::report
