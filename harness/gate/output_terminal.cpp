#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "harness/gate/explain.hpp"
#include "harness/gate/output.hpp"
#include "results/report/text.hpp"

namespace churn::gate {
namespace {

using report::visible;

constexpr std::size_t figure_width = 9, pairs_width = 7, verdict_width = 14, least_name_width = 24;

char const* color_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "32";
    case Verdict::regression:
      return "31";
    case Verdict::inconclusive:
    case Verdict::unmeasured:
      return "33";
    case Verdict::new_cell:
      return "36";
  }
  return "";
}

std::string right(std::string const& text, std::size_t width) {
  std::size_t const columns = report::width_of(text);
  return std::string(columns < width ? width - columns : 0, ' ') + text;
}

std::string spelled(Question question) {
  switch (question) {
    case Question::steady_time:
      return "steady time";
    case Question::total_time:
      return "total time";
    case Question::peak_memory:
      return "peak memory";
    case Question::slow_mode:
      return "slow mode";
    case Question::blow_up:
      return "blow-up";
    case Question::left_bytes:
      return "memory after free";
    case Question::tail:
      return "p99 of batches";
  }
  return "";
}

// The workload without its settings, where that names one cell of this gate.
std::vector<std::string> short_names(std::vector<store::GateCell> const& cells) {
  std::vector<std::string> names;
  std::map<std::string, int> uses;
  for (store::GateCell const& each : cells) {
    std::string name;
    int depth = 0;
    for (char const letter : each.name) {
      depth += letter == '{';
      if (depth == 0) name += letter;
      depth -= letter == '}' && depth > 0;
    }
    ++uses[name];
    names.push_back(std::move(name));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (uses[names[i]] > 1) names[i] = cells[i].name;
    names[i] = visible(names[i]);
  }
  return names;
}

class Terminal {
 public:
  Terminal(Replay const& replay, report::TerminalStyle style)
      : replay_(replay), style_(style), names_(short_names(replay.cells)) {
    std::size_t const columns = 3 * figure_width + pairs_width + verdict_width;
    name_width_ = std::max(least_name_width, style.width > columns ? style.width - columns : 0);
  }

  std::string run(bool finished) {
    paragraph("baseline " + visible(replay_.gate.baseline) + ", candidate " +
              visible(replay_.gate.candidate));
    row("cell", {"steady", "total", "memory"}, "pairs", "verdict", "");
    for (std::size_t i = 0; i < names_.size(); ++i) cell_row(i);
    for (std::size_t i = 0; i < names_.size(); ++i) explain(i);
    for (std::string const& note : {layouts(), busy()}) {
      if (!note.empty()) paragraph(note);
    }
    paragraph(canaries());
    paragraph(summary(finished));
    return std::move(text_);
  }

  std::vector<std::string> reasons(std::size_t cell) const {
    JudgedCell const& judged = replay_.judgement.cells[cell];
    if (!judged.reason.empty()) return {judged.reason};
    if (judged.verdict == Verdict::inconclusive && pairs_of(judged) < first_look()) {
      return {report::counted(pairs_of(judged), "pair") +
              " in its budget, and the first look needs " + std::to_string(first_look()) +
              "; give it a larger --cell-budget"};
    }
    std::vector<std::string> all;
    for (std::size_t q = 0; q < questions.size(); ++q) {
      if (!judged.answers[q]) continue;
      std::string words = in_words(judged, q);
      if (!words.empty()) all.push_back(std::move(words));
    }
    return all;
  }

 private:
  void paragraph(std::string const& content, std::size_t indent = 0) {
    std::size_t const room = style_.width > indent + 20 ? style_.width - indent : 20;
    for (auto const& line : report::wrapped(content, room)) {
      text_ += std::string(indent, ' ') + line + '\n';
      if (indent == 0) indent = 2;
    }
  }

  void row(std::string name, std::array<std::string, 3> const& figures, std::string const& pairs,
           std::string const& verdict, char const* color) {
    if (report::width_of(name) > name_width_) {
      text_ += name + '\n';
      name.clear();
    }
    text_ += name + std::string(name_width_ - report::width_of(name), ' ');
    for (auto const& each : figures) text_ += right(each, figure_width);
    text_ += right(pairs, pairs_width) + "  ";
    text_ += style_.color && *color != '\0'
                 ? std::string("\x1b[") + color + "m" + verdict + "\x1b[0m"
                 : verdict;
    text_ += '\n';
  }

  void cell_row(std::size_t cell) {
    JudgedCell const& judged = replay_.judgement.cells[cell];
    std::array<std::string, 3> figures;
    std::uint64_t const pairs = pairs_of(judged);
    for (std::size_t q = 0; q < questions.size(); ++q) {
      if (!judged.answers[q]) continue;
      if (q < figures.size() && judged.answers[q]->ratio) {
        figures[q] = change(*judged.answers[q]->ratio);
      }
    }
    row(names_[cell], figures, pairs == 0 ? "" : std::to_string(pairs),
        std::string(name_of(judged.verdict)), color_of(judged.verdict));
  }

