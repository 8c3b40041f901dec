#include <algorithm>
#include <cmath>
#include <cstdio>

#include "results/report/history.hpp"
#include "results/report/plot.hpp"
#include "results/report/text.hpp"
#include "results/report/units.hpp"

namespace churn::report {
namespace {

constexpr std::size_t label_width = 10, plot_lines = 10, least_columns = 20;
constexpr std::size_t most_named_runs = 8;

// Figures of one unit, with as many digits as it takes to tell them apart.
class UnitOfFigures {
 public:
  explicit UnitOfFigures(History const& history) : unit_(unit_of(history.metric)) {
    double least = 0;
    for (Moment const& each : history.moments) {
      double const size = std::abs(each.figure.median);
      if (size > 0 && (least == 0 || size < least)) least = size;
    }
    time_ = time_unit_for(least);
  }

  std::string text(double value) const {
    if (unit_ == "ns") return three_digits(value / time_.ns) + " " + ascii(time_.name);
    if (unit_ == "bytes") return bytes_text(value);
    if (unit_ == "ratio") return three_digits(value);
    return count_text(value);
  }

 private:
  static std::string ascii(std::string_view name) {
    return name == "µs" ? "us" : std::string(name);
  }

  std::string_view const unit_;
  TimeUnit time_;
};

std::string change_of(double ratio) {
  if (!std::isfinite(ratio)) return "from nothing";
  std::string const text = three_digits(std::abs(ratio - 1) * 100) + " %";
  return (ratio < 1 ? "-" : "+") + text;
}

// As few digits as a share of some hundred orders has.
std::string short_text(double p) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", p);
  return text;
}

std::string runs_text(std::vector<std::int64_t> const& runs) {
  std::string text = runs.size() == 1 ? "run " : std::to_string(runs.size()) + " runs (";
  for (std::size_t i = 0; i < std::min(runs.size(), most_named_runs); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(runs[i]);
  }
  if (runs.size() > most_named_runs) text += ", ...";
  return text + (runs.size() == 1 ? "" : ")");
}

class HistoryText {
 public:
  HistoryText(History const& history, TerminalStyle style)
      : history_(history), style_(style), unit_(history) {}

  std::string run() {
    paragraph(store::spelled(history_.key));
    paragraph("  " + history_.metric + ", " + counted(history_.moments.size(), "run") + ", " +
              date(history_.moments.front()) + " to " + date(history_.moments.back()));
    for (std::size_t i = 0; i < history_.machines.size(); ++i) paragraph("  " + machine(i));
    draw();
    say_changes();
    for (LeftOut const& each : history_.left_out) {
      paragraph("left out: " + runs_text(each.runs) + ": " + each.reason);
    }
    return std::move(text_);
  }

 private:
  void paragraph(std::string const& content) {
    std::string const shown = visible(content);
    std::size_t const indent = std::min(shown.find_first_not_of(' '), shown.size());
    std::string margin(indent, ' ');
    for (auto const& line : wrapped(shown.substr(indent), style_.width - indent - 2)) {
      text_ += margin + line + '\n';
      margin = std::string(indent + 2, ' ');
    }
  }

  static std::string date(Moment const& moment) { return moment.started_utc.substr(0, 10); }

  std::string machine(std::size_t index) const {
    auto const& facts = history_.machines[index].facts;
    auto const fact = [&](char const* name) {
      auto const found = facts.find(name);
      return found == facts.end() ? std::string("?") : found->second;
    };
    std::string const mark = across() ? letter(index) + ": " : "";
    return mark + "machine " + history_.machines[index].fingerprint + ": " + fact("cores") +
           " cores, " + fact("cpu_model");
  }
  bool across() const { return history_.machines.size() > 1; }
  static std::string letter(std::size_t machine) {
    return machine < 26 ? std::string(1, static_cast<char>('A' + machine))
                        : "machine " + std::to_string(machine + 1);
  }

