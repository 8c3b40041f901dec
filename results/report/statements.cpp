// The findings in sentences. Each end of an interval is rounded away from the middle, so that no
// sentence says more than the figures beneath it.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "results/report/baseline.hpp"
#include "results/report/layout.hpp"
#include "results/report/measured.hpp"
#include "results/report/text.hpp"
#include "results/report/units.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::report {
namespace {

using Kind = Statement::Kind;

constexpr std::size_t most_named = 5;  // failures, or back ends that share a place

struct Bounds {
  double low = 0, high = 0;
};

// The least and the most of several estimates; none unless all are there.
template <class Figure>
std::optional<Bounds> bounds_of(std::vector<Row const*> const& rows, Figure&& figure) {
  std::optional<Bounds> all;
  for (Row const* const row : rows) {
    std::optional<Estimate> const& each = figure(*row);
    if (!each) return std::nullopt;
    if (!all) all = Bounds{each->low, each->high};
    all->low = std::min(all->low, each->low);
    all->high = std::max(all->high, each->high);
  }
  return all;
}

// A multiple of a step that is a power of ten: no more digits than it has.
std::string plain(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

// "12 to 19 %", whole from 10 % on, each end away from the other.
std::string percent_range(double low, double high) {
  double const step = low * 100 >= 10 ? 1 : 0.1;
  double const least = std::floor(low * 100 / step + 1e-9) * step;
  double const most = std::ceil(high * 100 / step - 1e-9) * step;
  std::string const first = plain(least), last = plain(most);
  return (first == last ? last : first + " to " + last) + " %";
}

// "1.2 to 1.6"
std::string times_range(Bounds const& bounds) {
  auto const digits = [](double value) { return value >= 10 ? 1.0 : value >= 0.1 ? 0.01 : 0.001; };
  double const low_step = digits(bounds.low), high_step = digits(bounds.high);
  std::string const low = plain(std::floor(bounds.low / low_step + 1e-9) * low_step);
  std::string const high = plain(std::ceil(bounds.high / high_step - 1e-9) * high_step);
  return low == high ? low : low + " to " + high;
}

// What intervals of ratios to the baseline allow: less, more, or neither.
std::string time_text(Bounds const& ratio, std::string const& baseline) {
  // Beyond this "98 % less" says less than a factor.
  constexpr double far = 0.5;
  if (ratio.high < far) return times_range(ratio) + " times the time of " + baseline;
  if (ratio.high < 1)
    return percent_range(1 - ratio.high, 1 - ratio.low) + " less time than " + baseline;
  if (ratio.low > 1 + far) return times_range(ratio) + " times the time of " + baseline;
  if (ratio.low > 1) {
    return percent_range(ratio.low - 1, ratio.high - 1) + " more time than " + baseline;
  }
  return "no proven difference to " + baseline + " (" + times_range(ratio) + " times its time)";
}

std::string spread_text(std::vector<Row const*> const& rows) {
  bool range = false, interval = false;
  std::uint32_t fewest = UINT32_MAX;
  for (Row const* const row : rows) {
    if (!row->ratio) continue;
    fewest = std::min(fewest, row->ratio->n);
    (row->ratio->spread == statistics::Spread::range ? range : interval) = true;
  }
  if (range && interval) return "ranges or 95 % intervals";
  return (range ? "ranges over " : "95 % intervals over ") + counted(fewest, "round");
}

std::string names_of(std::vector<Row const*> const& rows) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size() && i < most_named; ++i) {
    names.push_back(back_end(rows[i]->key));
  }
  std::size_t const rest = rows.size() - names.size();
  if (rest > 0) names.push_back(std::to_string(rest) + " more");
  return enumerated(names);
}

// Of the leaders that are not the baseline themselves.
std::string against_baseline(Block const& block, std::vector<Row const*> const& leaders) {
  std::vector<Row const*> others;
  for (Row const* const row : leaders) {
    if (!row->is_baseline) others.push_back(row);
  }
  bool const baseline_leads = others.size() < leaders.size();
  auto const time = bounds_of(others, [](Row const& row) { return row.ratio; });
  if (block.baseline.empty() || others.empty() || !time) return {};
  std::string text = baseline_leads ? "; beside the baseline, " : ": ";
  text += time_text(*time, block.baseline) + " (" + spread_text(others) + ")";
  if (auto const memory = bounds_of(others, [](Row const& row) { return row.memory_ratio; })) {
    std::string const times = times_range(*memory);
    text += times == "1" ? ", at the same peak memory" : ", at " + times + " times its peak memory";
  }
  return text;
}

