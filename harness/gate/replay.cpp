#include "harness/gate/replay.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "harness/gate/explain.hpp"

namespace churn::gate {
namespace {

char const* name_of(statistics::Decision decision) {
  switch (decision) {
    case statistics::Decision::open:
      return "open";
    case statistics::Decision::alarm:
      return "alarm";
    case statistics::Decision::pass:
      return "pass";
  }
  return "";
}

void add_looks(std::int64_t cell, std::uint32_t stage, Findings const& findings,
               std::vector<store::GateLook>& looks) {
  for (std::size_t q = 0; q < questions.size(); ++q) {
    if (!findings[q].asked) continue;
    statistics::Course const& course = findings[q].course;
    looks.push_back({cell, std::string(name_of(questions[q])), stage, course.looks, course.pairs,
                     course.p_alarm, course.p_pass, name_of(course.decision)});
  }
}

void add_rows(Replay& replay) {
  for (std::size_t i = 0; i < replay.cells.size(); ++i) {
    JudgedCell const& cell = replay.judgement.cells[i];
    std::int64_t const id = replay.cells[i].id;
    add_looks(id, 1, cell.first, replay.looks);
    add_looks(id, 2, cell.fresh, replay.looks);
    for (std::size_t q = 0; q < questions.size(); ++q) {
      if (!cell.answers[q]) continue;
      Judged const& judged = *cell.answers[q];
      replay.verdicts.push_back({id, std::string(name_of(questions[q])),
                                 std::string(name_of(judged.verdict)), judged.pairs, judged.ratio,
                                 judged.low, judged.high, judged.confidence, judged.p,
                                 judged.minimum_detectable_effect});
    }
  }
  std::sort(replay.looks.begin(), replay.looks.end(), [](auto const& a, auto const& b) {
    return std::tie(a.gate_cell_id, a.metric, a.stage) <
           std::tie(b.gate_cell_id, b.metric, b.stage);
  });
  std::sort(replay.verdicts.begin(), replay.verdicts.end(), [](auto const& a, auto const& b) {
    return std::tie(a.gate_cell_id, a.metric) < std::tie(b.gate_cell_id, b.metric);
  });
}

// The last digits may differ between compilers; nothing else may.
bool same(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return !a && !b;
  return std::abs(*a - *b) <= 1e-9 * std::max(std::abs(*a), std::abs(*b));
}

bool same(store::GateVerdict const& a, store::GateVerdict const& b) {
  return a.gate_cell_id == b.gate_cell_id && a.metric == b.metric && a.verdict == b.verdict &&
         a.pairs == b.pairs && same(a.ratio, b.ratio) && same(a.low, b.low) &&
         same(a.high, b.high) && same(a.p, b.p) &&
         same(a.minimum_detectable_effect, b.minimum_detectable_effect);
}

bool same(store::GateLook const& a, store::GateLook const& b) {
  return a.gate_cell_id == b.gate_cell_id && a.metric == b.metric && a.stage == b.stage &&
         a.looks == b.looks && a.pairs == b.pairs && a.decision == b.decision &&
         same(a.p_alarm, b.p_alarm) && same(a.p_pass, b.p_pass);
}

template <class Row>
std::string first_difference(std::vector<Row> const& stored, std::vector<Row> const& again,
                             char const* what) {
  if (stored.size() != again.size()) {
    return "the store has " + std::to_string(stored.size()) + " " + what + ", its pairs give " +
           std::to_string(again.size());
  }
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (same(stored[i], again[i])) continue;
    return std::string("the stored ") + what + " of " + stored[i].metric + " of cell " +
           std::to_string(stored[i].gate_cell_id) + " do not follow from its pairs";
  }
  return "";
}

void add_explanations(store::Store& store, Replay& replay) {
  auto const counted = store.gate_explanations(replay.gate.run_id);
  for (std::size_t i = 0; i < replay.cells.size(); ++i) {
    auto& all = replay.explanations.emplace_back();
    bool const slower = replay.judgement.cells[i].verdict == Verdict::regression;
    if (!slower && replay.rule.tails == 0) continue;
    std::int64_t const id = replay.cells[i].id;
    std::vector<store::GatePair> pairs;
    store.each_gate_pair(id, [&](store::GatePair const& pair) {
      if (pair.stage == 1 || pair.stage == 2) pairs.push_back(pair);
    });
    for (auto& each : worst_batches_of(pairs)) all.push_back(std::move(each));
    if (!slower) continue;
    std::copy_if(counted.begin(), counted.end(), std::back_inserter(all),
                 [&](auto const& each) { return each.gate_cell_id == id; });
    for (auto& each : explanations_of(pairs)) all.push_back(std::move(each));
  }
}

}  // namespace

Replay replay(store::Store& store, std::int64_t run_id) {
  Replay result;
  result.gate = store.gate(run_id);
  result.run = store.run(result.gate.run_id);
  result.rule = from_limits(result.gate.limits);
  result.cells = store.gate_cells(result.gate.run_id);
  std::vector<Evidence> canaries;
  for (store::GateCell const& cell : result.cells) {
    CellEvidence evidence;
    evidence.is_new = !cell.baseline_cell_id;
    evidence.failure = cell.failure;
    store.each_gate_pair(cell.id, [&](store::GatePair const& pair) {
      Evidence found = evidence_of(pair, clock_of(cell.protocol), result.rule);
      if (pair.stage == 0) {
        canaries.push_back(std::move(found));
      } else {
        add_to(pair.stage == 1   ? evidence.first
               : pair.stage == 2 ? evidence.fresh
                                 : evidence.response,
               std::move(found));
      }
    });
    result.evidence.push_back(std::move(evidence));
  }
  result.judgement = judge(result.evidence, canaries, result.rule);
  add_rows(result);
  add_explanations(store, result);
  return result;
}

std::string disagreement(store::Store& store, Replay const& replay) {
  if (replay.gate.verdict.empty()) return "";
  std::string const verdict(name_of(replay.judgement.verdict));
  if (replay.gate.verdict != verdict) {
    return "the stored verdict is " + replay.gate.verdict + ", the pairs give " + verdict;
  }
  std::string looks = first_difference(store.gate_looks(replay.gate.run_id), replay.looks, "looks");
  if (!looks.empty()) return looks;
  return first_difference(store.gate_verdicts(replay.gate.run_id), replay.verdicts, "verdicts");
}

}  // namespace churn::gate
