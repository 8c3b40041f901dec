#include <algorithm>

#include "harness/try/figures.hpp"
#include "harness/try/findings.hpp"
#include "results/report/layout.hpp"
#include "results/report/terminal_text.hpp"
#include "results/report/text.hpp"

namespace churn::trial {
namespace {

using report::three_digits;
using report::visible;
using statistics::Estimate;
using statistics::Standing;

constexpr std::size_t time_line_columns = 40;

Estimate const* figure(Contender const& contender, char const* name) {
  auto const found = contender.figures.find(name);
  return found == contender.figures.end() ? nullptr : &found->second;
}

// The columns of the table of those that went well; empty ones are left out.
class Columns {
 public:
  explicit Columns(Findings const& findings) : findings_(findings) {
    titles.emplace_back("variant");
    for (Contender const& each : findings.contenders) {
      if (!each.ok()) continue;
      rows.push_back(&each);
      cells.push_back({store::spelled(each.name)});
    }
    ranked();
    add("ratio", [](Contender const& each) { return each.ratio ? ratio_text(*each.ratio) : ""; });
    add("to best", [](Contender const& each) {
      return each.to_best ? report::to_best_text(*each.to_best) : "";
    });
    if (findings.ranked_by != wall) add_time("wall", wall);
    if (findings.ranked_by != cpu) add_time("CPU", cpu);
    add_time("system", system_time);
    add("faults", [](Contender const& each) {
      Estimate const* const found = figure(each, faults);
      return found == nullptr ? "" : report::count_text(std::round(found->median));
    });
    add("peak memory", [](Contender const& each) {
      Estimate const* const found = figure(each, peak);
      return found == nullptr ? "" : report::bytes_text(found->median);
    });
  }

  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> cells;
  std::vector<Contender const*> rows;

 private:
  static std::string ratio_text(Estimate const& ratio) {
    if (ratio.low == 1 && ratio.high == 1) return "1";
    return three_digits(ratio.median) + " (" + report::interval(ratio, 1) + ")";
  }

  template <class Text>
  void add(std::string title, Text&& text) {
    std::vector<std::string> column;
    for (Contender const* const each : rows) column.push_back(text(*each));
    bool const empty = std::all_of(column.begin(), column.end(),
                                   [](std::string const& each) { return each.empty(); });
    if (empty) return;
    titles.push_back(std::move(title));
    for (std::size_t i = 0; i < rows.size(); ++i) cells[i].push_back(std::move(column[i]));
  }

  report::TimeUnit unit_for(char const* name) const {
    double least = 0;
    for (Contender const* const each : rows) {
      Estimate const* const found = figure(*each, name);
      if (found == nullptr || found->median <= 0) continue;
      if (least == 0 || found->median < least) least = found->median;
    }
    return report::time_unit_for(least);
  }

  void add_time(std::string const& title, char const* name) {
    report::TimeUnit const unit = unit_for(name);
    add(title + " " + std::string(unit.name), [&](Contender const& each) {
      Estimate const* const found = figure(each, name);
      return found == nullptr ? "" : three_digits(found->median / unit.ns);
    });
  }

  void ranked() {
    std::string const& by = findings_.ranked_by;
    bool const is_time = by == wall || by == cpu;
    report::TimeUnit const unit = is_time      ? unit_for(by.c_str())
                                  : by == peak ? report::TimeUnit{1024 * 1024, "MiB"}
                                               : report::TimeUnit{1, "figure"};
    char const* const what = by == wall   ? "wall "
                             : by == cpu  ? "CPU "
                             : by == peak ? "peak "
                                          : "own ";
    std::string const title = what + std::string(unit.name);
    auto const found = [this](Contender const& each) {
      return figure(each, findings_.ranked_by.c_str());
    };
    add(title, [&](Contender const& each) {
      return found(each) == nullptr ? "" : three_digits(found(each)->median / unit.ns);
    });
    bool const range = findings_.rounds < statistics::rounds_for_intervals;
    add(range ? "range" : "95 %", [&](Contender const& each) {
      return found(each) == nullptr ? "" : report::interval(*found(each), unit.ns);
    });
  }

