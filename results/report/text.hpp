// What:  text for people: figures with three significant digits and their units, and names from a
//        store made harmless for the place they are printed in.
// Why:   whatever a store holds may come from elsewhere: a name may carry terminal escapes, table
//        bars or a spreadsheet formula.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace churn::report {

// The code point at the front of a text and its length in bytes; length 0: the bytes are no UTF-8.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
// pre: text is not empty
CodePoint front_of(std::string_view text) noexcept;
// Neither a control character nor a mark that joins, hides or turns text.
bool harmless(std::uint32_t point) noexcept;

// Control characters, bytes that are no UTF-8 and marks that turn the direction of writing become
// \x1b or \u202e; the rest stays. The result is one line.
std::string visible(std::string_view text);
// `visible`, and whatever Markdown or HTML would read as markup is escaped; fit for a table.
std::string markdown_escaped(std::string_view text);
// A field as RFC 4180 has it, quoted where needed; a field that a spreadsheet would take for a
// formula begins with an apostrophe.
std::string csv_escaped(std::string_view text);

// Columns on a terminal, one for each code point. pre: text is `visible`
std::size_t width_of(std::string_view text) noexcept;
// Broken at spaces so that no line is wider, unless a word is. pre: text is `visible`
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

// "0.0123", "1.23", "12.3", "123", "1234", "12346"; more than eight digits as "1.23e+09".
std::string three_digits(double value);
// Whole numbers in full: "9", "1200345"; the median of two may be "1200345.5", then as
// three_digits.
std::string count_text(double count);
// "512 B", "1.23 KiB", "45.6 MiB".
std::string bytes_text(double bytes);
// "1 thread", "3 threads". pre: `noun` takes an s
std::string counted(std::uint64_t count, std::string_view noun);

struct TimeUnit {
  double ns;  // of one
  std::string_view name;
};
// The largest unit in which a time this long is at least ten, else ns: one for a whole column.
TimeUnit time_unit_for(double ns) noexcept;

}  // namespace churn::report
