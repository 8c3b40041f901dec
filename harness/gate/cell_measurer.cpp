// Pairs of cell programs that take turns.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/core/clock.hpp"
#include "harness/gate/evidence.hpp"
#include "harness/gate/measurer.hpp"
#include "harness/gate/protocol.hpp"
#include "harness/gate/relink.hpp"
#include "harness/gate/response.hpp"
#include "harness/gate/tool.hpp"
#include "harness/run/invoke.hpp"
#include "harness/run/programs.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::gate {
namespace {

store::Invocation to_row(run::Finding finding) {
  store::Invocation row;
  row.outcome = finding.record.outcome;
  row.reason = finding.record.reason;
  row.checksum = finding.record.checksum;
  row.started_ns = finding.started_ns;
  row.spawn_to_setup_ns = finding.spawn_to_setup_ns;
  row.wall_ns = finding.wall_ns;
  row.record = finding.record.rest;
  if (row.outcome != Outcome::ok) return row;
  row.sample_ns = std::move(finding.record.sample_ns);
  row.sample_cpu_ns = std::move(finding.record.sample_cpu_ns);
  row.turn_ns = std::move(finding.record.turn_ns);
  row.batch_ns = std::move(finding.record.batch_ns);
  row.sample_collections = std::move(finding.record.sample_collections);
  row.sample_full_collections = std::move(finding.record.sample_full_collections);
  row.figures = std::move(finding.record.figures);
  row.histograms = std::move(finding.record.histograms);
  return row;
}

std::uint64_t whole_figure(store::Invocation const& side, char const* name) {
  auto const found = side.figures.find(name);
  return found == side.figures.end() ? 0 : static_cast<std::uint64_t>(found->second);
}

// A typical one; the first ones are cold.
double sample_ns(store::Invocation const& side) {
  std::vector<double> const samples(side.sample_ns.begin(), side.sample_ns.end());
  return std::max(1.0, statistics::median(samples));
}

// Others take more than a little of the processors: threads wait for these, not for each other.
bool is_busy(store::Invocation const& side, std::uint32_t threads) {
  constexpr double little = 0.05;
  double const turns_ns = std::accumulate(side.turn_ns.begin(), side.turn_ns.end(), 0.0);
  return static_cast<double>(whole_figure(side, "run_delay_ns")) > little * turns_ns * threads;
}

Trial trial_of(store::Invocation const& side) {
  Trial trial;
  std::uint64_t const peak = whole_figure(side, "peak_rss_bytes"),
                      start = whole_figure(side, "rss_start_bytes");
  trial.grown_bytes = peak > start ? peak - start : 0;
  trial.timed_ns = std::accumulate(side.turn_ns.begin(), side.turn_ns.end(), std::uint64_t{0});
  if (side.sample_collections.empty()) return trial;
  trial.collections = side.sample_collections.back();
  trial.full_collections = side.sample_full_collections.back();
  return trial;
}

class CellMeasurer final : public Measurer {
 public:
  CellMeasurer(GatePlan const& plan, run::Interrupt& interrupt)
      : plan_(plan),
        relinker_(plan.plan.seed, interrupt),
        invoker_(plan.plan, "", interrupt, relinker_.directory().size() + layout_name_bytes) {}

  Ready prepare(Pairing const& pairing) override {
    run::PlannedCell const& baseline = cell(*pairing.baseline);
    if (std::string why_not = old_program(pairing); !why_not.empty()) return failed(why_not);
    bool const managed = !baseline.key.collector.name.empty();
    run::Finding const pilot =
        invoker_.pilot(baseline, run::back_end_of(baseline), sample_target_ns);
    if (pilot.interrupted) return interrupted();
    if (!pilot.ok()) return failed("the pilot of the baseline failed: " + spelled(pilot.record));
    protocol_ = trial_protocol(pilot.record.slice_units, managed);
    auto const pair = measure(pairing, {});
    if (!pair) return interrupted();
    Evidence const evidence = evidence_of(*pair, Clock::wall, plan_.rule);
    if (!evidence.failure.empty()) return failed(evidence.failure);
    protocol_ = protocol_for(common_trial(*pair, pilot.record, baseline, cell(pairing.candidate)));
    if (needs_response(protocol_.name) && description(baseline.program).extra_work.empty()) {
      return failed(baseline.program +
                    " is of a build that cannot do extra work yet, without which nobody knows how "
                    "much of a cost a cell of this size shows");
    }
    Ready found = ready();
    found.peak_bytes = whole_figure(pair->baseline, "peak_rss_bytes");
    double const timed_ns = static_cast<double>(std::max<std::uint64_t>(
        1, std::accumulate(pair->baseline.turn_ns.begin(), pair->baseline.turn_ns.end(),
                           std::uint64_t{0})));
    found.collection_share =
        static_cast<double>(whole_figure(pair->baseline, "pause_total_ns")) / timed_ns;
    return found;
  }

  void resume(Ready const& ready) override {
    protocol_ = {ready.protocol, ready.turns, ready.work};
  }

  std::optional<Ready> shorten(double share) override {
    auto const shorter = gate::shorter(protocol_, share);
    if (!shorter) return std::nullopt;
    protocol_ = *shorter;
    return ready();
  }

