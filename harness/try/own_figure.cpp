#include "harness/try/own_figure.hpp"

#include <charconv>
#include <cmath>
#include <regex>

#include "harness/core/error.hpp"

namespace churn::trial {

struct OwnFigure::Private {
  std::regex expression;
  std::string line;
  std::optional<double> found;
};

OwnFigure::OwnFigure(std::string const& expression) : private_(std::make_unique<Private>()) {
  try {
    private_->expression = std::regex(expression, std::regex::ECMAScript | std::regex::optimize);
  } catch (std::regex_error const&) {
    throw UserError("--metric '" + expression +
                    "' is no regular expression; one that works is 'took ([0-9.]+) ms'");
  }
  if (private_->expression.mark_count() > 1) {
    throw UserError("--metric '" + expression +
                    "' has more than one group, and which is the number is not clear; (?:…) is "
                    "no group");
  }
}

OwnFigure::OwnFigure(OwnFigure&&) noexcept = default;
OwnFigure::~OwnFigure() = default;

void OwnFigure::take(std::string_view output) {
  std::string& line = private_->line;
  while (!output.empty()) {
    std::size_t const end = output.find_first_of("\r\n");
    std::string_view const part = output.substr(0, end);
    line += part.substr(0, longest_line_bytes - std::min(line.size(), longest_line_bytes));
    if (end == std::string_view::npos) return;
    match();
    output.remove_prefix(end + 1);
  }
}

std::optional<double> OwnFigure::found() {
  match();
  return private_->found;
}

void OwnFigure::match() {
  std::smatch groups;
  std::string const line = std::exchange(private_->line, {});
  if (line.empty() || !std::regex_search(line, groups, private_->expression)) return;
  std::string const text = groups[groups.size() > 1 ? 1 : 0].str();
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const whole = error == std::errc() && end == text.data() + text.size();
  if (whole && std::isfinite(value)) private_->found = value;
}

}  // namespace churn::trial