// With more workloads than anybody reads, the same text for those where nobody is ranked.
Statement statement_of(Block const& block, std::string title, std::size_t index) {
  std::vector<Row const*> leaders;
  std::size_t ranked = 0;
  for (auto const& row : block.rows) {
    ranked += row.standing != Standing::unranked;
    if (row.standing == Standing::winner || row.standing == Standing::tied) leaders.push_back(&row);
  }
  std::string text;
  if (ranked == 0) {
    bool const any =
        std::any_of(block.rows.begin(), block.rows.end(), [](Row const& row) { return row.ok(); });
    text += !block.verdict.empty() ? block.verdict
            : any                  ? "nobody to compare with"
                                   : "nothing was measured to the end";
  } else if (leaders.size() == ranked) {
    text += "the " + std::to_string(ranked) +
            " back ends are not separated: nobody is proven more than 2 % slower than the best";
  } else {
    text += names_of(leaders) + (leaders.size() == 1 ? " leads" : " share the top group") +
            against_baseline(block, leaders);
  }
  return {Kind::block, std::move(title), text + ".", index};
}

std::string_view grade_of(double noise) noexcept {
  return noise <= 0.02   ? "quiet"
         : noise <= 0.05 ? "fairly quiet"
         : noise <= 0.15 ? "noisy"
                         : "very noisy";
}

// How far the processes of a cell lie apart, of the cell in the middle.
std::optional<Statement> noise_of(Measurements const& measurements) {
  std::vector<double> spreads;
  for (auto const& [id, measured] : measurements) {
    if (measured.times.size() < 2) continue;
    std::vector<double> times;
    for (auto const& process : measured.times) times.push_back(process.value);
    auto const [least, most] = std::minmax_element(times.begin(), times.end());
    spreads.push_back((*most - *least) / statistics::median(times));
  }
  if (spreads.empty()) return std::nullopt;
  double const noise = statistics::median(spreads);
  return Statement{Kind::noise, "",
                   "The machine was " + std::string(grade_of(noise)) +
                       ": in half of the cells the fastest and the slowest process lie at least " +
                       plain(std::floor(noise * 1000 + 1e-9) / 10) + " % of the median apart."};
}

Statement run_of(Report const& report) {
  std::size_t cells = 0, ok = 0;
  for (auto const& block : report.blocks) {
    cells += block.rows.size();
    ok += static_cast<std::size_t>(std::count_if(block.rows.begin(), block.rows.end(),
                                                 [](Row const& row) { return row.ok(); }));
  }
  std::string const what =
      report.run.matrix.empty() ? "Axes given by hand" : "The matrix " + report.run.matrix;
  std::string text =
      what + ": " + counted(report.blocks.size(), "comparison") + " of " + counted(cells, "cell") +
      " in " + counted(report.run.rounds, "round") + "; " +
      (ok == cells ? "all of them gave figures" : std::to_string(ok) + " of them gave figures");
  if (!report.run.finished) text += "; the run did not finish";
  return {Kind::run, "", text + "."};
}

std::optional<Statement> failures_of(Report const& report) {
  std::vector<std::string> names;
  std::size_t failed = 0;
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) {
      if (row.outcome == Outcome::ok || row.outcome == Outcome::not_applicable) continue;
      if (++failed > most_named) continue;
      names.push_back(store::spelled(row.key) + " (" + std::string(outcome_of(row)) + ")");
    }
  }
  std::string text;
  if (failed > 0) {
    if (failed > names.size()) names.push_back(std::to_string(failed - names.size()) + " more");
    text = counted(failed, "cell") + " failed: " + enumerated(names);
  }
  if (report.unmeasured_cells > 0) {
    text += (text.empty() ? "" : "; ") + counted(report.unmeasured_cells, "cell") +
            " not measured before the run ended";
  }
  if (text.empty()) return std::nullopt;
  return Statement{Kind::failures, "", text + "."};
}

std::optional<Statement> statement_of(Overall const& overall) {
  if (overall.rows.empty() || !overall.rows.front().time) return std::nullopt;
  OverallRow const& first = overall.rows.front();
  Estimate const& time = *first.time;
  std::uint32_t const all = first.wins + first.ties + first.losses;
  bool const interval = time.spread == statistics::Spread::interval;
  std::string text = "the smallest mean time is that of " + first.name + ", " +
                     three_digits(time.median) + " times that of " + overall.baseline + " over " +
                     counted(overall.workloads, "workload") + " (" +
                     (interval ? "95 %: " : "range over them: ") +
                     times_range({time.low, time.high}) + "); it is in the top group of " +
                     std::to_string(first.wins + first.ties) + " of " + counted(all, "comparison");
  return Statement{Kind::overall, overall.title, text + "."};
}

}  // namespace

std::vector<Statement> statements_of(Report const& report, Measurements const& measurements) {
  std::vector<Statement> all{run_of(report)};
  if (auto noise = noise_of(measurements)) all.push_back(std::move(*noise));
  if (auto failures = failures_of(report)) all.push_back(std::move(*failures));
  for (auto const& overall : report.overall) {
    if (auto statement = statement_of(overall)) all.push_back(std::move(*statement));
  }
  auto const titles = short_titles(report);
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    all.push_back(statement_of(report.blocks[i], titles[i], i));
  }
  return all;
}

}  // namespace churn::report
