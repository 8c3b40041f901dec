#include "harness/gate/session.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/random.hpp"
#include "harness/gate/pace.hpp"
#include "harness/gate/replay.hpp"

namespace churn::gate {
namespace {

constexpr std::uint32_t canary_stage = 0, first_stage = 1, fresh_stage = 2, response_stage = 3,
                        stages = 4;
// Of the time that is left, so that shorter pairs bring a look for certain.
constexpr double margin = 0.7;
// Of a cell's own budget: what it may have of what others left over.
constexpr double most_extra_budgets = 3;

class Session {
 public:
  Session(Means const& means, GatePlan const& plan, store::Store& store, std::int64_t run_id)
      : means_(means), plan_(plan), store_(store), run_id_(run_id) {
    rows_ = store.gate_cells(run_id);
    CHURN_CHECK(rows_.size() == plan.pairings.size());
    evidence_.resize(rows_.size());
    begun_.resize(rows_.size());
    std::size_t measured = 0;
    for (Pairing const& each : plan.pairings) measured += each.baseline.has_value();
    confirming_ = confirming_alarm(plan.rule, count_questions(measured));
    for (std::size_t cell = 0; cell < rows_.size(); ++cell) take_up(cell);
  }

  bool run() {
    for (std::size_t const cell : order()) {
      show(cell, 0, false);
      if (plan_.pairings[cell].baseline && !measure_cell(cell)) return false;
      ++done_;
    }
    if (!share_what_is_left()) return false;
    Replay const found = replay(store_, run_id_);
    store_.add_gate_findings(run_id_, std::string(name_of(found.judgement.verdict)), found.looks,
                             found.verdicts);
    return true;
  }

 private:
  // How far each stage of a cell has come: pairs that were begun, and what they took.
  struct Begun {
    std::array<std::uint32_t, stages> pairs{};
    std::array<double, stages> seconds{};
    double of_stages() const noexcept { return seconds[first_stage] + seconds[fresh_stage]; }
  };

  // What an earlier session stored of it.
  void take_up(std::size_t cell) {
    store_.each_gate_pair(rows_[cell].id, [&](store::GatePair const& pair) {
      Evidence found = evidence_of(pair, clock_of(rows_[cell].protocol), plan_.rule);
      begun_[cell].pairs[pair.stage] = pair.number + 1;
      begun_[cell].seconds[pair.stage] +=
          static_cast<double>(std::max(pair.baseline.wall_ns, pair.candidate.wall_ns)) * 1e-9;
      if (pair.stage == canary_stage) {
        canaries_ += found.failure.empty() && !found.void_pair;
      } else {
        add_to(stage_of(cell, pair.stage), std::move(found));
      }
    });
  }

  Stage& stage_of(std::size_t cell, std::uint32_t stage) {
    CellEvidence& evidence = evidence_[cell];
    if (stage == response_stage) return evidence.response;
    return stage == first_stage ? evidence.first : evidence.fresh;
  }

  std::vector<std::size_t> order() const {
    std::vector<std::size_t> cells(rows_.size());
    std::iota(cells.begin(), cells.end(), std::size_t{0});
    Random random = Random::fork(plan_.plan.seed, 0);
    for (std::size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[random.below(i)]);
    return cells;
  }

  void show(std::size_t cell, std::size_t pairs, bool fresh) const {
    means_.show({done_, rows_.size(), pairs, fresh, plan_.pairings[cell].name});
  }