  void draw() {
    std::vector<double> values;
    for (Moment const& each : history_.moments) values.push_back(each.figure.median);
    std::vector<PlotLevel> levels;
    for (Level const& each : history_.levels)
      levels.push_back({each.first, each.last, each.median});
    std::size_t const room = style_.width > label_width ? style_.width - label_width - 1 : 0;
    PlotSize const size{std::max(room, least_columns), plot_lines};
    Plot const drawn = plot(values, levels, size, style_.utf8);
    for (std::size_t i = 0; i < drawn.lines.size(); ++i) {
      double const share = static_cast<double>(i) / (plot_lines - 1);
      bool const labelled = i == 0 || i + 1 == plot_lines || i == plot_lines / 2;
      label(labelled ? unit_.text(drawn.high - share * (drawn.high - drawn.low)) : "");
      text_ += drawn.lines[i] + '\n';
    }
    std::string marks(size.columns, ' ');
    for (std::size_t i = 1; i < history_.levels.size(); ++i) {
      marks[column_of(history_.levels[i].first, values.size(), size.columns)] = '^';
    }
    axis(marks);
    if (across()) axis(machine_letters(size.columns));
    std::string const first = "run " + std::to_string(history_.moments.front().run_id);
    std::string const last = std::to_string(history_.moments.back().run_id);
    std::size_t const used = first.size() + last.size();
    axis(values.size() < 2 || used > size.columns
             ? first
             : first + std::string(size.columns - used, ' ') + last);
  }

  std::string machine_letters(std::size_t columns) const {
    std::string marks(columns, ' ');
    for (std::size_t i = 0; i < history_.moments.size(); ++i) {
      marks[column_of(i, history_.moments.size(), columns)] =
          letter(history_.moments[i].machine)[0];
    }
    return marks;
  }

  void label(std::string const& text) {
    std::string const shown = text.substr(0, label_width - 1);
    text_ += std::string(label_width - 1 - shown.size(), ' ') + shown + (style_.utf8 ? "│" : "|");
  }
  void axis(std::string marks) {
    marks.erase(marks.find_last_not_of(' ') + 1);
    if (!marks.empty()) text_ += std::string(label_width, ' ') + marks + '\n';
  }

  void say_changes() {
    std::size_t const changes = history_.levels.size() - 1;
    std::string const mixed = across() ? "different machines: " : "";
    if (changes == 0) {
      paragraph(mixed + "no change point in " + counted(history_.moments.size(), "run") + ": " +
                unit_.text(history_.levels[0].median) + few());
    }
    for (std::size_t i = 1; i <= changes; ++i) {
      Level const &before = history_.levels[i - 1], &after = history_.levels[i];
      Moment const& first = history_.moments[after.first];
      paragraph(mixed + "from run " + std::to_string(first.run_id) + " on (" + date(first) + ", " +
                first.version + "): " + unit_.text(before.median) + " to " +
                unit_.text(after.median) + ", " + change_of(after.median / before.median) + ", p " +
                short_text(after.p) + (after.machine_changed ? "; the machine is another" : ""));
    }
    if (changes > 1) {
      double const first = history_.levels.front().median, last = history_.levels.back().median;
      paragraph(mixed + "in all: " + unit_.text(first) + " to " + unit_.text(last) + ", " +
                change_of(last / first));
    }
    if (history_.runs_a_point > 1) {
      paragraph("a change is placed to " + counted(history_.runs_a_point, "run") + ": so many " +
                "are one point");
    }
  }
  // Fewer than these and hardly any change is unlikely among random orders.
  std::string few() const {
    constexpr std::size_t enough = 10;
    return history_.moments.size() < enough
               ? "; with fewer than " + std::to_string(enough) + " runs hardly any can be found"
               : "";
  }

  History const& history_;
  TerminalStyle const style_;
  UnitOfFigures const unit_;
  std::string text_;
};

}  // namespace

std::string to_terminal(History const& history, TerminalStyle style) {
  return HistoryText(history, style).run();
}

}  // namespace churn::report
