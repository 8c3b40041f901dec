// What:  what a calibration measures: classes of cells, for each of them conditions that are known,
//        and how many pairs of each, in an order that makes a table useful wherever it stops.
// Conditions: nothing at all; extra work of the workload's own operations, in a shape; a collector
//        that is slower in its collections alone; extra memory. See harness/core/extra_work.hpp.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/extra_work.hpp"
#include "harness/gate/rule.hpp"

namespace churn::gate {

// Shares: 0.03 is three percent.
struct Condition {
  double work = 0, memory = 0;
  ExtraShape shape = ExtraShape::every_operation;
  // "", "every-operation 3%", "collections 10%", "memory 5%": what is stored.
  std::string name() const;
  bool changes_nothing() const noexcept { return work == 0 && memory == 0; }
};

// What the extra work of a condition is in a cell whose collections take a share of its time, and
// that has so many bytes at its peak.
ExtraWork extra_of(Condition const& condition, double collection_share, std::uint64_t peak_bytes);

// How often a condition is to be found, and within which time.
struct Aim {
  std::string condition;  // empty: nothing is to be found, and `share` is that of false alarms
  double share = 0;
  double seconds = 0;       // of a cell, from its first pair to its verdict; 0: any
  double mean_seconds = 0;  // when nothing changed; 0: any
};

struct CalibrationClass {
  std::string name;                   // "small"
  std::string cell;                   // as typed for --cell; empty: a whole command
  std::vector<Condition> conditions;  // the first one changes nothing, the second is promised
  std::vector<Aim> aims;
  double cell_budget_seconds = 20;
  std::optional<double> detect = {};  // in the place of the rule's
  // Of those conditions, the one by which a gate would learn how much of a cost the cell shows.
  std::optional<Condition> response = {};
};

// The rule for a class: what it must find may be other than usual.
Rule rule_of(CalibrationClass const& of, Rule rule);

// Those of the list, "small,large", or all where it is empty. A name with a slash is a cell, which
// is a class of its own. UserError for a name that is neither.
std::vector<CalibrationClass> calibration_classes(std::string const& names);

// How many pairs of the condition at this place of the class there are to be after a step: the
// first two conditions get all, the others a sixth or so, later.
struct Goal {
  std::uint64_t pairs = 2000;  // of what is promised
  std::vector<double> const& steps() const;
  std::uint64_t pairs_of(CalibrationClass const& of, std::size_t condition, double step) const;
  // Clean gates that are run through, of one of `cells` cells.
  std::uint64_t gates_of(std::size_t cells, double step) const;
};

}  // namespace churn::gate