  // Most cells need a small part of their budget; those that are still open get what these left.
  // Looks are where they were planned, so this adds evidence and no chance of an error.
  bool share_what_is_left() {
    std::vector<std::size_t> open;
    double left = 0;
    for (std::size_t const cell : order()) {
      if (!plan_.pairings[cell].baseline || !rows_[cell].failure.empty()) continue;
      if (is_open(cell)) {
        open.push_back(cell);
      } else {
        left += std::max(0.0, plan_.cell_budget_seconds - begun_[cell].of_stages());
      }
    }
    double const most = most_extra_budgets * plan_.cell_budget_seconds;
    for (std::size_t i = 0; i < open.size(); ++i) {
      double const before = begun_[open[i]].of_stages();
      extra_seconds_ = std::min(most, left / static_cast<double>(open.size() - i));
      if (extra_seconds_ <= 0) break;
      if (!measure_cell(open[i])) return false;
      left = std::max(0.0, left - (begun_[open[i]].of_stages() - before));
    }
    return true;
  }
  bool is_open(std::size_t cell) const {
    CellEvidence const& evidence = evidence_[cell];
    Response const response = response_of(evidence.response, plan_.rule);
    auto const open = [&](Stage const& stage, std::optional<double> alarm) {
      return stage.failure.empty() && !hopeless(stage) &&
             undecided(look_at(stage, plan_.rule, alarm, response));
    };
    if (!evidence.response.failure.empty() || hopeless(evidence.response)) return false;
    if (open(evidence.first, {})) return true;
    return alarming(look_at(evidence.first, plan_.rule)) && open(evidence.fresh, confirming_);
  }

  // Both stages at once: the second needs the same preparation, and no data of the first. False:
  // interrupted.
  bool measure_cell(std::size_t cell) {
    store::GateCell& row = rows_[cell];
    if (!row.failure.empty()) return true;
    if (row.protocol.empty()) {
      Ready const ready = means_.measurer->prepare(plan_.pairings[cell]);
      if (ready.interrupted) return false;
      keep(cell, ready);
      if (!ready.failure.empty()) return true;
    } else {
      Ready ready;
      ready.protocol = row.protocol;
      ready.turns = row.turns;
      ready.work = {row.units, row.samples, row.warmup_units};
      means_.measurer->resume(ready);
    }
    if (needs_response(row.protocol) && !measure_response(cell)) return false;
    Stage const& response = evidence_[cell].response;
    if (!response.failure.empty() || hopeless(response)) return true;
    if (!measure_stage(cell, first_stage, {})) return false;
    Stage const& first = evidence_[cell].first;
    bool const alarm = first.failure.empty() && alarming(look_at(first, plan_.rule));
    if (!alarm) return true;
    if (!measure_stage(cell, fresh_stage, confirming_)) return false;
    // No regression without canaries: here while this cell is prepared.
    return top_up_canaries(cell);
  }

  void keep(std::size_t cell, Ready const& ready) {
    store::GateCell& row = rows_[cell];
    row.protocol = ready.protocol;
    row.turns = ready.turns;
    row.failure = ready.failure;
    row.units = ready.work.units;
    row.samples = ready.work.samples;
    row.warmup_units = ready.work.warmup_units;
    store_.update_gate_cell(row);
  }

  bool measure_stage(std::size_t cell, std::uint32_t stage, std::optional<double> alarm) {
    Stage& found = stage_of(cell, stage);
    std::uint32_t& number = begun_[cell].pairs[stage];
    Pace const pace(plan_.rule, plan_.cell_budget_seconds + extra_seconds_, alarm,
                    response_of(evidence_[cell].response, plan_.rule));
    double const began = means_.measurer->seconds() - begun_[cell].seconds[stage];
    Spent since{number, begun_[cell].seconds[stage]};  // where the present length of pairs began
    for (;;) {
      Spent const now{number, means_.measurer->seconds() - began};
      begun_[cell].seconds[stage] = now.seconds;
      if (!pace.goes_on(found, now, since)) {
        if (!pace.may_be_shorter(found, now)) return true;
        if (auto const shorter = means_.measurer->shorten(margin * pace.fits(found, now, since))) {
          keep(cell, *shorter);
          since = now;
        }
      }
      bool const canary_is_due = number != 0 && number % pairs_a_canary == 0;
      if (canary_is_due && !measure_canary(cell)) return false;
      show(cell, found.pairs.size(), stage == fresh_stage);
      if (!measure_pair(cell, stage, number++, found)) return false;
    }
  }

