// Another run beside this one, and a gate: their verdicts are those of comparison.hpp and of the
// gate itself.
#include <algorithm>
#include <cmath>
#include <map>

#include "results/report/html/html.hpp"
#include "results/report/html/parts.hpp"
#include "results/report/text.hpp"

namespace churn::report {
namespace html {
namespace {

using Cells = std::vector<std::vector<std::string>>;

// An interval from a quarter less to a quarter more; the tick is 1.
std::string bar(double low, double high) {
  constexpr double widest = 0.25;
  auto const at = [](double ratio) {
    return 80 + 78 * std::clamp(std::log(ratio) / std::log1p(widest), -1.0, 1.0);
  };
  double const from = at(low), to = std::max(at(high), from + 2);
  return "<svg class=\"interval\" width=\"160\" height=\"14\" viewBox=\"0 0 160 14\" "
         "aria-hidden=\"true\"><line x1=\"80\" x2=\"80\" y1=\"1\" y2=\"13\"/><rect x=\"" +
         three_digits(from) + "\" width=\"" + three_digits(to - from) +
         "\" y=\"5\" height=\"4\"/></svg>";
}

std::string range(double low, double high) { return three_digits(low) + "–" + three_digits(high); }

// What a reader looks for comes first.
int urgency(Change change) noexcept {
  switch (change) {
    case Change::slower:
      return 0;
    case Change::unmeasured:
      return 1;
    case Change::faster:
      return 2;
    default:
      return 3;
  }
}

std::string compared(Comparison const& comparison) {
  std::vector<ComparedCell const*> order;
  for (auto const& cell : comparison.cells) order.push_back(&cell);
  std::stable_sort(order.begin(), order.end(), [](auto const* a, auto const* b) {
    return urgency(a->change) < urgency(b->change);
  });
  Cells cells;
  for (auto const* const cell : order) {
    bool const any = cell->ratio.n > 0;
    std::string what(name_of(cell->change));
    if (!cell->reason.empty()) what += ": " + cell->reason;
    cells.push_back({escaped(cell->name), escaped(what),
                     any ? three_digits(cell->ratio.median) : "–",
                     any ? range(cell->ratio.low, cell->ratio.high) : "–",
                     any ? bar(cell->ratio.low, cell->ratio.high) : "",
                     any ? three_digits(cell->adjusted_p) : "–"});
  }
  std::string const which = "Run " + std::to_string(comparison.candidate.id) + " against run " +
                            std::to_string(comparison.baseline.id);
  return "<h3>" + which + " of " + escaped(comparison.baseline.started_utc) + "</h3>\n<p>" +
         (comparison.across_machines ? "They were measured on different machines. " : "") +
         "Ratios of time per op. Two runs share no noise: whatever the machine did between them "
         "looks like a change; <code>churn gate</code> measures both sides now. Of those called "
         "changed, about one in twenty may not be; changes below " +
         three_digits(comparison.minimum_effect * 100) + " % are none.</p>\n" +
         table({"cell", "change", "ratio", "interval", "¾ to 1¼", "adjusted p"}, cells, which);
}

std::string gated(GateFindings const& found) {
  std::map<std::int64_t, store::GateCell const*> by_id;
  for (auto const& cell : found.cells) by_id[cell.id] = &cell;
  Cells cells;
  for (auto const& verdict : found.verdicts) {
    auto const cell = by_id.find(verdict.gate_cell_id);
    if (cell == by_id.end()) continue;
    bool const interval = verdict.low && verdict.high;
    auto const& least = verdict.minimum_detectable_effect;
    cells.push_back({escaped(cell->second->name), escaped(verdict.metric), escaped(verdict.verdict),
                     verdict.ratio ? three_digits(*verdict.ratio) : "–",
                     interval ? range(*verdict.low, *verdict.high) : "–",
                     interval ? bar(*verdict.low, *verdict.high) : "",
                     least ? three_digits(*least * 100) + " %" : "–",
                     std::to_string(verdict.pairs)});
  }
  for (auto const& cell : found.cells) {
    if (cell.failure.empty()) continue;
    cells.push_back({escaped(cell.name), "", escaped(cell.failure), "–", "–", "", "–", "–"});
  }
  std::string const which = "Gate " + std::to_string(found.gate.run_id);
  std::string const verdict =
      found.gate.verdict.empty() ? "It did not finish" : "Its verdict: " + found.gate.verdict;
  return "<h3>" + which + ": " + escaped(found.gate.candidate) + " against " +
         escaped(found.gate.baseline) + "</h3>\n<p>" + escaped(verdict) +
         ". Ratios of candidate by baseline, of pairs of processes that took turns; the last but "
         "one "
         "column is the smallest effect that these pairs would have shown.</p>\n" +
         table(
             {"cell", "question", "verdict", "ratio", "interval", "¾ to 1¼", "would show", "pairs"},
             cells, which);
}

}  // namespace

std::string runs(Beside const& beside) {
  if (!beside.comparison && !beside.gate) return {};
  std::string text = "<section id=\"runs\">\n<h2>Beside it</h2>\n";
  if (beside.comparison) text += compared(*beside.comparison);
  if (beside.gate) text += gated(*beside.gate);
  return text + "</section>\n";
}

}  // namespace html

GateFindings gate_findings(store::Store& store, std::int64_t run_id) {
  GateFindings found{store.gate(run_id), {}, {}};
  found.cells = store.gate_cells(found.gate.run_id);
  found.verdicts = store.gate_verdicts(found.gate.run_id);
  return found;
}

}  // namespace churn::report
