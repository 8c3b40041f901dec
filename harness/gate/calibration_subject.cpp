#include "harness/gate/calibration_subject.hpp"

#include <algorithm>
#include <fstream>

#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/core/protocol.hpp"
#include "harness/gate/evidence.hpp"
#include "harness/run/invoke.hpp"
#include "harness/run/planning.hpp"

namespace churn::gate {
namespace {

// Whole commands of this length, in as many slices.
constexpr std::uint64_t command_ns = 100'000'000, command_samples = 20;
constexpr char command_cell[] = "glibc/malloc/larson@1";

std::string in_quotes(std::string const& word) {
  std::string text = "'";
  for (char const each : word) text += each == '\'' ? std::string("'\\''") : std::string(1, each);
  return text + "'";
}

store::CalibrationPair to_row(Evidence const& evidence) {
  store::CalibrationPair row;
  row.failure = evidence.failure;
  row.is_void = evidence.void_pair;
  row.single = evidence.single;
  row.steady = evidence.steady;
  row.total = evidence.total;
  row.baseline_peak_bytes = evidence.baseline_peak_bytes;
  row.candidate_peak_bytes = evidence.candidate_peak_bytes;
  return row;
}

}  // namespace

Subject::Subject(CalibrationClass const& of, std::uint64_t seed, run::Surroundings const& here,
                 run::Interrupt& interrupt)
    : class_(of), interrupt_(interrupt) {
  run::Wish wish;
  wish.cell = of.cell.empty() ? command_cell : of.cell;
  wish.seed = seed;
  plan_.plan = run::make_plan(wish, here);
  plan_.plan.memory_cap_bytes /= 2;  // two processes at a time
  run::PlannedCell const& cell = plan_.plan.cells.at(0);
  if (!cell.why_not.empty()) throw UserError(*wish.cell + " cannot be measured: " + cell.why_not);
  plan_.pairings = {{store::spelled(cell.key), 0, 0}};
}

Subject::~Subject() = default;

Ready Subject::prepare() {
  std::uint64_t const began_ns = now_ns();
  if (class_.cell.empty()) {
    if (!make_commands()) return ready_;
    measurer_ = make_command_measurer(plan_, interrupt_);
  } else {
    measurer_ = make_cell_measurer(plan_, interrupt_);
  }
  ready_ = measurer_->prepare(plan_.pairings.front());
  prepare_seconds_ = static_cast<double>(now_ns() - began_ns) * 1e-9;
  return ready_;
}

bool Subject::make_commands() {
  run::PlannedCell const cell = plan_.plan.cells.at(0);
  run::Asked asked;
  {
    run::Invoker invoker(plan_.plan, "", interrupt_);
    run::Finding const pilot =
        invoker.pilot(cell, run::back_end_of(cell), command_ns / command_samples);
    ready_.interrupted = pilot.interrupted;
    if (!pilot.interrupted && !pilot.ok())
      ready_.failure = "the pilot failed: " + pilot.record.reason;
    if (!pilot.ok()) return false;
    asked.work.units = pilot.record.slice_units * command_samples;
  }
  asked.workload = cell.key.workload.name;
  asked.parameters = cell.parameters;
  asked.seed = plan_.plan.seed;
  asked.work.samples = command_samples;
  directory_.emplace();
  plan_.commands = true;
  std::string const name = plan_.pairings.front().name;
  plan_.plan.cells.clear();
  plan_.pairings.clear();
  for (Condition const& each : class_.conditions) {
    asked.extra = extra_of(each, 0, 0);
    std::size_t const number = plan_.plan.cells.size();
    std::string const path = directory_->path() + "/" + std::to_string(number);
    if (!(std::ofstream(path) << run::to_request(asked)).flush()) {
      throw UserError("cannot write " + path);
    }
    run::PlannedCell command = cell;
    command.program = in_quotes(cell.program) + " " + std::string(request_option) +
                      in_quotes(path) + " " + std::string(record_option) + "/dev/null";
    plan_.plan.cells.push_back(std::move(command));
    plan_.pairings.push_back({"one run of " + name, 0, number});
  }
  return true;
}

std::optional<store::CalibrationPair> Subject::measure(Condition const& condition,
                                                       bool candidate_first, Rule const& rule) {
  CHURN_CHECK(measurer_ != nullptr && ready_.failure.empty());
  PairWish wish;
  wish.candidate_first = candidate_first;
  std::size_t pairing = 0;
  if (plan_.commands) {
    auto const at = std::find_if(class_.conditions.begin(), class_.conditions.end(),
                                 [&](auto const& each) { return each.name() == condition.name(); });
    pairing = static_cast<std::size_t>(at - class_.conditions.begin());
  } else {
    wish.extra = extra_of(condition, ready_.collection_share, ready_.peak_bytes);
  }
  std::uint64_t const began_ns = now_ns();
  auto const pair = measurer_->measure(plan_.pairings.at(pairing), wish);
  if (!pair) return std::nullopt;
  store::CalibrationPair row = to_row(evidence_of(*pair, clock_of(ready_.protocol), rule));
  row.condition = condition.name();
  row.candidate_first = candidate_first;
  row.seconds = static_cast<double>(now_ns() - began_ns) * 1e-9;
  return row;
}

Evidence evidence_of(store::CalibrationPair const& pair) {
  Evidence evidence;
  evidence.failure = pair.failure;
  evidence.void_pair = pair.is_void;
  evidence.single = pair.single;
  evidence.steady = pair.steady;
  evidence.total = pair.total;
  evidence.baseline_peak_bytes = pair.baseline_peak_bytes;
  evidence.candidate_peak_bytes = pair.candidate_peak_bytes;
  return evidence;
}

}  // namespace churn::gate
