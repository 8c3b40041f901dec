#include "harness/try/findings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "harness/core/error.hpp"
#include "harness/try/figures.hpp"
#include "harness/try/session.hpp"
#include "results/report/measured.hpp"
#include "results/report/text.hpp"
#include "results/statistics/bootstrap.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::trial {
namespace {

using statistics::Series;
using statistics::Standing;

// A variant with all that is needed to compare it.
struct Tried {
  std::int64_t cell_id = 0;
  Contender contender;
  std::vector<statistics::Process> ranked;
  Series memory;
  std::map<std::string, std::vector<double>> figures;
  std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>> time_lines;
};

store::Run run_of(store::Store& store, std::int64_t run_id) {
  if (run_id == 0) {
    for (store::Run const& each : store.runs()) {
      if (each.kind == run_kind) run_id = each.id;
    }
    if (run_id == 0)
      throw UserError("there is no try in this store; `churn try -- COMMAND` adds one");
  }
  store::Run run = store.run(run_id);
  if (run.kind == run_kind) return run;
  throw UserError("run " + std::to_string(run_id) + " is no try but a " + run.kind);
}

void add(store::Invocation const& row, By by, Tried& tried) {
  Contender& contender = tried.contender;
  ++contender.runs;
  if (row.outcome != Outcome::ok) {
    if (contender.outcome == Outcome::ok) contender.reason = row.reason;
    if (contender.outcome == Outcome::ok) contender.outcome = row.outcome;
    return;
  }
  ++contender.ok_runs;
  double const value = rank_value(row, by);
  bool const is_new = tried.ranked.empty() || tried.ranked.back().round < row.round;
  if (!is_new || !(value > 0)) return;  // a round counts once, whatever the store holds
  tried.ranked.push_back({row.round, value, {}});
  tried.figures[wall].push_back(static_cast<double>(row.sample_ns.empty() ? 0 : row.sample_ns[0]));
  for (auto const& [name, figure] : row.figures) tried.figures[name].push_back(figure);
  if (auto const found = row.figures.find(peak); found != row.figures.end() && found->second > 0) {
    tried.memory.push_back({row.round, found->second});
  }
  tried.time_lines[row.round] = row.rss_time_line;
}

// Of the run in the middle.
void choose_time_line(Tried& tried) {
  auto ordered = tried.ranked;
  std::sort(ordered.begin(), ordered.end(),
            [](auto const& a, auto const& b) { return a.value < b.value; });
  if (ordered.empty()) return;
  tried.contender.time_line = std::move(tried.time_lines[ordered[ordered.size() / 2].round]);
}

std::vector<Tried> tried_in(store::Store& store, By by, Findings& findings) {
  std::vector<Tried> all;
  for (store::Cell const& cell : store.cells(findings.run.id)) {
    Tried& tried = all.emplace_back();
    tried.cell_id = cell.id;
    tried.contender.name = cell.key.allocator;
    findings.op = cell.op;
    auto const line = cell.key.workload.settings.find("line");
    if (line != cell.key.workload.settings.end()) findings.line = line->second;
  }
  findings.ranked_by = wall;
  store.each_invocation(findings.run.id, true, [&](store::Invocation const& row) {
    auto const found = std::find_if(all.begin(), all.end(),
                                    [&](Tried const& each) { return each.cell_id == row.cell_id; });
    if (found == all.end()) return;
    if (row.outcome == Outcome::ok) findings.ranked_by = ranked_figure(row, by);
    add(row, by, *found);
  });
  for (Tried& each : all) {
    if (!each.contender.ok()) continue;
    for (auto const& [name, values] : each.figures) {
      each.contender.figures[name] = statistics::median_over(values);
    }
    choose_time_line(each);
  }
  return all;
}

std::string names_of(std::vector<Tried*> const& tried, auto&& wanted) {
  std::vector<std::string> names;
  for (Tried const* const each : tried) {
    if (wanted(each->contender)) names.push_back(store::spelled(each->contender.name));
  }
  return report::enumerated(names);
}

void find_front(std::vector<Tried*> const& ranked, statistics::Differences const& speed,
                statistics::BestRule const& rule, Findings& findings) {
  std::vector<Series> memory;
  for (Tried const* const each : ranked) {
    if (each->memory.size() < statistics::rounds_for_pairs) return;
    memory.push_back(each->memory);
  }
  statistics::Differences const sizes(memory);
  auto const against = statistics::against_best(sizes, rule);
  auto const dominated = statistics::dominated_by(speed, sizes, rule);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    Contender& contender = ranked[i]->contender;
    contender.memory_to_best = against[i];
    contender.on_front = !dominated[i];
    if (dominated[i]) {
      contender.dominated_by = store::spelled(ranked[*dominated[i]]->contender.name);
    }
  }
  bool const all = std::all_of(ranked.begin(), ranked.end(),
                               [](auto* each) { return each->contender.on_front; });
  findings.front = all ? "nobody is proven to be dominated"
                       : names_of(ranked, [](Contender const& each) { return each.on_front; }) +
                             "; every other is proven to be no better in either and worse in one";
}

