#include "harness/gate/explain.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "harness/gate/replay.hpp"
#include "harness/gate/tool.hpp"
#include "harness/run/installation.hpp"
#include "harness/run/invoke.hpp"
#include "harness/run/private_directory.hpp"
#include "results/report/text.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::gate {
namespace {

// Callgrind makes a program some fifty times slower.
constexpr double explain_limit_seconds = 600;
constexpr std::uint64_t short_part = 10;

// Where a shell would find it; empty: nowhere.
std::string path_of(std::string const& name) {
  char const* const variable = std::getenv("PATH");
  std::string const all = variable == nullptr ? "/usr/bin:/bin" : variable;
  for (std::size_t at = 0; at <= all.size();) {
    std::size_t const end = std::min(all.find(':', at), all.size());
    std::string const path = all.substr(at, end - at) + '/' + name;
    if (access(path.c_str(), X_OK) == 0) return path;
    at = end + 1;
  }
  return "";
}

// What a tool left behind: a number, or why there is none.
struct Count {
  std::optional<double> number;
  std::string why_not;
};

// The number in front of `word` on a line that holds it, commas left out; or behind it.
std::optional<double> number_beside(std::string const& path, std::string const& word, bool before) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::size_t const at = line.find(word);
    if (at == std::string::npos) continue;
    std::string text = before ? line.substr(0, at) : line.substr(at + word.size());
    std::erase(text, ',');
    std::size_t const digit = text.find_first_of("0123456789");
    if (digit != std::string::npos) return std::strtod(text.c_str() + digit, nullptr);
  }
  return std::nullopt;
}

class Explainer {
 public:
  Explainer(GatePlan const& plan, Pairing const& pairing, store::GateCell const& cell,
            run::Interrupt& interrupt)
      : plan_(plan.plan), pairing_(pairing), interrupt_(interrupt) {
    plan_.time_limit_seconds = explain_limit_seconds;
    long_ = {cell.units, 1, 0};
    short_ = {std::max<std::uint64_t>(1, cell.units / short_part), 1, 0};
  }

  Explainer(Explainer const&) = delete;
  Explainer& operator=(Explainer const&) = delete;
  ~Explainer() { unlink(output_.c_str()); }

  std::vector<store::GateExplanation> run() {
    std::vector<store::GateExplanation> result;
    add(result, "instructions_per_op", [&](auto const& cell) { return instructions(cell); });
    add(result, "system_calls_per_op", [&](auto const& cell) { return system_calls(cell); });
    if (!same_program()) {
      add(result, "allocations_per_op", [&](auto const& cell) { return allocations(cell); });
    }
    return result;
  }

 private:
  using Counter = std::function<Count(run::PlannedCell const&)>;
  using Reader = std::function<std::optional<double>()>;

  run::PlannedCell const& cell(std::size_t index) const { return plan_.cells.at(index); }

  // Then what is asked of the allocator is the same as well.
  bool same_program() const {
    run::PlannedCell const &one = cell(*pairing_.baseline), &other = cell(pairing_.candidate);
    return one.program == other.program && one.collector_parameters == other.collector_parameters;
  }

  void add(std::vector<store::GateExplanation>& to, char const* quantity, Counter const& count) {
    store::GateExplanation row;
    row.quantity = quantity;
    Count const baseline = count(cell(*pairing_.baseline));
    Count const candidate =
        baseline.number ? count(cell(pairing_.candidate)) : Count{{}, baseline.why_not};
    if (baseline.number && candidate.number) {
      row.baseline = baseline.number;
      row.candidate = candidate.number;
    } else {
      row.note = candidate.why_not;
    }
    to.push_back(std::move(row));
  }