  Findings const& findings_;
};

// Memory over the time of a run, each column the most of its share; all variants on one scale.
std::string drawn(Contender const& contender, std::uint64_t longest_ns, std::uint64_t most_bytes,
                  bool utf8) {
  static constexpr char const* blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr char const* letters[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  std::vector<std::uint64_t> columns(time_line_columns, 0);
  std::size_t last = 0;
  for (auto const& [at_ns, bytes] : contender.time_line) {
    std::size_t const column = static_cast<std::size_t>(
        static_cast<double>(at_ns) / static_cast<double>(longest_ns) * (time_line_columns - 1));
    columns[column] = std::max(columns[column], bytes);
    for (std::size_t i = last + 1; i < column; ++i) columns[i] = columns[last];
    last = column;
  }
  std::string text;
  for (std::size_t i = 0; i <= last; ++i) {
    auto const level = static_cast<std::size_t>(static_cast<double>(columns[i]) * 7.999 /
                                                static_cast<double>(most_bytes));
    text += utf8 ? blocks[level] : letters[level];
  }
  return text;
}

void add_time_lines(report::TerminalText& out, Columns const& columns, bool utf8) {
  std::uint64_t longest_ns = 1, most_bytes = 1;
  std::size_t width = 0;
  for (Contender const* const each : columns.rows) {
    width = std::max(width, report::width_of(visible(store::spelled(each->name))));
    for (auto const& [at_ns, bytes] : each->time_line) {
      longest_ns = std::max(longest_ns, at_ns);
      most_bytes = std::max(most_bytes, bytes);
    }
  }
  if (most_bytes == 1) return;
  width = std::min<std::size_t>(width, 30);
  auto const unit = report::time_unit_for(static_cast<double>(longest_ns));
  out.line();
  out.paragraph("", 0,
                "memory over time, up to " + report::bytes_text(static_cast<double>(most_bytes)) +
                    " and " + three_digits(static_cast<double>(longest_ns) / unit.ns) + " " +
                    std::string(unit.name));
  for (Contender const* const each : columns.rows) {
    std::string const name = visible(store::spelled(each->name));
    std::string line = "  " + report::TerminalText::padded(name, width, false) + "  ";
    if (report::width_of(name) > width) {
      out.line("  " + name);
      line.assign(width + 4, ' ');
    }
    out.line(line + drawn(*each, longest_ns, most_bytes, utf8));
  }
}

std::string explanation_of(Findings const& findings) {
  std::string text = findings.op + "; medians over " + report::counted(findings.rounds, "round");
  text += "; ratio to " + findings.baseline;
  if (findings.ranked_by == own_rate) text += ", the inverse of the own figure's";
  text += "; to best: 95 % sure of the whole column; peak memory: of all its processes";
  return text;
}

std::string proof_of(Findings const& findings) {
  double seen = 0, proved = 0;
  for (Contender const& each : findings.contenders) {
    auto const *const all = figure(each, processes), *const with = figure(each, processes_proved);
    if (all == nullptr || with == nullptr || with->median == 0) continue;
    seen += all->median;
    proved += with->median;
  }
  if (seen == 0) return "";
  return report::count_text(proved) + " of " + report::count_text(seen) +
         " processes that were seen in a round of preloaded ones had the library in their "
         "/proc/PID/maps" +
         (proved < seen ? "; the others ended too soon, or were told of" : "");
}

void add_failures(report::TerminalText& out, Findings const& findings) {
  for (Contender const& each : findings.contenders) {
    if (each.runs == 0 || each.ok()) continue;
    out.line();
    std::string_view rest = each.reason;
    std::string head(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(head.size() + 1, rest.size()));
    out.paragraph("", 0,
                  store::spelled(each.name) + ": " + std::string(name_of(each.outcome)) + ", " +
                      std::to_string(each.ok_runs) + "/" + std::to_string(each.runs) +
                      " ok: " + head + (rest.empty() ? "" : "; the last it said:"),
                  "31");
    while (!rest.empty()) {
      std::string_view const line = rest.substr(0, rest.find('\n'));
      out.line("  | " + visible(line));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
  }
}

}  // namespace

std::string to_terminal(Findings const& findings, report::TerminalStyle style) {
  report::TerminalText out(style);
  Columns const columns(findings);
  out.paragraph("command  ", 9, findings.line, "1");
  std::string const cpu_model = findings.machine.facts.contains("cpu_model")
                                    ? findings.machine.facts.at("cpu_model") + "; "
                                    : "";
  out.paragraph("run      ", 9,
                std::to_string(findings.run.id) + ", " + findings.run.started_utc + ", churn " +
                    findings.run.version + ", seed " + std::to_string(findings.run.seed));
  out.paragraph("machine  ", 9, cpu_model + "see churn doctor for what makes it noisy");
  out.line();
  out.paragraph("", 2, explanation_of(findings), "2");
  auto const standing = [&](std::size_t row) { return columns.rows[row]->standing; };
  auto const mark = [&](std::size_t row) -> std::string {
    return standing(row) == Standing::winner ? "*" : standing(row) == Standing::tied ? "=" : "";
  };
  auto const code = [&](std::size_t row) -> char const* {
    return standing(row) == Standing::winner ? "32" : standing(row) == Standing::tied ? "33" : "";
  };
  if (!columns.rows.empty()) out.table(columns.titles, columns.cells, mark, code);
  out.paragraph("", 2, findings.verdict);
  if (!findings.front.empty()) {
    out.paragraph("", 2, "front of speed and memory: " + findings.front);
  }
  if (std::string const proof = proof_of(findings); !proof.empty()) out.paragraph("", 2, proof);
  add_time_lines(out, columns, style.utf8);
  add_failures(out, findings);
  out.line();
  out.paragraph("", 0, findings.advice, "1");
  return std::move(out.text);
}

}  // namespace churn::trial