  std::optional<store::GatePair> measure(Pairing const& pairing, PairWish const& wish) override {
    run::PlannedCell const* const baseline = &cell(*pairing.baseline);
    run::PlannedCell const* const candidate = wish.canary ? baseline : &cell(pairing.candidate);
    std::array<run::PlannedCell, 2> linked;
    std::array<run::PlannedCell const*, 2> sides{baseline, candidate};
    if (layouts_ > 0) {
      try {
        linked = {laid_out(*baseline, number_ % layouts_),
                  laid_out(*candidate, wish.canary ? number_ % layouts_ : candidate_layout())};
      } catch (Interrupted const&) {
        return std::nullopt;
      }
      sides = {&linked[0], &linked[1]};
    }
    std::array<ExtraWork, 2> extra{ExtraWork{}, wish.extra};
    if (wish.candidate_first) {
      std::swap(sides[0], sides[1]);
      std::swap(extra[0], extra[1]);
    }
    std::array<run::Finding, 2> found =
        invoker_.take_turns(sides, protocol_.work, protocol_.turns, extra, plan_.rule.tails != 0);
    if (found[0].interrupted || found[1].interrupted) return std::nullopt;
    if (wish.candidate_first) std::swap(found[0], found[1]);
    store::GatePair pair;
    pair.candidate_first = wish.candidate_first;
    pair.baseline = to_row(std::move(found[0]));
    pair.candidate = to_row(std::move(found[1]));
    return pair;
  }

  void choose(std::uint32_t stage, std::uint32_t number) override {
    fresh_ = stage == 2;
    number_ = number;
  }

  double seconds() const override { return static_cast<double>(now_ns()) * 1e-9; }

 private:
  Ready ready() const {
    Ready result;
    result.protocol = protocol_.name;
    result.turns = protocol_.turns;
    result.work = protocol_.work;
    return result;
  }
  run::PlannedCell const& cell(std::size_t index) const { return plan_.plan.cells.at(index); }

  static Ready interrupted() {
    Ready ready;
    ready.interrupted = true;
    return ready;
  }
  static Ready failed(std::string why) {
    Ready ready;
    ready.failure = std::move(why);
    return ready;
  }
  static std::string spelled(run::Record const& record) {
    return std::string(name_of(record.outcome)) + ": " + record.reason;
  }

  run::ProgramDescription const& description(std::string const& program) {
    auto found = programs_.find(program);
    if (found == programs_.end()) {
      found = programs_.emplace(program, run::describe_program(program)).first;
    }
    return found->second;
  }

  std::string old_program(Pairing const& pairing) {
    for (std::size_t const side : {*pairing.baseline, pairing.candidate}) {
      auto const& modes = description(cell(side).program).modes;
      if (std::find(modes.begin(), modes.end(), "turns") != modes.end()) continue;
      return cell(side).program + " is of a build that cannot take turns yet";
    }
    return "";
  }

  // What must fit both: the larger one's memory, and whole collections of the one that has fewer.
  Trial common_trial(store::GatePair const& pair, run::Record const& pilot,
                     run::PlannedCell const& baseline, run::PlannedCell const& candidate) {
    Trial trial = trial_of(pair.baseline);
    Trial const other = trial_of(pair.candidate);
    trial.grown_bytes = std::max(trial.grown_bytes, other.grown_bytes);
    bool const full = std::min(trial.full_collections, other.full_collections) > 0;
    bool const fewer = full ? other.full_collections < trial.full_collections
                            : other.collections > 0 && other.collections < trial.collections;
    if (fewer) {
      trial.timed_ns = other.timed_ns;
      trial.collections = other.collections;
      trial.full_collections = other.full_collections;
    }
    trial.managed = !baseline.key.collector.name.empty();
    for (auto const* const side : {&baseline, &candidate}) {
      auto const& program = description(side->program);
      trial.works_in_background =
          trial.works_in_background || program.has("owned_threads") || program.has("concurrent");
    }
    trial.threads = baseline.key.threads;
    trial.busy = is_busy(pair.baseline, trial.threads);
    trial.tails = plan_.rule.tails != 0;
    trial.slice_units = pilot.slice_units;
    // Of two sides that differ much, the slower one's turns must not take for ever, nor the faster
    // one's be too short to time.
    trial.slice_ns =
        static_cast<std::uint64_t>(std::sqrt(sample_ns(pair.baseline) * sample_ns(pair.candidate)));
    return trial;
  }

  // All combinations of the sides' orders come in turn.
  std::uint32_t candidate_layout() const { return (number_ + number_ / layouts_) % layouts_; }

  // What lies in a build directory, in that link order. Fresh data has fresh orders.
  run::PlannedCell laid_out(run::PlannedCell cell, std::uint32_t order) {
    std::uint32_t const number = order + (fresh_ ? layouts_ : 0);
    for (std::string* const file : {&cell.program, &cell.library}) {
      if (!build_directory_of(*file).empty()) *file = relinker_.layout(*file, number);
    }
    return cell;
  }

  static constexpr std::size_t layout_name_bytes = 12;

  GatePlan const& plan_;
  std::uint32_t const layouts_ = static_cast<std::uint32_t>(plan_.rule.layouts);
  std::uint32_t number_ = 0;
  bool fresh_ = false;
  Relinker relinker_;
  run::Invoker invoker_;
  Protocol protocol_;
  std::map<std::string, run::ProgramDescription> programs_;
};

}  // namespace

std::unique_ptr<Measurer> make_cell_measurer(GatePlan const& plan, run::Interrupt& interrupt) {
  return std::make_unique<CellMeasurer>(plan, interrupt);
}

}  // namespace churn::gate