  Count instructions(run::PlannedCell const& cell) {
    if (counters_work()) {
      return difference(cell, {perf_, "stat", "-x", ",", "-e", "instructions:u", "-o", output_},
                        [&] { return number_beside(output_, ",,instructions", true); });
    }
    std::string const valgrind = path_of("valgrind");
    if (valgrind.empty()) return {{}, "no processor counters, and valgrind is not installed"};
    if (cell.key.threads > 1) {
      return {{}, "no processor counters, and callgrind runs threads one at a time"};
    }
    if (cell.key.allocator.name.find("scudo") != std::string::npos) {
      return {{}, "no processor counters, and callgrind cannot run scudo"};
    }
    return difference(
        cell,
        {valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=" + output_},
        [&] { return number_beside(output_, "Collected :", false); });
  }

  Count system_calls(run::PlannedCell const& cell) {
    std::string const strace = path_of("strace");
    if (strace.empty()) return {{}, "strace is not installed"};
    return difference(cell, {strace, "-f", "-c", "-U", "calls,name", "-o", output_},
                      [&] { return number_beside(output_, " total", true); });
  }

  Count allocations(run::PlannedCell const& cell) {
    std::string const library = run::find_installation().malloc_libraries + "/libchurn_count.so";
    run::Invoker invoker(plan_, library, interrupt_);
    std::array<double, 2> calls{};
    double ops = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      run::Work const& work = i == 0 ? short_ : long_;
      run::Finding const found = invoker.count(cell, run::back_end_of(cell), work);
      if (found.interrupted) throw Interrupted();
      if (!found.ok()) return {{}, found.record.reason};
      auto const figure = found.record.figures.find("allocation_calls");
      if (figure == found.record.figures.end()) return {{}, "its build does not count them"};
      calls[i] = figure->second;
      ops = ops_between(found.record, cell);
    }
    return {(calls[1] - calls[0]) / ops, ""};
  }

  double ops_between(run::Record const& record, run::PlannedCell const& cell) const {
    return static_cast<double>((long_.units - short_.units) * record.ops_per_unit *
                               cell.key.threads);
  }

  Count difference(run::PlannedCell const& cell, std::vector<std::string> const& wrapper,
                   Reader const& read) {
    if (long_.units <= short_.units) return {{}, "a run of it is a single unit of work"};
    run::Invoker invoker(plan_, "", interrupt_);
    invoker.run_under(wrapper);
    std::array<double, 2> counts{};
    double ops = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      unlink(output_.c_str());
      run::Finding const found = invoker.time(cell, i == 0 ? short_ : long_);
      if (found.interrupted) throw Interrupted();
      if (!found.ok())
        return {{}, "under " + wrapper.front() + " it failed: " + found.record.reason};
      auto const count = read();
      if (!count) return {{}, wrapper.front() + " gave no count"};
      counts[i] = *count;
      ops = ops_between(found.record, cell);
    }
    return {(counts[1] - counts[0]) / ops, ""};
  }

  bool counters_work() {
    if (tried_) return works_;
    tried_ = true;
    perf_ = path_of("perf");
    if (perf_.empty()) return false;
    ToolAnswer const answer = run_tool(
        shell_word(perf_) + " stat -x , -e instructions:u -o " + shell_word(output_) + " true", "",
        explain_limit_seconds, interrupt_);
    works_ = answer.failure.empty() && number_beside(output_, ",,instructions", true).has_value();
    return works_;
  }

  run::Plan plan_;
  Pairing const& pairing_;
  run::Interrupt& interrupt_;
  run::Work long_, short_;
  run::PrivateDirectory directory_;
  std::string const output_ = directory_.path() + "/count";
  std::string perf_;
  bool tried_ = false, works_ = false;
};

constexpr char const *rare_batch = "batch_p99_99_ns", *longest_batch = "batch_longest_ns";

