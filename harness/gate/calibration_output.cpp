// A calibration as a table, for the terminal and for Markdown, and as JSON.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "harness/gate/calibration_report.hpp"
#include "harness/gate/pace.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::gate {
namespace {

using report::JsonWriter;
using report::visible;

template <class... Values>
std::string formatted(char const* format, Values... values) {
  std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, values...)), ' ');
  std::snprintf(text.data(), text.size() + 1, format, values...);
  return text;
}

std::string spelled_share(double share) {
  double const percent = share * 100;
  return formatted(percent != 0 && percent < 0.1 ? "%.3f"
                   : percent < 1 || percent > 99 ? "%.2f"
                                                 : "%.1f",
                   percent);
}

std::string spelled_limits(statistics::Proportion const& share) {
  return spelled_share(share.low) + "–" + spelled_share(share.high);
}

std::string spelled_aim(Rates const& rates) {
  if (!rates.aim) return "";
  Aim const& aim = *rates.aim;
  std::string text = rates.condition.empty() ? "≤ " : "≥ ";
  text += formatted("%g %%", aim.share * 100);
  if (aim.seconds != 0) text += formatted(" in %g s", aim.seconds);
  if (aim.mean_seconds != 0) text += formatted(", mean %g s", aim.mean_seconds);
  text += *rates.reached ? ": yes" : ": no";
  // A cell that is never called slower because its time was up has proven nothing.
  double const passes = static_cast<double>(rates.outcomes.passes) /
                        static_cast<double>(std::max<std::uint64_t>(1, rates.outcomes.draws));
  if (rates.condition.empty()) text += "; " + spelled_share(passes) + " % pass";
  return text;
}

std::vector<std::string> const titles{"condition", "pairs",  "shows",  "flagged %",
                                      "95 %",      "mean s", "99 % s", "aimed at"};

// What of a change the pairs show in the question that shows most of it.
std::string shown(Rates const& rates) {
  bool const memory = rates.condition.starts_with("memory");
  double const more = memory ? rates.memory_shift : std::max(rates.steady_shift, rates.total_shift);
  return rates.condition.empty() ? "" : formatted("%+.1f", more * 100);
}

std::vector<std::string> row_of(Rates const& rates) {
  double const found_seconds = rates.outcomes.found_seconds_99;
  return {rates.condition.empty() ? "no change" : rates.condition,
          std::to_string(rates.pairs),
          shown(rates),
          spelled_share(rates.found.share),
          spelled_limits(rates.found),
          formatted("%.1f", rates.outcomes.mean_seconds),
          rates.condition.empty() || found_seconds == 0 ? "" : formatted("%.0f", found_seconds),
          spelled_aim(rates)};
}

// Of the first of a group, which nothing changed.
std::string group_of(Rates const& rates) {
  std::string text = rates.class_name + (rates.loaded ? ", busy" : ", quiet") + ": " + rates.cell;
  text += formatted(", %s; a pair takes %.2f s and spreads by %.1f %% (steady), %.1f %% (total)",
                    rates.protocol.c_str(), rates.pair_seconds, rates.steady_spread * 100,
                    rates.total_spread * 100);
  if (rates.failed_pairs + rates.void_pairs != 0) {
    text +=
        formatted("; %llu failed, %llu void", static_cast<unsigned long long>(rates.failed_pairs),
                  static_cast<unsigned long long>(rates.void_pairs));
  }
  return text;
}

bool begins_group(std::vector<Rates> const& rates, std::size_t at) {
  return at == 0 || rates[at].class_name != rates[at - 1].class_name ||
         rates[at].loaded != rates[at - 1].loaded;
}

std::vector<std::string> heading_of(CalibrationReport const& report) {
  std::string machine;
  for (auto const& [name, value] : report.machine.facts) {
    if (name == "cpu_model" || name == "cores") {
      machine += (machine.empty() ? "" : ", ") + name + " " + value;
    }
  }
  return {"calibration " + std::to_string(report.run.id) + ", churn " + report.run.version + ", " +
              report.run.started_utc + ", " + machine,
          report.run.command};
}

std::vector<std::string> summary_of(CalibrationReport const& report) {
  std::vector<std::string> lines;
  if (report.clean_cell) {
    lines.push_back(formatted(
        "False alarms, all classes together: %s %% of cells (%s), so %s %% of matrices of %zu "
        "(%s); %.1f s a cell when nothing changed, %.0f minutes such a matrix.",
        spelled_share(report.clean_cell->share).c_str(), spelled_limits(*report.clean_cell).c_str(),
        spelled_share(report.clean_matrix->share).c_str(), report.cells,
        spelled_limits(*report.clean_matrix).c_str(), report.clean_seconds,
        report.clean_seconds * static_cast<double>(report.cells) / 60));
  }
  if (report.direct) {
    lines.push_back(
        formatted("Clean cells sent through a gate of their own: %llu alarms in %llu "
                  "(95 %%: %s %%).",
                  static_cast<unsigned long long>(report.direct->alarms),
                  static_cast<unsigned long long>(report.direct->gates),
                  spelled_limits(report.direct->share).c_str()));
  }
  lines.push_back(
      "Rates are of gates drawn from the stored pairs, consecutive ones from a random place on; "
      "limits are exact (Clopper and Pearson) for that many draws, given these pairs.");
  return lines;
}

