#include "harness/cli/arguments.hpp"

#include <charconv>

#include "harness/core/error.hpp"
#include "harness/core/quantity.hpp"
#include "harness/run/planning.hpp"

namespace churn::cli {

std::string quoted(std::string const& word) {
  static constexpr char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (char const each : word) text += each == '\'' ? std::string("'\\''") : std::string(1, each);
  return text + "'";
}

std::int64_t whole_number(char const* option, std::string const& text, std::int64_t least,
                          std::int64_t most) {
  auto const value = parse_quantity(text, least, most);
  if (value) return *value;
  throw UserError(std::string(option) + " " + text + " is not a whole number from " +
                  std::to_string(least) + " to " + std::to_string(most));
}

std::uint64_t any_seed(std::string const& text) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    throw UserError("--seed " + text + " is not a whole number from 0 to 18446744073709551615");
  }
  return value;
}

double duration(char const* option, std::string const& text) {
  try {
    return run::parse_duration_seconds(text);
  } catch (UserError const& error) {
    throw UserError(std::string(option) + ": " + error.what());
  }
}

std::string command_line(int count, char const* const* words) {
  std::string text = "churn";
  for (int i = 1; i < count; ++i) text += " " + quoted(words[i]);
  return text;
}

double percentage(char const* option, std::string const& text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const percent = error == std::errc() && std::string_view(end) == "%";
  if (percent && value >= 0 && value <= 1000) return value / 100;
  throw UserError(std::string(option) + " " + text + " is not a percentage, as 0.5%");
}

}  // namespace churn::cli
