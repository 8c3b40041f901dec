// What:  text for a terminal of some width: paragraphs that hang under their labels, and tables
//        that are broken into several, each with the names in front, where they are too wide.
// Why:   what a run, and what a try of a program, print looks alike.
// Keeps: whatever came from a store is made harmless (`visible`).
// Not thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "results/report/report.hpp"
#include "results/report/text.hpp"

namespace churn::report {

class TerminalText {
 public:
  explicit TerminalText(TerminalStyle style) : style_(style) {}

  std::string text;

  void line(std::string_view content = {}) {
    text += content;
    text += '\n';
  }
  // "label  words, broken at the width and hung under the first", each name harmless.
  void paragraph(std::string_view label, std::size_t indent, std::string_view content,
                 char const* code = "") {
    auto const room = style_.width > indent + 20 ? style_.width - indent : 20;
    std::string start = padded(label, indent, false);
    for (auto const& part : wrapped(visible(content), room)) {
      line(start + colored(part, code));
      start.assign(indent, ' ');
    }
  }
  std::string colored(std::string const& content, char const* code) const {
    if (!style_.color || *code == '\0' || content.empty()) return content;
    return std::string("\x1b[") + code + "m" + content + "\x1b[0m";
  }
  static std::string padded(std::string_view content, std::size_t width, bool right) {
    std::string const spaces(width > width_of(content) ? width - width_of(content) : 0, ' ');
    return right ? spaces + std::string(content) : std::string(content) + spaces;
  }

  // As many tables one under the other as the width needs, each with the names in front.
  // `mark(i)` stands before row i, `code(i)` is the colour of its name.
  void table(std::vector<std::string> const& titles,
             std::vector<std::vector<std::string>> const& cells,
             std::function<std::string(std::size_t)> const& mark,
             std::function<char const*(std::size_t)> const& code) {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < titles.size(); ++column) {
      std::size_t width = width_of(titles[column]);
      for (auto const& row : cells) {
        std::size_t const cell = width_of(visible(row[column]));
        // A name that is longer has a line of its own and does not push the figures away.
        if (column > 0 || cell <= widest_name) width = std::max(width, cell);
      }
      widths.push_back(width);
    }
    std::size_t first = 1;
    while (first < titles.size()) {
      std::size_t end = first, used = mark_width + widths[0];
      while (end < titles.size() && (end == first || used + gap + widths[end] <= style_.width)) {
        used += gap + widths[end++];
      }
      part_of_table(titles, cells, widths, first, end, mark, code);
      first = end;
    }
  }

 private:
  static constexpr std::size_t mark_width = 2, gap = 2, widest_name = 30;

  void part_of_table(std::vector<std::string> const& titles,
                     std::vector<std::vector<std::string>> const& cells,
                     std::vector<std::size_t> const& widths, std::size_t first, std::size_t end,
                     std::function<std::string(std::size_t)> const& mark,
                     std::function<char const*(std::size_t)> const& code) {
    auto const figures = [&](std::vector<std::string> const& row) {
      std::string result;
      for (std::size_t i = first; i < end; ++i) {
        result += std::string(gap, ' ') + padded(row[i], widths[i], true);
      }
      return result;
    };
    line(colored(
        std::string(mark_width, ' ') + padded(titles[0], widths[0], false) + figures(titles), "2"));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::string const name = visible(cells[i][0]);
      std::string const before = padded(mark(i), mark_width, false);
      if (width_of(name) > widths[0]) {
        line(before + colored(name, code(i)));
        line(std::string(mark_width + widths[0], ' ') + figures(cells[i]));
      } else {
        std::string const spaces(widths[0] - width_of(name), ' ');
        line(before + colored(name, code(i)) + spaces + figures(cells[i]));
      }
    }
  }

  TerminalStyle style_;
};

}  // namespace churn::report
