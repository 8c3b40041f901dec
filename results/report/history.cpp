#include "results/report/history.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "harness/core/error.hpp"
#include "harness/core/metrics.hpp"
#include "harness/core/nearest.hpp"
#include "results/report/text.hpp"
#include "results/statistics/change_points.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::report {
namespace {

using store::CellKey;
using store::PastCell;

bool has_settings(store::Named const& named, store::Named const& wanted) {
  return std::includes(named.settings.begin(), named.settings.end(), wanted.settings.begin(),
                       wanted.settings.end());
}

bool answers_to(CellKey const& key, CellKey const& wanted) {
  return key.allocator == wanted.allocator && key.collector == wanted.collector &&
         has_settings(key.workload, wanted.workload) &&
         (wanted.threads == 0 || key.threads == wanted.threads) &&
         (wanted.heap_limit_bytes == 0 || key.heap_limit_bytes == wanted.heap_limit_bytes);
}

std::string listed_up_to(std::vector<std::string> const& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += (i == 0 ? "" : ", ") + visible(names[i]);
  }
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

// "allocator/collector/workload" and no more, as far as that was typed.
std::string typed(CellKey key) {
  std::string const threads = key.threads == 0 ? "" : "@" + std::to_string(key.threads);
  key.threads = 1;
  std::string const text = store::spelled(key);
  return text.substr(0, text.rfind("@1")) + threads;
}

// Settings make names long, and what is long is near to nothing that is short.
std::string without_settings(CellKey key) {
  for (auto* const each : {&key.allocator, &key.collector, &key.workload}) each->settings.clear();
  return typed(std::move(key));
}

[[noreturn]] void refuse_unknown(store::Store& store, CellKey const& wanted) {
  std::map<std::string, std::vector<std::string>> names;  // by what is left without settings
  for (auto const& run : store.runs()) {
    for (auto const& cell : store.cells(run.id)) {
      auto& full = names[without_settings(cell.key)];
      std::string const name = store::spelled(cell.key);
      if (std::find(full.begin(), full.end(), name) == full.end()) full.push_back(name);
    }
  }
  std::string const what = "no run in this store has the cell " + visible(typed(wanted));
  if (names.empty()) throw UserError(what + "; it has none at all: measure some with `churn run`");
  std::vector<std::string> known, close, all;
  for (auto const& [name, full] : names) {
    known.push_back(name);
    all.insert(all.end(), full.begin(), full.end());
  }
  for (auto const& each : nearest(without_settings(wanted), known)) {
    close.insert(close.end(), names[each].begin(), names[each].end());
  }
  throw UserError(what + (close.empty() ? "; it has " + listed_up_to(all, 3)
                                        : "; did you mean " + listed_up_to(close, 3) + "?"));
}

CellKey the_one(std::vector<PastCell> const& cells, store::Store& store, CellKey const& wanted) {
  std::set<CellKey> keys;
  for (auto const& each : cells) {
    if (each.cell.key == wanted) return wanted;
    if (answers_to(each.cell.key, wanted)) keys.insert(each.cell.key);
  }
  if (keys.empty()) refuse_unknown(store, wanted);
  if (keys.size() == 1) return *keys.begin();
  std::vector<std::string> names;
  for (auto const& each : keys) names.push_back(store::spelled(each));
  throw UserError(visible(typed(wanted)) + " is " + std::to_string(names.size()) +
                  " cells here; say which: " + listed_up_to(names, 6));
}

void require_metric(std::string const& metric) {
  std::vector<std::string> names;
  for (auto const& each : metrics) names.emplace_back(each.name);
  if (metric == "lower_bound_overhead_ratio") {
    throw UserError(metric + " compares the cells of one run, so it has no history");
  }
  if (find_metric(metric) != nullptr) return;
  auto const close = nearest(metric, names);
  throw UserError("there is no metric \"" + visible(metric) + "\"" +
                  (close.empty() ? "" : "; did you mean " + listed_up_to(close, 3) + "?") +
                  " (`churn list metrics` shows all)");
}

// The figure of every process by its round; a round counts once, whatever was merged.
std::map<std::uint32_t, double> figures_of(std::vector<store::PastInvocation> const& processes) {
  std::map<std::uint32_t, double> figures;
  for (auto const& each : processes) {
    if (each.figure && std::isfinite(*each.figure)) figures.emplace(each.round, *each.figure);
  }
  return figures;
}

// The same for how much resident memory grew by the most that the workload held.
std::map<std::uint32_t, double> blow_ups(store::Store& store, store::Cell const& cell) {
  auto figures = figures_of(store.past_invocations(cell.id, "blow_up"));
  auto const live_bytes = static_cast<double>(cell.peak_live_bytes.value_or(0));
  if (live_bytes == 0) return figures;
  auto const start = figures_of(store.past_invocations(cell.id, "rss_start_bytes"));
  for (auto const& [round, peak] : figures_of(store.past_invocations(cell.id, "peak_rss_bytes"))) {
    if (auto const found = start.find(round); found != start.end()) {
      figures.emplace(round, (peak - found->second) / live_bytes);
    }
  }
  return figures;
}

class Historian {
 public:
  Historian(store::Store& store, HistoryOptions const& options)
      : store_(store), options_(options) {}

