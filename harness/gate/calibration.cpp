#include "harness/gate/calibration.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "harness/gate/calibration_subject.hpp"
#include "harness/gate/cell_gate.hpp"
#include "harness/gate/load.hpp"
#include "harness/run/build_info.hpp"
#include "harness/run/execute.hpp"
#include "harness/run/machine.hpp"

namespace churn::gate {
namespace {

constexpr char kind[] = "calibration";
// Cells of the gate to which a clean gate of one cell belongs.
constexpr std::size_t family_cells = 200;

// What is stored of one class, quiet or loaded.
struct Stored {
  std::map<std::string, std::uint64_t> pairs;                 // by condition, to draw from
  std::map<std::uint64_t, std::vector<TimedEvidence>> gates;  // pairs by gate, both stages
};

class Calibration {
 public:
  Calibration(CalibrationMeans const& means, CalibrationWish const& wish, store::Store& store)
      : means_(means), wish_(wish), store_(store) {}

  bool run() {
    go_on_or_begin();
    for (double const step : wish_.goal.steps()) {
      for (bool const loaded : wish_.loads) {
        for (CalibrationClass const& each : wish_.classes) {
          if (!bring_to(step, each, loaded)) return false;
        }
      }
    }
    store_.finish_run(run_id_);
    return true;
  }

 private:
  void go_on_or_begin() {
    run_id_ = calibration_to_go_on_with(store_);
    if (run_id_ == 0) {
      run::Plan plan;
      plan.command = wish_.command;
      plan.seed = Random(static_cast<std::uint64_t>(now_ns())).next();
      run_id_ = run::begin(plan, store_, kind);
    }
    seed_ = store_.run(run_id_).seed;
    for (store::CalibrationCell const& cell : store_.calibration_cells(run_id_)) {
      Stored& stored = stored_[{cell.class_name, cell.loaded}];
      for (auto const& pair : store_.calibration_pairs(cell.id)) note(stored, pair);
    }
  }

  static void note(Stored& stored, store::CalibrationPair const& pair) {
    if (pair.gate == 0) {
      ++stored.pairs[pair.condition];
    } else {
      stored.gates[pair.gate].push_back({evidence_of(pair), pair.seconds});
    }
  }

  // Conditions by their place in the class that lack pairs.
  std::vector<std::size_t> lacking(double step, CalibrationClass const& of, Stored& stored) const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < of.conditions.size(); ++i) {
      if (stored.pairs[of.conditions[i].name()] < wish_.goal.pairs_of(of, i, step))
        result.push_back(i);
    }
    return result;
  }

  std::uint64_t gates_wanted(double step) const {
    return wish_.goal.gates_of(wish_.classes.size() * wish_.loads.size(), step);
  }

  // False: interrupted.
  bool bring_to(double step, CalibrationClass const& of, bool loaded) {
    Stored& stored = stored_[{of.name, loaded}];
    if (lacking(step, of, stored).empty() && stored.gates.size() >= gates_wanted(step)) return true;
    std::optional<Load> load;
    if (loaded) load.emplace(malloc_program());
    Subject subject(of, seed_, *means_.here, *means_.interrupt);
    Ready const ready = subject.prepare();
    if (ready.interrupted) return false;
    if (!ready.failure.empty()) {
      means_.tell(of.name + " cannot be measured: " + ready.failure);
      return true;
    }
    std::int64_t const cell_id = store_.set_calibration_cell(
        {0, run_id_, of.name, loaded, subject.name(), ready.protocol, ready.turns,
         subject.prepare_seconds(), ready.collection_share});
    Batch batch{step, of, loaded, subject, stored, cell_id, ready.protocol};
    return bring_pairs(batch) && bring_gates(batch);
  }

  struct Batch {
    double step;
    CalibrationClass const& of;
    bool loaded;
    Subject& subject;
    Stored& stored;
    std::int64_t cell_id;
    std::string protocol;
  };

  // In rounds of random order, so that drift hits every condition alike.
  bool bring_pairs(Batch& batch) {
    for (;;) {
      std::vector<std::size_t> round = lacking(batch.step, batch.of, batch.stored);
      if (round.empty()) return true;
      for (std::size_t i = round.size(); i > 1; --i) {
        std::swap(round[i - 1], round[chance_.below(i)]);
      }
      for (std::size_t const place : round) {
        Condition const& condition = batch.of.conditions[place];
        std::uint64_t const so_far = batch.stored.pairs[condition.name()];
        means_.show({batch.step, batch.of.name, condition.name(), batch.loaded, so_far,
                     wish_.goal.pairs_of(batch.of, place, batch.step)});
        if (!measure(batch, condition, 0, 1)) return false;
      }
    }
  }

  std::optional<TimedEvidence> measure(Batch& batch, Condition const& condition, std::uint64_t gate,
                                       std::uint32_t stage) {
    auto pair = batch.subject.measure(condition, chance_.next() % 2 == 1, wish_.rule);
    if (!pair) return std::nullopt;
    pair->cell_id = batch.cell_id;
    pair->gate = gate;
    pair->stage = stage;
    store_.add_calibration_pair(*pair);
    note(batch.stored, *pair);
    return TimedEvidence{evidence_of(*pair), pair->seconds};
  }

  // Gates of one clean cell, run through; one that was interrupted is gone on with.
  bool bring_gates(Batch& batch) {
    std::uint64_t const wanted = gates_wanted(batch.step);
    Rule const rule = rule_of(batch.of, wish_.rule);
    std::uint64_t const first = std::max<std::uint64_t>(1, batch.stored.gates.size());
    for (std::uint64_t gate = first; gate <= wanted; ++gate) {
      std::vector<TimedEvidence> const before = batch.stored.gates[gate];
      std::size_t given = 0;
      auto const next = [&](std::uint32_t stage) -> std::optional<TimedEvidence> {
        if (given < before.size()) return before[given++];
        means_.show({batch.step, batch.of.name, "clean gate", batch.loaded, gate, wanted});
        bool const responds = stage == response_stage_number;
        return measure(batch, responds ? batch.of.response.value() : batch.of.conditions.front(),
                       gate, stage);
      };
      CellGate const whole{rule, batch.of.cell_budget_seconds, family_cells, 0, batch.protocol};
      if (!run_through(whole, next)) return false;
    }
    return true;
  }

  std::string malloc_program() const {
    for (auto const& each : means_.here->programs) {
      if (each.collector.empty()) return each.path;
    }
    throw UserError("there is no churn-cell-malloc to put a load on the machine with");
  }

  CalibrationMeans const& means_;
  CalibrationWish const& wish_;
  store::Store& store_;
  std::int64_t run_id_ = 0;
  std::uint64_t seed_ = 0;
  std::map<std::pair<std::string, bool>, Stored> stored_;
  Random chance_{now_ns()};  // who moves first; stored with each pair
};

}  // namespace

bool calibrate(CalibrationMeans const& means, CalibrationWish const& wish, store::Store& store) {
  return Calibration(means, wish, store).run();
}

std::int64_t calibration_to_go_on_with(store::Store& store) {
  auto const runs = store.runs();
  std::string const fingerprint = run::describe_machine().fingerprint;
  for (auto each = runs.rbegin(); each != runs.rend(); ++each) {
    bool const same = each->kind == kind && each->version == run::version() &&
                      store.machine(each->id).fingerprint == fingerprint;
    if (same) return each->id;
  }
  return 0;
}

}  // namespace churn::gate
