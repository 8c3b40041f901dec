// What:  the program's own figure: the number that a regular expression finds in its output.
// How:   line by line as the output comes, since it may be endless; the last match counts. The
//        first group is the number, without a group the whole match is.
// Syntax: ECMAScript, as std::regex has it. A line is read up to `longest_line_bytes`, which also
//        bounds how deep the matching may recurse.
// Errors: the constructor throws UserError for what is no expression, and for more than one group.
// Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace churn::trial {

inline constexpr std::size_t longest_line_bytes = 4096;

class OwnFigure {
 public:
  explicit OwnFigure(std::string const& expression);
  OwnFigure(OwnFigure&&) noexcept;
  ~OwnFigure();

  void take(std::string_view output);  // the next piece, cut anywhere
  // The last line, which may have had no end, and what was found: finite, or nothing.
  std::optional<double> found();

 private:
  struct Private;
  void match();

  std::unique_ptr<Private> private_;
};

}  // namespace churn::trial
