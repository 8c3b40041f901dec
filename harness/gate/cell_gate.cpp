#include "harness/gate/cell_gate.hpp"

#include "harness/gate/pace.hpp"

namespace churn::gate {
namespace {

class Way {
 public:
  Way(CellGate const& gate, NextPair const& next) : gate_(gate), next_(next) {}

  std::optional<CellOutcome> run() {
    outcome_.seconds = gate_.prepare_seconds;
    double const confirming = confirming_alarm(gate_.rule, count_questions(gate_.cells));
    if (needs_response(gate_.protocol) && !run_response()) return std::nullopt;
    if (!run_stage(1, evidence_.first, {})) return std::nullopt;
    bool const alarm =
        evidence_.first.failure.empty() && alarming(look_at(evidence_.first, gate_.rule));
    if (alarm && !run_stage(2, evidence_.fresh, confirming)) return std::nullopt;
    std::vector<CellEvidence> cells(gate_.cells);
    cells.front() = std::move(evidence_);
    outcome_.verdict = judge(cells, {}, gate_.rule).cells.front().verdict;
    return outcome_;
  }

 private:
  bool run_response() {
    Stage& stage = evidence_.response;
    while (static_cast<double>(stage.pairs.size()) < gate_.rule.response_pairs &&
           stage.failure.empty() && !hopeless(stage)) {
      auto pair = next_(response_stage_number);
      if (!pair) return false;
      outcome_.seconds += pair->seconds;
      ++outcome_.pairs;
      add_to(stage, std::move(pair->evidence));
    }
    return true;
  }

  bool run_stage(std::uint32_t number, Stage& stage, std::optional<double> alarm) {
    Pace const pace(gate_.rule, gate_.budget_seconds, alarm,
                    response_of(evidence_.response, gate_.rule));
    double spent_seconds = 0;
    for (std::uint32_t begun = 0; pace.goes_on(stage, {begun, spent_seconds}); ++begun) {
      auto pair = next_(number);
      if (!pair) return false;
      bool const canary = begun != 0 && begun % pairs_a_canary == 0;
      double const seconds = pair->seconds * (canary ? 2 : 1);
      spent_seconds += seconds;
      outcome_.seconds += seconds;
      ++outcome_.pairs;
      add_to(stage, std::move(pair->evidence));
    }
    return true;
  }

  CellGate const& gate_;
  NextPair const& next_;
  CellEvidence evidence_;
  CellOutcome outcome_;
};

}  // namespace

std::optional<CellOutcome> run_through(CellGate const& gate, NextPair const& next) {
  return Way(gate, next).run();
}

}  // namespace churn::gate