  History run(CellKey const& wanted) {
    auto const cells = store_.past_cells(wanted);
    history_.metric = options_.metric;
    history_.key = the_one(cells, store_, wanted);
    std::vector<PastCell const*> own;
    for (auto const& each : cells) {
      if (each.cell.key == history_.key) own.push_back(&each);
    }
    // A store that was merged has runs in another order than that of their time.
    std::stable_sort(own.begin(), own.end(), [](auto const* a, auto const* b) {
      return std::tie(a->started_utc, a->cell.run_id) < std::tie(b->started_utc, b->cell.run_id);
    });
    for (auto const* const each : own) add(*each);
    if (history_.moments.empty()) refuse_empty();
    if (!options_.across_machines) keep_newest_machine();
    add_levels();
    return std::move(history_);
  }

 private:
  void add(PastCell const& past) {
    std::int64_t const run = past.cell.run_id;
    if (past.kind != "run") {
      return leave_out(
          run, "a " + past.kind + ": it times turns beside another program, and counts no ops");
    }
    if (past.cell.planned != Outcome::ok) return leave_out(run, past.cell.planned_reason);
    auto const processes = store_.past_invocations(past.cell.id, options_.metric);
    if (processes.empty()) return leave_out(run, "it ended before this cell");
    for (auto const& each : processes) {
      if (each.outcome == Outcome::ok) continue;
      return leave_out(run, std::string(name_of(each.outcome)) + ": " + each.reason);
    }
    std::vector<double> values;
    for (auto const& [round, figure] : by_round(past.cell, processes)) values.push_back(figure);
    if (values.empty()) return leave_out(run, "it has no " + options_.metric);
    history_.moments.push_back({run, past.started_utc, past.version, index_of(past.machine),
                                statistics::median_over(values)});
  }

  std::map<std::uint32_t, double> by_round(store::Cell const& cell,
                                           std::vector<store::PastInvocation> const& processes) {
    if (options_.metric == "blow_up") return blow_ups(store_, cell);
    if (options_.metric == "peak_live_bytes") {
      if (!cell.peak_live_bytes) return {};
      return {{0, static_cast<double>(*cell.peak_live_bytes)}};
    }
    if (options_.metric != "time_per_op_ns") return figures_of(processes);
    std::map<std::uint32_t, double> figures;
    for (auto const& each : processes) {
      double const ops =
          static_cast<double>(cell.ops_per_sample) * static_cast<double>(each.samples);
      if (ops > 0 && each.samples_ns > 0) figures.emplace(each.round, each.samples_ns / ops);
    }
    return figures;
  }

  std::size_t index_of(store::Machine const& machine) {
    auto& machines = history_.machines;
    auto const known = std::find_if(machines.begin(), machines.end(), [&](auto const& each) {
      return each.fingerprint == machine.fingerprint;
    });
    auto const index = static_cast<std::size_t>(known - machines.begin());
    if (known == machines.end()) machines.push_back(machine);
    return index;
  }

  void leave_out(std::int64_t run, std::string const& reason) {
    auto& all = history_.left_out;
    auto const found = std::find_if(all.begin(), all.end(),
                                    [&](LeftOut const& each) { return each.reason == reason; });
    if (found == all.end()) {
      all.push_back({reason, {run}});
    } else {
      found->runs.push_back(run);
    }
  }

  [[noreturn]] void refuse_empty() const {
    std::string why;
    for (auto const& each : history_.left_out) {
      why += (why.empty() ? ": " : "; ") + counted(each.runs.size(), "run") + ", " +
             visible(each.reason);
    }
    throw UserError("no run in this store has " + options_.metric + " of " +
                    visible(store::spelled(history_.key)) + why);
  }

  void keep_newest_machine() {
    std::size_t const kept = history_.moments.back().machine;
    std::vector<Moment> moments;
    for (auto& each : history_.moments) {
      if (each.machine == kept) {
        moments.push_back(std::move(each));
      } else {
        leave_out(each.run_id,
                  "another machine than the newest run's; --across-machines takes it in");
      }
    }
    for (auto& each : moments) each.machine = 0;
    history_.moments = std::move(moments);
    history_.machines = {history_.machines[kept]};
  }

  // The median of moments from `first` on, `end` excluded.
  double median_of(std::size_t first, std::size_t end) const {
    std::vector<double> values;
    for (std::size_t i = first; i < end; ++i) values.push_back(history_.moments[i].figure.median);
    return statistics::median(values);
  }

  void add_levels() {
    auto const& moments = history_.moments;
    std::size_t const all = moments.size();
    std::size_t const pace = (all + most_points - 1) / most_points;
    history_.runs_a_point = pace;
    std::vector<double> points;
    for (std::size_t i = 0; i < all; i += pace) {
      points.push_back(median_of(i, std::min(i + pace, all)));
    }
    auto found = statistics::change_points(points, {.alpha = change_alpha});
    found.insert(found.begin(), {0, 1});
    for (std::size_t i = 0; i < found.size(); ++i) {
      std::size_t const first = found[i].at * pace;
      std::size_t const end = i + 1 < found.size() ? found[i + 1].at * pace : all;
      bool const moved = first > 0 && moments[first].machine != moments[first - 1].machine;
      history_.levels.push_back({first, end - 1, median_of(first, end), found[i].p, moved});
    }
  }

  store::Store& store_;
  HistoryOptions const& options_;
  History history_;
};

}  // namespace

History history(store::Store& store, CellKey const& wanted, HistoryOptions const& options) {
  require_metric(options.metric);
  return Historian(store, options).run(wanted);
}

}  // namespace churn::report
