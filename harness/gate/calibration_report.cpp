#include "harness/gate/calibration_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/core/error.hpp"
#include "harness/gate/calibration_subject.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::gate {
namespace {

// Standard deviation of a normal distribution by the median distance from its middle.
constexpr double sd_by_median_distance = 1.4826;
// More of a few pairs say nothing new.
constexpr std::uint64_t most_draws_a_pair = 5;

struct Pool {
  std::vector<TimedEvidence> pairs;
  std::uint64_t failed = 0, is_void = 0;
};

struct CellData {
  std::map<std::string, Pool> pools;                          // by condition
  std::map<std::uint64_t, std::vector<TimedEvidence>> gates;  // that were run through
};

CellData read(store::Store& store, std::int64_t cell_id) {
  CellData data;
  for (store::CalibrationPair const& row : store.calibration_pairs(cell_id)) {
    TimedEvidence const pair{evidence_of(row), row.seconds};
    if (row.gate != 0) {
      data.gates[row.gate].push_back(pair);
      continue;
    }
    Pool& pool = data.pools[row.condition];
    pool.failed += !row.failure.empty();
    pool.is_void += row.is_void;
    pool.pairs.push_back(pair);
  }
  return data;
}

std::pair<double, double> middle_and_spread(Pool const& pool, double Evidence::* field) {
  std::vector<double> values, distances;
  for (TimedEvidence const& each : pool.pairs) {
    if (each.evidence.failure.empty()) values.push_back(each.evidence.*field);
  }
  if (values.empty()) return {0, 0};
  double const middle = statistics::median(values);
  for (double const each : values) distances.push_back(std::abs(each - middle));
  return {std::expm1(middle), sd_by_median_distance * statistics::median(distances)};
}

double memory_shift(Pool const& pool) {
  std::vector<double> ratios;
  for (TimedEvidence const& each : pool.pairs) {
    auto const &baseline = each.evidence.baseline_peak_bytes,
               &candidate = each.evidence.candidate_peak_bytes;
    if (baseline && candidate && *baseline > 0) ratios.push_back(*candidate / *baseline);
  }
  return ratios.empty() ? 0 : statistics::median(ratios) - 1;
}

// What is known of a class by its name; a cell given by hand is a class of that name.
CalibrationClass class_named(std::string const& name) {
  try {
    return calibration_classes(name).front();
  } catch (UserError const&) {  // of a churn that had other classes
    CalibrationClass unknown;
    unknown.name = name;
    return unknown;
  }
}

std::optional<Aim> aim_for(CalibrationClass const& of, std::string const& condition) {
  for (Aim const& each : of.aims) {
    if (each.condition == condition) return each;
  }
  return std::nullopt;
}

class Reporting {
 public:
  Reporting(store::Store& store, CalibrationReport& report, DrawCounts const& draws)
      : store_(store), report_(report), draws_(draws) {}

  void run() {
    for (auto const& cell : store_.calibration_cells(report_.run.id)) add_cell(cell);
    if (clean_draws_ != 0) {
      auto const cell = statistics::proportion_of(clean_alarms_, clean_draws_, report_.confidence);
      auto const any = [&](double share) {
        return 1 - std::pow(1 - share, static_cast<double>(report_.cells));
      };
      report_.clean_cell = cell;
      report_.clean_matrix = statistics::Proportion{any(cell.share), any(cell.low), any(cell.high)};
      report_.clean_seconds = clean_seconds_ / static_cast<double>(clean_draws_);
    }
    if (direct_.gates == 0) return;
    direct_.share = statistics::proportion_of(direct_.alarms, direct_.gates, report_.confidence);
    report_.direct = direct_;
  }

 private:
  void add_cell(store::CalibrationCell const& cell) {
    CalibrationClass const of = class_named(cell.class_name);
    Rule const rule = rule_of(of, report_.rule);
    CellGate const gate{rule, of.cell_budget_seconds, report_.cells, cell.prepare_seconds,
                        cell.protocol};
    CellData data = read(store_, cell.id);
    response_ = of.response ? data.pools[of.response->name()].pairs : std::vector<TimedEvidence>();
    if (needs_response(cell.protocol) && response_.empty()) return;  // not yet
    // In the order of the class; the map's would begin with large numbers.
    for (Condition const& condition : of.conditions) {
      auto const found = data.pools.find(condition.name());
      if (found != data.pools.end() && !found->second.pairs.empty())
        add_rates(cell, of, gate, found->first, found->second);
    }
    for (auto const& [number, pairs] : data.gates) add_gate(gate, pairs);
  }