std::string change_of(store::GateExplanation const& each) {
  double const baseline = *each.baseline, candidate = *each.candidate;
  double const most = std::max(std::abs(baseline), std::abs(candidate));
  if (each.quantity == rare_batch || each.quantity == longest_batch) {
    double const unit = most < 1e6 ? 1e3 : 1e6;
    return report::three_digits(baseline / unit) + ", then " +
           report::three_digits(candidate / unit) + (most < 1e6 ? " µs" : " ms");
  }
  if (std::abs(candidate - baseline) <= 0.0005 * most) return "equal";
  if (baseline <= 0) return "none, then " + report::three_digits(candidate);
  char text[32];
  double const percent = (candidate / baseline - 1) * 100;
  std::snprintf(text, sizeof text, std::abs(percent) < 100 ? "%+.1f %%" : "%+.0f %%", percent);
  return text;
}

std::string spelled(std::string quantity) {
  if (quantity == rare_batch) return "p99.99 of batches (not judged)";
  if (quantity == longest_batch) return "the longest";
  if (quantity.ends_with("_ns")) quantity.resize(quantity.size() - 3);
  if (quantity.ends_with("_per_op")) quantity.resize(quantity.size() - 7);
  std::replace(quantity.begin(), quantity.end(), '_', ' ');
  return quantity == "system" ? "system time" : quantity;
}

}  // namespace

std::vector<store::GateExplanation> explain(GatePlan const& plan, Pairing const& pairing,
                                            store::GateCell const& cell,
                                            run::Interrupt& interrupt) {
  auto result = Explainer(plan, pairing, cell, interrupt).run();
  for (auto& each : result) each.gate_cell_id = cell.id;
  return result;
}

std::vector<store::GateExplanation> explanations_of(std::vector<store::GatePair> const& pairs) {
  std::vector<store::GateExplanation> result;
  for (char const* const name : {"minor_faults", "system_per_op_ns"}) {
    std::vector<double> baseline, candidate;
    for (store::GatePair const& pair : pairs) {
      auto const one = pair.baseline.figures.find(name), other = pair.candidate.figures.find(name);
      if (one == pair.baseline.figures.end() || other == pair.candidate.figures.end()) continue;
      baseline.push_back(one->second);
      candidate.push_back(other->second);
    }
    if (baseline.empty()) continue;
    result.push_back({0, name, statistics::median(baseline), statistics::median(candidate), ""});
  }
  return result;
}

std::vector<store::GateExplanation> worst_batches_of(std::vector<store::GatePair> const& pairs) {
  std::vector<double> baseline, candidate;
  for (store::GatePair const& pair : pairs) {
    auto const &one = pair.baseline.batch_ns, &other = pair.candidate.batch_ns;
    baseline.insert(baseline.end(), one.begin(), one.end());
    candidate.insert(candidate.end(), other.begin(), other.end());
  }
  if (baseline.empty() || candidate.empty()) return {};
  auto const row = [&](char const* name, double share) {
    return store::GateExplanation{0, name, statistics::quantile(baseline, share),
                                  statistics::quantile(candidate, share), ""};
  };
  return {row(rare_batch, 0.9999), row(longest_batch, 1)};
}

bool explain_regressions(GatePlan const& plan, Replay const& found, store::Store& store,
                         run::Interrupt& interrupt) {
  if (plan.commands) return true;
  try {
    for (std::size_t i = 0; i < found.cells.size(); ++i) {
      if (found.judgement.cells[i].verdict != Verdict::regression) continue;
      store.add_gate_explanations(explain(plan, plan.pairings[i], found.cells[i], interrupt));
    }
  } catch (Interrupted const&) {
    return false;
  }
  return true;
}

std::string in_words(std::vector<store::GateExplanation> const& explanations) {
  std::string numbers, reasons;
  for (auto const& each : explanations) {
    if (each.baseline && each.candidate) {
      numbers += (numbers.empty() ? "" : ", ") + spelled(each.quantity) + " " + change_of(each);
    } else {
      reasons += "; no " + spelled(each.quantity) + ": " + each.note;
    }
  }
  return numbers + (numbers.empty() && !reasons.empty() ? reasons.substr(2) : reasons);
}

}  // namespace churn::gate