  static std::string shown(Shown const& share) {
    char text[64];
    std::snprintf(text, sizeof text, "%.0f %% (at least %.0f %%)", share.estimate * 100,
                  share.least * 100);
    return text;
  }

  static std::uint64_t pairs_of(JudgedCell const& cell) {
    std::uint64_t pairs = 0;
    for (auto const& each : cell.answers) pairs = std::max(pairs, each ? each->pairs : 0);
    return pairs;
  }
  std::uint64_t first_look() const { return replay_.rule.time_plan().looks.front().pairs; }

  void explain(std::size_t cell) {
    JudgedCell const& judged = replay_.judgement.cells[cell];
    if (judged.reason.empty() && judged.response.measured) {
      paragraph(names_[cell] + ": of a cost it shows " + shown(judged.response.steady) +
                " in its steady time and " + shown(judged.response.total) +
                " in the total, so what must be found is as much less");
    }
    for (auto const& each : reasons(cell)) paragraph(names_[cell] + ": " + visible(each));
    bool const no_tail = replay_.rule.tails != 0 && judged.verdict != Verdict::new_cell &&
                         !judged.answers[static_cast<std::size_t>(Question::tail)];
    if (no_tail) {
      paragraph(names_[cell] +
                ": its units are not about 1000 operations, so there is no p99 of batches");
    }
    std::string const explained = gate::in_words(replay_.explanations[cell]);
    if (!explained.empty()) paragraph("beside it: " + explained, 2);
  }

  // Why two builds are held to less.
  std::string layouts() const {
    Rule const& rule = replay_.rule;
    if (rule.layouts > 0) {
      return "programs were linked in " + std::to_string(static_cast<int>(rule.layouts)) +
             " random orders a side, and in others on fresh data";
    }
    if (rule.builds == 0) return "";
    return "each build has one layout, which alone changes times by up to some per cent: slower by "
           "up to " +
           change(1 + rule.tolerance) +
           " is tolerated; --rebuild 8 links both in "
           "random orders and is held to 0.5 %";
  }

  std::string busy() const {
    bool const any = std::any_of(replay_.cells.begin(), replay_.cells.end(),
                                 [](auto const& cell) { return cell.protocol == "threads, busy"; });
    return any ? "others kept this machine's processors busy, so the total of cells with threads "
                 "is "
                 "of CPU time: waits show in the steady time alone"
               : "";
  }

  std::string in_words(JudgedCell const& cell, std::size_t q) const {
    Judged const& judged = *cell.answers[q];
    std::string const pairs = report::counted(judged.pairs, "pair");
    if (judged.verdict == Verdict::regression && questions[q] == Question::slow_mode) {
      return "too many processes of the candidate are slower by more than " +
             change(1 + replay_.rule.mode_beyond) + "; " + pairs;
    }
    std::string text = spelled(questions[q]);
    if (judged.ratio) text += " " + change(*judged.ratio);
    if (judged.verdict == Verdict::regression) {
      return text + ", from " + change(*judged.low) + " to " + change(*judged.high) + " in " +
             pairs + "; p " + report::three_digits(judged.p) + " among " +
             report::counted(count_questions(replay_.cells.size()), "question");
    }
    if (judged.verdict != Verdict::inconclusive) return "";
    text += " is open after " + pairs;
    if (judged.minimum_detectable_effect) {
      text += "; " + change(1 + *judged.minimum_detectable_effect) + " would be found";
    }
    return text;
  }

  std::string canaries() const {
    Canaries const& found = replay_.judgement.canaries;
    if (found.pairs == 0) return "no canaries were measured";
    std::string text = "canaries: " + report::counted(found.pairs, "identical pair") + ", " +
                       change(std::exp(found.shift->estimate));
    if (found.unfit) return text + ": they drift apart, so this machine is unfit for a gate";
    return found.judged ? text : text + ", too few to judge the machine by";
  }

  std::string summary(bool finished) const {
    std::map<std::string, int> counts;
    for (JudgedCell const& each : replay_.judgement.cells) {
      ++counts[std::string(name_of(each.verdict))];
    }
    std::string text =
        finished ? std::string(name_of(replay_.judgement.verdict)) : "unfinished, so no verdict";
    char const* separator = ": ";
    for (auto const& [verdict, count] : counts) {
      text += separator + std::to_string(count) + " " + verdict;
      separator = ", ";
    }
    return text + "; seed " + std::to_string(replay_.run.seed) + ", run " +
           std::to_string(replay_.run.id);
  }

  Replay const& replay_;
  report::TerminalStyle const style_;
  std::vector<std::string> const names_;
  std::size_t name_width_ = 0;
  std::string text_;
};

}  // namespace

std::string change(double ratio) {
  char text[32];
  double const percent = (ratio - 1) * 100;
  std::snprintf(text, sizeof text, std::abs(percent) < 100 ? "%+.1f %%" : "%+.0f %%", percent);
  return text;
}

std::vector<std::string> reasons_of(Replay const& replay, std::size_t cell) {
  return Terminal(replay, {}).reasons(cell);
}

std::string to_terminal(Replay const& replay, bool finished, report::TerminalStyle style) {
  return Terminal(replay, style).run(finished);
}

}  // namespace churn::gate
