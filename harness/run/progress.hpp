// What:  how far a run is, on standard error: one line that is written over on a terminal, else
//        plain lines a few seconds apart. Failures get a line of their own, once a cell.
// Keeps: at most 79 columns, no colour and no escape sequences, so NO_COLOR holds without asking.
// Cost:  one write between invocations; nothing while a cell runs.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace churn::run {

inline constexpr std::size_t progress_columns = 79;  // the 80th would wrap on some terminals

// A time as a range, in seconds.
struct Eta {
  double low_s = 0, high_s = 0;
};

// What is left to run of one cell.
struct Rest {
  std::uint32_t invocations = 0;
  std::vector<std::uint64_t> walls_ns;  // of its invocations so far
};

// Where a cell has run before, its own times; else the quartiles of all; before any has run, one to
// three times `expected_s` each.
Eta remaining(std::vector<Rest> const& rests, double expected_s);

// "1m20s", "45s", "2h05m".
std::string spelled_seconds(double seconds);

// How far invocations of one cell lie apart: the median over cells of (max - min) / median of their
// total times. None until some cell has run twice.
std::optional<double> noise_between(std::vector<std::vector<double>> const& totals_by_cell);

struct Step {
  std::uint32_t done = 0, total = 0;
  std::optional<Eta> eta;
  std::optional<double> noise;  // share of the time
  std::string what;             // the cell at work
};

// One line of at most `width` columns.
std::string progress_line(Step const& step, std::size_t width);

class Progress {
 public:
  // Not owned. `is_terminal`: one line is written over.
  Progress(std::FILE* out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;
  ~Progress() { wipe(); }

  void show(Step const& step);
  void note(std::string const& line);  // stays

 private:
  void wipe();

  std::FILE* out_;
  bool is_terminal_;
  std::size_t shown_ = 0;           // columns of the line that stands
  std::uint64_t next_line_ns_ = 0;  // when not a terminal
};

}  // namespace churn::run
