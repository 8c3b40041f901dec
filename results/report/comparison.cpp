#include "results/report/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "harness/core/error.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"
#include "results/statistics/bootstrap.hpp"
#include "results/statistics/multiplicity.hpp"
#include "results/statistics/rank_sum.hpp"

namespace churn::report {
namespace {

constexpr double false_discoveries = 0.05;

struct Side {
  std::vector<statistics::Process> processes;
  std::string failure;  // of the first that failed
};

std::map<store::CellKey, Side> sides_of(store::Store& store, store::Run const& run) {
  std::map<std::int64_t, store::Cell> by_id;
  std::map<store::CellKey, Side> sides;
  for (store::Cell const& cell : store.cells(run.id)) {
    Side& side = sides[cell.key];
    if (cell.planned != Outcome::ok) side.failure = cell.planned_reason;
    by_id[cell.id] = cell;
  }
  Random random(run.seed);
  store.each_invocation(run.id, true, [&](store::Invocation const& each) {
    store::Cell const& cell = by_id.at(each.cell_id);
    Side& side = sides[cell.key];
    if (each.outcome != Outcome::ok || each.sample_ns.empty() || cell.ops_per_sample == 0) {
      if (side.failure.empty()) {
        side.failure = std::string(churn::name_of(each.outcome)) + ": " + each.reason;
      }
      return;
    }
    std::vector<double> samples;
    for (std::uint64_t const ns : each.sample_ns) {
      samples.push_back(static_cast<double>(ns) / static_cast<double>(cell.ops_per_sample));
    }
    side.processes.push_back(statistics::summarize(each.round, samples, random));
  });
  return sides;
}

// Two-sided, over one number a process.
double p_of(Side const& candidate, Side const& baseline) {
  auto const values = [](Side const& side) {
    std::vector<double> result;
    std::size_t const most = statistics::most_rank_sum_values / 2;
    for (auto const& each : side.processes) {
      if (result.size() < most) result.push_back(each.value);
    }
    return result;
  };
  std::vector<double> const one = values(candidate), other = values(baseline);
  double const above = statistics::rank_sum_above(one, other);
  double const below = statistics::rank_sum_above(other, one);
  return std::min(1.0, 2 * std::min(above, below));
}

void require_comparable(store::Store& store, store::Run const& baseline,
                        store::Run const& candidate, bool across_machines) {
  for (store::Run const* const run : {&baseline, &candidate}) {
    if (run->kind == "run") continue;
    throw UserError("run " + std::to_string(run->id) + " is a " + run->kind +
                    "; only what `churn run` measured can be compared");
  }
  bool const same =
      store.machine(baseline.id).fingerprint == store.machine(candidate.id).fingerprint;
  if (same || across_machines) return;
  throw UserError("runs " + std::to_string(baseline.id) + " and " + std::to_string(candidate.id) +
                  " were measured on different machines; --across-machines compares them all the "
                  "same, and says so on every line");
}

ComparedCell compared(store::CellKey const& key, Side const& candidate, Side const& baseline,
                      std::uint64_t seed) {
  ComparedCell cell;
  cell.name = store::spelled(key);
  for (auto const& [side, which] :
       {std::pair(&baseline, "baseline "), std::pair(&candidate, "candidate ")}) {
    if (cell.reason.empty() && !side->failure.empty()) cell.reason = which + side->failure;
    if (cell.reason.empty() && side->processes.empty()) {
      cell.reason = std::string(which) + "was not measured";
    }
  }
  if (!cell.reason.empty()) return cell;
  cell.ratio = statistics::ratio_of_medians(candidate.processes, baseline.processes, Random(seed));
  cell.p = p_of(candidate, baseline);
  return cell;
}

void decide(Comparison& comparison) {
  std::vector<double> p_values;
  for (ComparedCell const& each : comparison.cells) {
    if (each.ratio.n > 0) p_values.push_back(each.p);
  }
  std::vector<double> const adjusted = statistics::benjamini_hochberg(p_values);
  std::size_t next = 0;
  for (ComparedCell& each : comparison.cells) {
    if (each.ratio.n == 0) continue;
    each.adjusted_p = adjusted[next++];
    bool const changed = each.adjusted_p <= false_discoveries &&
                         std::abs(each.ratio.median - 1) >= comparison.minimum_effect;
    each.change = !changed ? Change::none : each.ratio.median > 1 ? Change::slower : Change::faster;
  }
}

std::string percent(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f %%", (ratio - 1) * 100);
  return text;
}

}  // namespace

std::string_view name_of(Change change) noexcept {
  switch (change) {
    case Change::none:
      return "no proven change";
    case Change::slower:
      return "slower";
    case Change::faster:
      return "faster";
    case Change::unmeasured:
      return "unmeasured";
    case Change::only_in_baseline:
      return "gone";
    case Change::only_in_candidate:
      return "new";
  }
  return "";
}

Comparison compare(store::Store& store, std::int64_t baseline, std::int64_t candidate,
                   ComparisonOptions const& options) {
  Comparison result;
  result.baseline = store.run(baseline);
  result.candidate = store.run(candidate);
  require_comparable(store, result.baseline, result.candidate, options.across_machines);
  result.across_machines =
      store.machine(baseline).fingerprint != store.machine(candidate).fingerprint;
  result.minimum_effect = options.minimum_effect;
  auto const old_sides = sides_of(store, result.baseline);
  auto const new_sides = sides_of(store, result.candidate);
  bool any = false;
  for (auto const& [key, side] : new_sides) {
    auto const other = old_sides.find(key);
    if (other == old_sides.end()) {
      result.cells.push_back({store::spelled(key), Change::only_in_candidate, {}, 1, 1, ""});
      continue;
    }
    any = true;
    result.cells.push_back(compared(key, side, other->second, result.candidate.seed));
  }
  for (auto const& [key, side] : old_sides) {
    if (new_sides.contains(key)) continue;
    result.cells.push_back({store::spelled(key), Change::only_in_baseline, {}, 1, 1, ""});
  }
  if (!any) {
    throw UserError("runs " + std::to_string(baseline) + " and " + std::to_string(candidate) +
                    " have no cell in common");
  }
  decide(result);
  return result;
}

std::string to_terminal(Comparison const& comparison, TerminalStyle style) {
  std::string text;
  auto const say = [&](std::string const& content) {
    std::string indent;
    for (auto const& line : wrapped(visible(content), style.width - 2)) {
      text += indent + line + '\n';
      indent = "  ";
    }
  };
  std::map<std::string_view, int> counts;
  for (ComparedCell const& each : comparison.cells) {
    ++counts[name_of(each.change)];
    std::string line = comparison.across_machines ? "different machines: " : "";
    line += each.name + ": " + std::string(name_of(each.change));
    if (each.ratio.n > 0) {
      bool const interval = each.ratio.spread == statistics::Spread::interval;
      line += ", " + percent(each.ratio.median) + (interval ? ", 95 %: " : ", range: ") +
              percent(each.ratio.low) + " to " + percent(each.ratio.high);
    }
    if (!each.reason.empty()) line += ", " + each.reason;
    say(line);
  }
  std::string summary;
  for (auto const& [name, count] : counts) {
    summary += (summary.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name);
  }
  if (counts.contains("slower") || counts.contains("faster")) {
    summary += "; of those called changed, about one in twenty may not be";
  }
  say(summary);
  say("runs of different times share no noise: what the machine did between them looks like a "
      "change. `churn gate` measures both sides now and is the stronger tool.");
  return text;
}

std::string to_json(Comparison const& comparison) {
  JsonWriter json(2);
  json.begin_object();
  json.member("baseline", comparison.baseline.id);
  json.member("candidate", comparison.candidate.id);
  json.member("across_machines", comparison.across_machines);
  json.member("minimum_effect", comparison.minimum_effect);
  json.key("cells").begin_array();
  for (ComparedCell const& each : comparison.cells) {
    json.begin_object().member("cell", each.name).member("change", name_of(each.change));
    if (each.ratio.n > 0) {
      json.member("ratio", each.ratio.median).member("low", each.ratio.low);
      json.member("high", each.ratio.high).member("n", each.ratio.n);
      json.member("p", each.p).member("adjusted_p", each.adjusted_p);
    }
    if (!each.reason.empty()) json.member("reason", each.reason);
    json.end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

}  // namespace churn::report
