#include <algorithm>
#include <array>
#include <map>

#include "harness/gate/output.hpp"
#include "results/report/text.hpp"

namespace churn::gate {
namespace {

using exporting::State;

// Columns of the first questions; the others have figures alone.
constexpr std::array gate_titles{"steady", "total", "memory"};

State state_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return State::good;
    case Verdict::regression:
      return State::bad;
    case Verdict::inconclusive:
      return State::open;
    case Verdict::unmeasured:
      return State::broken;
    case Verdict::new_cell:
      return State::skipped;
  }
  return State::broken;
}

// "malloc/larson" of "glibc/malloc/larson{...}@1"; a command is its own group.
std::string workload_of(std::string const& cell) {
  for (char const* const kind : {"malloc/", "managed/"}) {
    std::size_t const begin = cell.find(kind);
    if (begin == std::string::npos) continue;
    return cell.substr(begin, cell.find_first_of("{@ ", begin) - begin);
  }
  return "commands";
}

exporting::Finding finding_of(Replay const& replay, std::size_t cell) {
  JudgedCell const& judged = replay.judgement.cells[cell];
  exporting::Finding finding;
  finding.name = replay.cells[cell].name;
  finding.group = workload_of(finding.name);
  finding.labels = {{"baseline", replay.gate.baseline}, {"candidate", replay.gate.candidate}};
  finding.state = state_of(judged.verdict);
  finding.verdict = std::string(name_of(judged.verdict));
  for (auto const& each : reasons_of(replay, cell)) {
    finding.reason += (finding.reason.empty() ? "" : "; ") + each;
  }
  std::uint64_t pairs = 0;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    bool const titled = q < gate_titles.size();
    if (titled) finding.columns.emplace_back();
    if (!judged.answers[q]) continue;
    Judged const& answer = *judged.answers[q];
    pairs = std::max(pairs, answer.pairs);
    if (!answer.ratio || questions[q] == Question::slow_mode) continue;  // that one is a count
    if (titled) finding.columns.back() = change(*answer.ratio);
    finding.figures.push_back({std::string(name_of(questions[q])) + "_ratio", "ratio",
                               *answer.ratio, answer.low, answer.high});
    finding.gravity = std::max(finding.gravity, *answer.ratio);
  }
  finding.columns.push_back(pairs == 0 ? "" : std::to_string(pairs));
  return finding;
}

std::string summary_of(Replay const& replay) {
  std::map<std::string, int> counts;
  for (JudgedCell const& each : replay.judgement.cells)
    ++counts[std::string(name_of(each.verdict))];
  std::string text;
  for (auto const& [verdict, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + verdict;
  }
  return text + ": baseline " + replay.gate.baseline + ", candidate " + replay.gate.candidate;
}

// What is wrong with all of it belongs to no cell.
exporting::Finding whole(State state, std::string verdict, std::string reason) {
  exporting::Finding finding;
  finding.name = "the gate itself";
  finding.group = "gate";
  finding.labels = {{"baseline", ""}, {"candidate", ""}};
  finding.state = state;
  finding.verdict = std::move(verdict);
  finding.reason = std::move(reason);
  finding.columns.resize(gate_titles.size() + 1);
  return finding;
}

}  // namespace

exporting::Findings findings_of(Replay const& replay, bool finished) {
  exporting::Findings result;
  result.subject = "gate";
  result.verdict = finished ? std::string(name_of(replay.judgement.verdict)) : "unfinished";
  result.summary = summary_of(replay);
  result.started_utc = replay.run.started_utc;
  result.again = "churn gate --replay " + std::to_string(replay.run.id);
  result.facts = {{"run", std::to_string(replay.run.id)},
                  {"version", replay.run.version},
                  {"seed", std::to_string(replay.run.seed)},
                  {"command", replay.run.command}};
  result.titles.assign(gate_titles.begin(), gate_titles.end());
  result.titles.emplace_back("pairs");
  if (!finished) {
    result.findings.push_back(
        whole(State::open, "unfinished", "it was interrupted, so there is no verdict"));
  }
  if (replay.judgement.canaries.unfit) {
    result.findings.push_back(whole(State::open, "unfit machine",
                                    "canaries, which are identical pairs, drift apart here"));
  }
  for (std::size_t i = 0; i < replay.cells.size(); ++i) {
    result.findings.push_back(finding_of(replay, i));
  }
  exporting::complete(result);
  return result;
}

}  // namespace churn::gate
