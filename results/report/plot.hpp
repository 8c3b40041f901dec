// What:  a series as a plot of so many columns and lines of a terminal: a dot for every value, and
//        a line for each level that it keeps.
// Rule:  Braille has two by four dots a column; without UTF-8 a value is a '*' and a level '-'.
// Thread-safety: pure function.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace churn::report {

struct PlotLevel {
  std::size_t first = 0, last = 0;  // indices of values
  double value = 0;
};

struct PlotSize {
  std::size_t columns = 60, lines = 10;
};

// Lines from top to bottom, without labels; the highest value is in the first, the lowest in the
// last. pre: values is not empty, all are finite; columns and lines are at least 2
struct Plot {
  std::vector<std::string> lines;
  double high = 0, low = 0;  // what the first and the last line stand for
};
Plot plot(std::span<double const> values, std::vector<PlotLevel> const& levels, PlotSize size,
          bool utf8);
// The column of a value.
std::size_t column_of(std::size_t index, std::size_t count, std::size_t columns) noexcept;

}  // namespace churn::report