  void add_rates(store::CalibrationCell const& cell, CalibrationClass const& of,
                 CellGate const& gate, std::string const& condition, Pool const& pool) {
    Rates rates;
    rates.class_name = cell.class_name;
    rates.cell = cell.name;
    rates.protocol = cell.protocol;
    rates.loaded = cell.loaded;
    rates.condition = condition;
    rates.pairs = pool.pairs.size();
    rates.failed_pairs = pool.failed;
    rates.void_pairs = pool.is_void;
    for (auto const& each : pool.pairs) rates.pair_seconds += each.seconds;
    rates.pair_seconds /= static_cast<double>(rates.pairs);
    std::tie(rates.steady_shift, rates.steady_spread) = middle_and_spread(pool, &Evidence::steady);
    std::tie(rates.total_shift, rates.total_spread) = middle_and_spread(pool, &Evidence::total);
    rates.memory_shift = memory_shift(pool);
    rates.aim = aim_for(of, condition);
    draw(rates, gate, pool, condition.empty());
    report_.rates.push_back(std::move(rates));
  }

  void draw(Rates& rates, CellGate const& gate, Pool const& pool, bool clean) {
    std::uint64_t const wanted = clean ? draws_.clean : rates.aim ? draws_.promised : draws_.other;
    std::uint64_t const draws = std::min(wanted, most_draws_a_pair * pool.pairs.size());
    double const limit = rates.aim ? rates.aim->seconds : 0;
    rates.outcomes = resample(gate, pool.pairs, response_, draws, 1, limit);
    rates.found = statistics::proportion_of(rates.outcomes.in_time, draws, report_.confidence);
    if (clean) {
      clean_draws_ += draws;
      clean_alarms_ += rates.outcomes.regressions;
      clean_seconds_ += rates.outcomes.mean_seconds * static_cast<double>(draws);
    }
    if (!rates.aim) return;
    bool const in_time =
        rates.aim->mean_seconds == 0 || rates.outcomes.mean_seconds <= rates.aim->mean_seconds;
    rates.reached = in_time && (clean ? rates.found.share <= rates.aim->share
                                      : rates.found.share >= rates.aim->share);
  }

  void add_gate(CellGate const& gate, std::vector<TimedEvidence> const& pairs) {
    std::size_t given = 0;
    auto const outcome = run_through(gate, [&](std::uint32_t) {
      return given < pairs.size() ? std::optional(pairs[given++]) : std::nullopt;
    });
    if (!outcome) return;  // it was interrupted, or this rule asks for more pairs
    ++direct_.gates;
    direct_.alarms += outcome->verdict == Verdict::regression;
  }

  store::Store& store_;
  CalibrationReport& report_;
  DrawCounts const& draws_;
  std::uint64_t clean_draws_ = 0, clean_alarms_ = 0;
  double clean_seconds_ = 0;
  CleanGates direct_;
  std::vector<TimedEvidence> response_;  // of the cell at work
};

store::Run calibration_run(store::Store& store, std::int64_t run_id) {
  auto const runs = store.runs();
  for (auto each = runs.rbegin(); each != runs.rend(); ++each) {
    if (each->kind == "calibration" && (run_id == 0 || each->id == run_id)) return *each;
  }
  throw UserError("the store holds no calibration" +
                  (run_id == 0 ? "; `churn gate --calibrate` makes one"
                               : " with the number " + std::to_string(run_id)));
}

}  // namespace

CalibrationReport calibration_report(store::Store& store, std::int64_t run_id, Rule const& rule,
                                     DrawCounts const& draws) {
  CalibrationReport report;
  report.run = calibration_run(store, run_id);
  report.machine = store.machine(report.run.id);
  report.rule = rule;
  Reporting(store, report, draws).run();
  return report;
}

}  // namespace churn::gate
