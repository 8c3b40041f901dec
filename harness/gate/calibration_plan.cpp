#include "harness/gate/calibration_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "harness/core/error.hpp"

namespace churn::gate {
namespace {

constexpr double false_alarm_share = 0.001;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%g%%", std::round(share * 1e5) / 1e3);
  return text;
}

Condition work(double share, ExtraShape shape = ExtraShape::every_operation) {
  return {share, 0, shape};
}

// Nothing, the promised one, then the rest of three shapes and five sizes.
std::vector<Condition> all_conditions(Condition const& promised) {
  std::vector<Condition> result{{}, promised};
  for (double const share : {0.02, 0.03, 0.05, 0.01, 0.1}) {
    for (ExtraShape const shape :
         {ExtraShape::every_operation, ExtraShape::every_tenth_slice, ExtraShape::once}) {
      Condition const each = work(share, shape);
      if (each.name() != promised.name()) result.push_back(each);
    }
  }
  return result;
}

Aim clean(double mean_seconds = 0) { return {"", false_alarm_share, 0, mean_seconds}; }
Aim found(Condition const& condition, double share, double seconds) {
  return {condition.name(), share, seconds};
}

CalibrationClass class_of_time(std::string name, std::string cell, Condition const& promised,
                               double seconds, double mean_seconds = 0) {
  CalibrationClass result;
  result.name = std::move(name);
  result.cell = std::move(cell);
  result.conditions = all_conditions(promised);
  result.aims = {clean(mean_seconds), found(promised, 0.99, seconds)};
  result.cell_budget_seconds = seconds;
  return result;
}

std::vector<CalibrationClass> standard_classes() {
  std::vector<CalibrationClass> all;
  all.push_back(class_of_time("small", "glibc/malloc/larson@1", work(0.03), 20, 4.5));
  all.back().aims.push_back(found(work(0.02), 0.9, 20));
  all.back().aims.push_back(found(work(0.01), 0.8, 20));
  all.push_back(class_of_time("threads", "glibc/malloc/larson@2", work(0.03), 20, 4.5));
  all.push_back(class_of_time("large", "glibc/malloc/larson{blocks=100000;min=2000;max=6000}@1",
                              work(0.03), 30));
  all.push_back(
      class_of_time("cache-sized", "glibc/malloc/larson{blocks=80000}@1", work(0.05), 60));
  all.back().detect = 0.05;
  all.back().response = work(Rule().response_work);
  all.back().conditions.push_back(*all.back().response);
  all.push_back(class_of_time("collector", "glibc/mark-sweep/managed/old-and-young@1",
                              work(0.1, ExtraShape::collections), 30));
  CalibrationClass memory;
  memory.name = "memory";
  memory.cell = "glibc/malloc/larson@1";
  memory.conditions = {{}, {0, 0.05}, {0, 0.1}};
  memory.aims = {clean(), found({0, 0.05}, 0.99, 5)};
  all.push_back(std::move(memory));
  CalibrationClass commands = class_of_time("commands", "", work(0.03), 30);
  std::erase_if(commands.conditions,
                [](Condition const& each) { return each.shape != ExtraShape::every_operation; });
  all.push_back(std::move(commands));
  return all;
}

// Commas within braces belong to a cell.
std::vector<std::string> split(std::string const& names) {
  std::vector<std::string> result(1);
  int depth = 0;
  for (char const letter : names) {
    depth += letter == '{';
    depth -= letter == '}';
    if (letter == ',' && depth == 0) {
      result.emplace_back();
    } else {
      result.back() += letter;
    }
  }
  return result;
}

}  // namespace

std::string Condition::name() const {
  if (memory != 0) return "memory " + percent(memory);
  if (work != 0) return std::string(name_of(shape)) + " " + percent(work);
  return "";
}

ExtraWork extra_of(Condition const& condition, double collection_share, std::uint64_t peak_bytes) {
  ExtraWork extra;
  extra.shape = condition.shape;
  double const share = condition.shape == ExtraShape::collections
                           ? condition.work * collection_share
                           : condition.work;
  extra.per_mille = static_cast<std::uint32_t>(std::lround(share * 1000));
  extra.bytes =
      static_cast<std::uint64_t>(std::llround(condition.memory * static_cast<double>(peak_bytes)));
  return extra;
}

Rule rule_of(CalibrationClass const& of, Rule rule) {
  if (of.detect) rule.detect = *of.detect;
  return rule;
}

std::vector<CalibrationClass> calibration_classes(std::string const& names) {
  std::vector<CalibrationClass> all = standard_classes();
  if (names.empty()) return all;
  std::vector<CalibrationClass> result;
  std::string known;
  for (auto const& each : all) known += (known.empty() ? "" : ", ") + each.name;
  for (std::string const& name : split(names)) {
    auto const at = std::find_if(all.begin(), all.end(),
                                 [&](CalibrationClass const& each) { return each.name == name; });
    if (at != all.end()) {
      result.push_back(*at);
    } else if (name.find('/') != std::string::npos) {
      result.push_back(class_of_time(name, name, work(0.03), 20));
      result.back().response = work(Rule().response_work);  // it may be of any size
      result.back().conditions.push_back(*result.back().response);
    } else {
      throw UserError("there is no class \"" + name + "\" to calibrate; there are " + known +
                      ", and any cell, as glibc/malloc/larson@1");
    }
  }
  return result;
}

std::vector<double> const& Goal::steps() const {
  static std::vector<double> const all{0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1};
  return all;
}

std::uint64_t Goal::pairs_of(CalibrationClass const& of, std::size_t condition, double step) const {
  bool const promised = condition < 2;
  bool const response = of.response && of.conditions[condition].name() == of.response->name();
  // What is promised comes first, with what is needed to draw from it.
  if (!promised && !response && step < steps()[1]) return 0;
  double const all = static_cast<double>(pairs) * (promised || response ? 1 : 0.15);
  return static_cast<std::uint64_t>(std::ceil(all * step));
}

std::uint64_t Goal::gates_of(std::size_t cells, double step) const {
  double const all = static_cast<double>(pairs) * 0.15 / static_cast<double>(cells);
  return static_cast<std::uint64_t>(std::floor(all * step));
}

}  // namespace churn::gate