std::string padded(std::string const& text, std::size_t width, bool right) {
  std::size_t const columns = report::width_of(text);
  std::string const blanks(columns < width ? width - columns : 0, ' ');
  return right ? blanks + text : text + blanks;
}

void paragraph(std::string& text, std::string const& content, std::size_t width) {
  for (auto const& line : report::wrapped(content, width)) text += line + '\n';
}

void proportion(JsonWriter& json, char const* name, statistics::Proportion const& share) {
  json.key(name).begin_object();
  json.member("share", share.share).member("low", share.low).member("high", share.high);
  json.end_object();
}

void rates_object(JsonWriter& json, Rates const& rates) {
  json.begin_object();
  json.member("class", rates.class_name).member("cell", rates.cell);
  json.member("protocol", rates.protocol).member("loaded", rates.loaded);
  json.member("condition", rates.condition).member("pairs", rates.pairs);
  json.member("failed_pairs", rates.failed_pairs).member("void_pairs", rates.void_pairs);
  json.member("pair_seconds", rates.pair_seconds);
  json.member("steady_shift", rates.steady_shift).member("steady_spread", rates.steady_spread);
  json.member("total_shift", rates.total_shift).member("total_spread", rates.total_spread);
  json.member("memory_shift", rates.memory_shift);
  Outcomes const& outcomes = rates.outcomes;
  json.member("draws", outcomes.draws).member("regressions", outcomes.regressions);
  json.member("passes", outcomes.passes).member("inconclusive", outcomes.inconclusive);
  json.member("unmeasured", outcomes.unmeasured).member("in_time", outcomes.in_time);
  json.member("mean_seconds", outcomes.mean_seconds);
  json.member("mean_found_seconds", outcomes.mean_found_seconds);
  json.member("found_seconds_99", outcomes.found_seconds_99);
  proportion(json, "found", rates.found);
  if (rates.aim) {
    json.key("aim").begin_object().member("share", rates.aim->share);
    if (rates.aim->seconds != 0) json.member("seconds", rates.aim->seconds);
    if (rates.aim->mean_seconds != 0) json.member("mean_seconds", rates.aim->mean_seconds);
    json.member("reached", *rates.reached).end_object();
  }
  json.end_object();
}

}  // namespace

std::string to_terminal(CalibrationReport const& report, report::TerminalStyle style) {
  std::string text;
  for (auto const& line : heading_of(report)) paragraph(text, visible(line), style.width);
  constexpr std::size_t widths[] = {24, 6, 7, 10, 13, 8, 8};
  auto const line = [&](std::vector<std::string> const& cells) {
    std::string row;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) row += padded(cells[i], widths[i], i != 0);
    while (!row.empty() && row.back() == ' ') row.pop_back();
    text += row + '\n';
  };
  for (std::size_t i = 0; i < report.rates.size(); ++i) {
    Rates const& rates = report.rates[i];
    if (begins_group(report.rates, i)) {
      text += '\n';
      paragraph(text, visible(group_of(rates)), style.width);
      line(titles);
    }
    std::vector<std::string> row = row_of(rates);
    row.front() = "  " + visible(row.front());
    line(row);
    if (!row.back().empty()) text += "    aimed at " + row.back() + '\n';
  }
  text += '\n';
  for (auto const& each : summary_of(report)) paragraph(text, each, style.width);
  return text;
}

std::string to_markdown(CalibrationReport const& report) {
  std::string text;
  for (auto const& each : heading_of(report)) text += report::markdown_escaped(each) + "  \n";
  auto const line = [&](std::vector<std::string> const& cells) {
    text += '|';
    for (auto const& each : cells) text += ' ' + report::markdown_escaped(each) + " |";
    text += '\n';
  };
  for (std::size_t i = 0; i < report.rates.size(); ++i) {
    if (begins_group(report.rates, i)) {
      text += "\n**" + report::markdown_escaped(group_of(report.rates[i])) + "**\n\n";
      line(titles);
      text += "|---|---:|---:|---:|---:|---:|---:|---|\n";
    }
    line(row_of(report.rates[i]));
  }
  text += '\n';
  for (auto const& each : summary_of(report)) text += each + "\n";
  return text;
}

std::string to_json(CalibrationReport const& report) {
  JsonWriter json(2);
  json.begin_object();
  json.member("run", report.run.id).member("version", report.run.version);
  json.member("started", report.run.started_utc).member("command", report.run.command);
  json.object("machine", report.machine.facts);
  json.object("limits", to_limits(report.rule));
  json.member("cells", report.cells).member("confidence", report.confidence);
  if (report.clean_cell) proportion(json, "clean_cell", *report.clean_cell);
  if (report.clean_matrix) proportion(json, "clean_matrix", *report.clean_matrix);
  json.member("clean_seconds", report.clean_seconds);
  if (report.direct) {
    json.key("direct").begin_object().member("gates", report.direct->gates);
    json.member("alarms", report.direct->alarms);
    proportion(json, "rate", report.direct->share);
    json.end_object();
  }
  json.key("rates").begin_array();
  for (Rates const& each : report.rates) rates_object(json, each);
  json.end_array().end_object();
  return json.take() + "\n";
}

}  // namespace churn::gate