  // Not part of any budget: without it the pairs that follow could say nothing.
  bool measure_response(std::size_t cell) {
    Stage& found = evidence_[cell].response;
    while (static_cast<double>(found.pairs.size()) < plan_.rule.response_pairs) {
      if (!found.failure.empty() || hopeless(found)) return true;
      show(cell, found.pairs.size(), false);
      std::uint32_t const number = begun_[cell].pairs[response_stage]++;
      if (!measure_pair(cell, response_stage, number, found)) return false;
    }
    return true;
  }

  // Who moves first follows from the seed and the pair's number alone.
  bool draw(std::size_t cell, std::uint32_t stage, std::uint32_t number) const {
    std::uint64_t const stream = mix(mix(mix(1, cell), stage), number);
    return Random::fork(plan_.plan.seed, stream).next() % 2 == 1;
  }

  bool measure_pair(std::size_t cell, std::uint32_t stage, std::uint32_t number, Stage& found) {
    auto const pair = store_pair(cell, stage, number);
    if (!pair) return false;
    add_to(found, evidence_of(*pair, clock_of(rows_[cell].protocol), plan_.rule));
    return true;
  }

  std::optional<store::GatePair> store_pair(std::size_t cell, std::uint32_t stage,
                                            std::uint32_t number) {
    bool const canary = stage == canary_stage || stage == response_stage;
    Pairing const& pairing = plan_.pairings[cell];
    means_.measurer->choose(stage, number);
    PairWish wish{canary, draw(cell, stage, number)};
    if (stage == response_stage) wish.extra = response_work(plan_.rule);
    auto pair = means_.measurer->measure(pairing, wish);
    if (!pair) return std::nullopt;
    pair->gate_cell_id = rows_[cell].id;
    pair->stage = stage;
    pair->number = number;
    pair->baseline.cell_id = *rows_[cell].baseline_cell_id;
    pair->candidate.cell_id = canary ? pair->baseline.cell_id : rows_[cell].candidate_cell_id;
    for (store::Invocation* const side : {&pair->baseline, &pair->candidate}) side->round = number;
    pair->baseline.position = pair->candidate_first ? 1 : 0;
    pair->candidate.position = pair->candidate_first ? 0 : 1;
    store_.add_gate_pair(*pair);
    return pair;
  }

  bool measure_canary(std::size_t cell) {
    auto const pair = store_pair(cell, canary_stage, begun_[cell].pairs[canary_stage]++);
    if (!pair) return false;
    Evidence const evidence = evidence_of(*pair, clock_of(rows_[cell].protocol), plan_.rule);
    canaries_ += evidence.failure.empty() && !evidence.void_pair;
    return true;
  }

  bool top_up_canaries(std::size_t cell) {
    for (int i = 0; i < plan_.rule.least_canaries; ++i) {
      if (static_cast<double>(canaries_) >= plan_.rule.least_canaries) break;
      if (!measure_canary(cell)) return false;
    }
    return true;
  }

  Means const& means_;
  GatePlan const& plan_;
  store::Store& store_;
  std::int64_t const run_id_;
  std::vector<store::GateCell> rows_;
  std::vector<CellEvidence> evidence_;
  std::vector<Begun> begun_;
  std::uint64_t canaries_ = 0;
  double confirming_ = 0;
  double extra_seconds_ = 0;  // beside a cell's own budget, now
  std::size_t done_ = 0;
};

}  // namespace

void begin_gate(GatePlan const& plan, store::Store& store, std::int64_t run_id) {
  std::map<std::string, double> limits = to_limits(plan.rule);
  limits[budget_limit] = plan.cell_budget_seconds;
  store.add_gate({run_id, plan.baseline, plan.candidate, limits, ""});
  std::vector<store::Cell> const cells = store.cells(run_id);
  CHURN_CHECK(cells.size() == plan.plan.cells.size());
  for (Pairing const& each : plan.pairings) {
    store::GateCell row;
    row.run_id = run_id;
    row.name = each.name;
    if (each.baseline) row.baseline_cell_id = cells[*each.baseline].id;
    row.candidate_cell_id = cells[each.candidate].id;
    store.add_gate_cell(row);
  }
}

bool run_gate(Means const& means, GatePlan const& plan, store::Store& store, std::int64_t run_id) {
  return Session(means, plan, store, run_id).run();
}

}  // namespace churn::gate
