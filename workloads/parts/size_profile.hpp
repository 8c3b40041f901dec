// What:  a program's allocation by size, as profiles of production programs are published: rows of
//        size in bytes, rate of allocation and number of live blocks, separated by commas.
// Why:   a profile says what a fleet allocates without any program of it; a workload draws from it.
// Format: one row a line; blanks around numbers, empty lines, lines that begin with # and one line
//        of column names at the top are skipped. Rates are relative, counts may be fractions.
// Errors: UserError with the line: no number, a size below 1 or above 2^36, a rate or count that is
//        negative or not finite, more than 100 000 rows, no rate above zero at all.
// Cost:  a page of rows in well under a millisecond. Thread-safe.
// Source: the format of the size distributions of Google's Fleetbench.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/error.hpp"

namespace churn {

struct SizeRow {
  std::size_t bytes;
  double rate, live;
};

class SizeProfileReader {
 public:
  // `name` is what messages call the text.
  SizeProfileReader(std::string_view text, std::string_view name) : left_(text), name_(name) {}

  std::vector<SizeRow> rows() {
    std::vector<SizeRow> result;
    double rates = 0;
    while (!left_.empty()) {
      std::string_view const line = next_line();
      bool const names = line_ == 1 && line.find_first_of("0123456789") != 0;
      if (line.empty() || line.front() == '#' || names) continue;
      if (result.size() == most_rows) fail("is one row more than the 100 000 that a profile has");
      result.push_back(row(line));
      rates += result.back().rate;
    }
    if (!(rates > 0) || !std::isfinite(rates)) {
      throw UserError(std::string(name_) +
                      " has no row with a rate above zero; rows are \"size, "
                      "rate, live\" as in \"64, 1200.5, 300\"");
    }
    return result;
  }

 private:
  static constexpr std::size_t most_rows = 100'000;
  static constexpr double most_bytes = 68'719'476'736.0, most_number = 1e18;

  std::string_view next_line() {
    ++line_;
    std::size_t const end = std::min(left_.find('\n'), left_.size());
    std::string_view const line = trimmed(left_.substr(0, end));
    left_.remove_prefix(std::min(end + 1, left_.size()));
    return line;
  }
  static std::string_view trimmed(std::string_view text) noexcept {
    std::size_t const begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
  }

  SizeRow row(std::string_view line) {
    double const bytes = number(line, "size");
    double const rate = number(line, "rate"), live = number(line, "live count");
    if (!line.empty()) fail("has more than size, rate and live count");
    if (bytes < 1 || bytes > most_bytes || bytes != std::floor(bytes)) {
      fail("has a size that is no whole number from 1 to 2^36");
    }
    return {static_cast<std::size_t>(bytes), rate, live};
  }
  double number(std::string_view& line, char const* what) {
    std::size_t const comma = std::min(line.find(','), line.size());
    std::string_view const text = trimmed(line.substr(0, comma));
    line.remove_prefix(std::min(comma + 1, line.size()));
    double value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) ||
        value > most_number) {
      fail("has no " + std::string(what) + " from 0 to 1e18 (\"" + std::string(text.substr(0, 40)) +
           "\")");
    }
    return value;
  }
  [[noreturn]] void fail(std::string const& what) const {
    throw UserError(std::string(name_) + ":" + std::to_string(line_) + " " + what +
                    "; a row is \"size, rate, live\" as in \"64, 1200.5, 300\"");
  }

  std::string_view left_, name_;
  std::size_t line_ = 0;
};

}  // namespace churn
