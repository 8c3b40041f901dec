#include "harness/try/session.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>

#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/run/execute.hpp"
#include "harness/run/order.hpp"
#include "harness/run/private_directory.hpp"
#include "harness/try/attempt.hpp"
#include "harness/try/figures.hpp"
#include "harness/try/pace.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::trial {
namespace {

constexpr std::uint32_t most_failures = 2;
// A variant may be that many times slower than the program as it is.
constexpr double limit_factor = 20, limit_extra_seconds = 10;

std::string duration_words(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 90 ? "%.0fs" : "%.0fm",
                seconds < 90 ? std::ceil(seconds) : std::ceil(seconds / 60));
  return text;
}

// The program's own words among them.
std::string harmless_lines(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    std::string_view const line = text.substr(0, text.find('\n'));
    result += (result.empty() ? "" : "\n") + report::visible(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return result;
}

std::string canonical(std::string const& path) {
  std::error_code error;
  auto const real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

class Session {
 public:
  Session(Wish wish, store::Store& store, run::Interrupt& interrupt, Listener const& listener)
      : wish_(std::move(wish)), store_(store), interrupt_(interrupt), listener_(listener) {}

  Ended run() {
    began_ns_ = now_ns();
    if (!first_run()) return {0, true};
    take_in();
    run::Plan const plan = plan_of();
    std::int64_t const id = run::begin(plan, store_, run_kind);
    cells_ = store_.cells(id);
    states_.resize(cells_.size());
    Attempts attempts(wish_.subject, settings_, interrupt_);
    for (std::uint32_t round = 0; round < plan.rounds && goes_on(round); ++round) {
      std::uint64_t const round_began_ns = now_ns();
      if (!measure(round, run::round_order(plan, round), attempts)) return {id, true};
      longest_round_s_ =
          std::max(longest_round_s_, static_cast<double>(now_ns() - round_began_ns) * 1e-9);
    }
    store_.finish_run(id);
    return {id, false};
  }

 private:
  struct State {
    std::uint32_t failures = 0;
    statistics::Series ranked;
  };

  double seconds() const { return static_cast<double>(now_ns() - began_ns_) * 1e-9; }

  // As the program is. False: interrupted.
  bool first_run() {
    listener_.show({0, 0, 1, wish_.budget_seconds, "the program as it is, not counted"});
    Setting const nothing;
    Attempts attempts(wish_.subject, {nothing}, interrupt_);
    double const limit_seconds = wish_.subject.time_limit_seconds > 0
                                     ? wish_.subject.time_limit_seconds
                                 : wish_.rounds ? 0
                                                : wish_.budget_seconds;
    std::uint64_t const run_began_ns = now_ns();
    Attempt const first = attempts.run(nothing, limit_seconds, true);
    if (first.interrupted) return false;
    if (first.outcome != Outcome::ok) {
      bool const late = first.outcome == Outcome::timed_out;
      throw UserError("the program fails as it is, without any allocator preloaded: " +
                      harmless_lines(first.reason) +
                      (late ? "\nA larger --budget or --time-limit gives it more time." : ""));
    }
    one_run_s_ = static_cast<double>(now_ns() - run_began_ns) * 1e-9;
    own_ = own_malloc_of(first.mapped_files);
    return true;
  }

  // Now that it is known which malloc the program has, and how long it takes.
  void take_in() {
    if (!own_.other.empty() && !own_.glibc.empty()) {
      listener_.note("the program brings a malloc of its own, " + report::visible(own_.other) +
                     ": see \"" + unchanged_name + "\"");
      put_unchanged_first(wish_.variants, own_);
    }
    for (Variant const& each : wish_.variants) {
      Setting& setting = settings_.emplace_back();
      setting.environment = each.environment;
      if (each.library.empty()) continue;
      setting.preload = directory_.link_to(canonical(each.library));
      setting.expectation.library = canonical(each.library);
      if (each.library == own_.glibc) setting.expectation.preload = setting.preload;
    }
    limit_s_ = wish_.subject.time_limit_seconds > 0
                   ? wish_.subject.time_limit_seconds
                   : one_run_s_ * limit_factor + limit_extra_seconds;
    longest_round_s_ = one_run_s_ * static_cast<double>(settings_.size());
    double const needed = seconds() + least_rounds * longest_round_s_;
    if (!wish_.rounds && needed > wish_.budget_seconds) {
      throw UserError(std::to_string(least_rounds) + " rounds of " +
                      report::counted(settings_.size(), "variant") + " take about " +
                      duration_words(needed) + ", more than --budget " +
                      duration_words(wish_.budget_seconds) + ": fewer with --allocator, or a " +
                      "larger --budget");
    }
  }

  run::Plan plan_of() const {
    run::Plan plan;
    plan.command = wish_.command;
    plan.seed = wish_.seed;
    plan.rounds = wish_.rounds.value_or(most_rounds);
    plan.samples = 1;
    plan.memory_cap_bytes = wish_.subject.memory_cap_bytes;
    plan.time_limit_seconds = limit_s_;
    plan.baseline = store::spelled(wish_.variants.front().name);
    for (Variant const& each : wish_.variants) {
      run::PlannedCell cell;
      cell.key.allocator = each.name;
      cell.key.workload.name = "command";
      cell.key.workload.settings["line"] = wish_.line;
      cell.program = wish_.subject.program;
      cell.library = each.library;
      cell.environment = each.environment;
      cell.op = wish_.subject.is_server() ? "one run of the load" : "one run of the command";
      plan.cells.push_back(std::move(cell));
    }
    return plan;
  }

  bool goes_on(std::uint32_t round) const {
    bool const any = std::any_of(states_.begin(), states_.end(),
                                 [](State const& each) { return each.failures < most_failures; });
    if (!any) return false;
    if (wish_.rounds || round < least_rounds) return true;
    if (seconds() + longest_round_s_ > wish_.budget_seconds) return false;
    if (!is_look(round)) return true;
    std::vector<statistics::Series> ranked;
    for (State const& each : states_) {
      if (each.failures == 0) ranked.push_back(each.ranked);
    }
    return ranked.size() > 1 && !says_it_all(ranked, wish_.worth);
  }

  double seconds_left(std::uint32_t round) const {
    if (wish_.rounds) return (*wish_.rounds - round) * longest_round_s_;
    return std::max(0.0, wish_.budget_seconds - seconds());
  }

  // False: interrupted.
  bool measure(std::uint32_t round, std::vector<std::size_t> const& order, Attempts& attempts) {
    std::uint32_t position = 0;
    auto const total = static_cast<std::uint32_t>(order.size());
    for (std::size_t const variant : order) {
      State& state = states_[variant];
      ++position;
      if (state.failures >= most_failures) continue;
      std::string const name = store::spelled(wish_.variants[variant].name);
      listener_.show({round + 1, position, total, seconds_left(round), name});
      Attempt const found = attempts.run(settings_[variant], limit_s_);
      if (found.interrupted) return false;
      keep(variant, round, position - 1, found);
      for (std::string const& each : found.remarks) {
        if (said_.insert(each).second) listener_.note(report::visible(name + ": " + each));
      }
    }
    return true;
  }

  void keep(std::size_t variant, std::uint32_t round, std::uint32_t position,
            Attempt const& found) {
    store::Invocation row;
    row.cell_id = cells_[variant].id;
    row.round = round;
    row.position = position;
    row.outcome = found.outcome;
    row.reason = found.reason;
    row.started_ns = found.started_ns;
    row.spawn_to_setup_ns = found.spawn_to_ready_ns;
    row.wall_ns = found.wall_ns;
    row.rss_time_line = found.time_line;
    row.record = record_of(found);
    State& state = states_[variant];
    if (found.outcome == Outcome::ok) {
      row.sample_ns = {found.wall_ns};
      row.sample_cpu_ns = {found.cpu_ns};
      row.figures = figures_of(found);
      if (double const value = rank_value(row, wish_.by); value > 0) {
        state.ranked.push_back({round, value});
      }
    } else if (++state.failures == 1) {
      std::string const what = found.reason.substr(0, found.reason.find('\n'));
      listener_.note(report::visible(store::spelled(wish_.variants[variant].name) + ": " +
                                     std::string(name_of(found.outcome)) + ": " + what));
    }
    store_.add_invocation(row);
  }

  std::map<std::string, double> figures_of(Attempt const& found) const {
    std::map<std::string, double> figures{{cpu, static_cast<double>(found.cpu_ns)},
                                          {system_time, static_cast<double>(found.system_ns)},
                                          {faults, static_cast<double>(found.minor_faults)},
                                          {major_faults, static_cast<double>(found.major_faults)},
                                          {processes, found.processes},
                                          {processes_proved, found.proved}};
    if (found.peak_bytes != 0) figures[peak] = static_cast<double>(found.peak_bytes);
    if (wish_.subject.is_server()) {
      figures[ready_after] = static_cast<double>(found.spawn_to_ready_ns);
    }
    if (found.own_figure) {
      figures[wish_.subject.larger_is_better ? own_rate : own_figure] = *found.own_figure;
    }
    return figures;
  }

  static std::string record_of(Attempt const& found) {
    report::JsonWriter out;
    out.begin_object().member("processes", found.processes).member("proved", found.proved);
    return out.array("remarks", found.remarks).end_object().take();
  }

  Wish wish_;
  store::Store& store_;
  run::Interrupt& interrupt_;
  Listener const& listener_;
  run::PrivateDirectory directory_;
  std::vector<Setting> settings_;  // of the variants
  std::vector<store::Cell> cells_;
  std::vector<State> states_;
  OwnMalloc own_;
  std::set<std::string> said_;
  std::uint64_t began_ns_ = 0;
  double one_run_s_ = 0, longest_round_s_ = 0, limit_s_ = 0;
};

}  // namespace

Ended try_out(Wish wish, store::Store& store, run::Interrupt& interrupt, Listener const& listener) {
  return Session(std::move(wish), store, interrupt, listener).run();
}

}  // namespace churn::trial