void rank(std::vector<Tried>& all, Findings& findings) {
  std::vector<Tried*> ranked;
  std::vector<Series> series;
  std::size_t fewest = SIZE_MAX;
  for (Tried& each : all) {
    if (!each.contender.ok() || each.ranked.empty()) continue;
    ranked.push_back(&each);
    series.push_back(report::series_of(each.ranked));
    fewest = std::min(fewest, each.ranked.size());
  }
  findings.rounds = ranked.empty() ? 0 : static_cast<std::uint32_t>(fewest);
  if (ranked.size() < 2 || fewest < statistics::rounds_for_pairs) return;
  statistics::BestRule rule;
  rule.tolerance = findings.worth;
  statistics::Differences const differences(series);
  auto const against = statistics::against_best(differences, rule);
  auto const standings = statistics::standings_of(against);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranked[i]->contender.to_best = against[i];
    ranked[i]->contender.standing = standings[i];
  }
  find_front(ranked, differences, rule, findings);
}

void take_ratios(std::vector<Tried>& all, Findings const& findings) {
  if (all.empty() || !all.front().contender.ok()) return;
  for (Tried& each : all) {
    if (!each.contender.ok()) continue;
    std::string const name = store::spelled(each.contender.name);
    auto const ratio = statistics::median_ratio(each.ranked, all.front().ranked,
                                                report::random_for(findings.run, name, "ratio"));
    if (ratio.n > 0) each.contender.ratio = ratio;
  }
}

std::string percent_text(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", 100 * share);
  return text;
}

std::string verdict_of(Findings const& findings) {
  std::vector<std::string> leaders;
  std::size_t ranked = 0;
  for (Contender const& each : findings.contenders) {
    if (each.standing == Standing::unranked) continue;
    ++ranked;
    if (each.standing != Standing::behind) leaders.push_back(store::spelled(each.name));
  }
  if (ranked == 0) {
    return findings.rounds < statistics::rounds_for_pairs
               ? "not ranked: fewer than " + std::to_string(statistics::rounds_for_pairs) +
                     " rounds"
               : "not ranked: fewer than two variants went well";
  }
  std::string const worth = percent_text(findings.worth);
  if (leaders.size() == ranked) {
    return "not separated: nobody is proven to be more than " + worth + " worse than the best";
  }
  return (leaders.size() == 1 ? "best: " : "top group: ") + report::enumerated(leaders) +
         "; every other is proven to be more than " + worth + " worse than the best";
}

}  // namespace

By parse_by(std::string const& text) {
  if (text == "wall") return By::wall;
  if (text == "cpu") return By::cpu;
  if (text == "memory") return By::memory;
  throw UserError("--by " + text + " is neither wall, cpu nor memory");
}

Findings findings_of(store::Store& store, std::int64_t run_id, Question const& question) {
  Findings findings;
  findings.run = run_of(store, run_id);
  findings.machine = store.machine(findings.run.id);
  findings.worth = question.worth;
  std::vector<Tried> all = tried_in(store, question.by, findings);
  if (!all.empty()) findings.baseline = store::spelled(all.front().contender.name);
  rank(all, findings);
  take_ratios(all, findings);
  // By what is ranked; those without it keep their order.
  std::stable_sort(all.begin(), all.end(), [](Tried const& a, Tried const& b) {
    auto const median = [](Tried const& each) {
      if (!each.contender.ok()) return std::numeric_limits<double>::infinity();
      std::vector<double> values;
      for (auto const& process : each.ranked) values.push_back(process.value);
      return values.empty() ? std::numeric_limits<double>::max() : statistics::median(values);
    };
    return median(a) < median(b);
  });
  for (Tried& each : all) {
    findings.failed += each.contender.runs > 0 && !each.contender.ok();
    findings.contenders.push_back(std::move(each.contender));
  }
  findings.verdict = verdict_of(findings);
  findings.advice = advice_of(findings);
  return findings;
}

}  // namespace churn::trial
