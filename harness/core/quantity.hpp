// What:  whole numbers as people write them: "250", "10k", "4M", "1G", "2T" (powers of 1000),
//        "4Ki", "64Mi", "1Gi", "2Ti" (powers of 1024); a sign in front is allowed.
// Why:   one spelling for parameters on the command line, in matrix files and in the settings of a
//        malloc library, which reads them before main: nothing here allocates or throws.
// When not: fractions ("1.5G"), exponents and units of time are refused rather than guessed at.
// Cost:  one pass over the text. Thread-safe.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace churn {

// The factor that a suffix stands for; empty where it is none of the above.
constexpr std::optional<std::int64_t> quantity_factor(std::string_view suffix) noexcept {
  if (suffix.empty()) return 1;
  std::int64_t step = 1000;
  if (suffix.size() == 2 && suffix[1] == 'i') {
    step = 1024;
    suffix.remove_suffix(1);
  }
  if (suffix.size() != 1) return std::nullopt;
  int power = 0;
  switch (suffix[0]) {
    case 'K':
      power = step == 1024 ? 1 : 0;
      break;
    case 'k':
      power = step == 1000 ? 1 : 0;
      break;
    case 'M':
      power = 2;
      break;
    case 'G':
      power = 3;
      break;
    case 'T':
      power = 4;
      break;
    default:
      break;
  }
  if (power == 0) return std::nullopt;
  std::int64_t factor = 1;
  for (int i = 0; i < power; ++i) factor *= step;
  return factor;
}

// Empty where the text is no such number or does not fit into 64 bits.
inline std::optional<std::int64_t> parse_quantity(std::string_view text) noexcept {
  std::int64_t number = 0;
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  char const* const end = text.data() + text.size();
  auto const [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  auto const factor = quantity_factor({rest, static_cast<std::size_t>(end - rest)});
  std::int64_t product = 0;
  if (!factor || __builtin_mul_overflow(number, *factor, &product)) return std::nullopt;
  return product;
}

// The same, and empty outside [minimum, maximum].
inline std::optional<std::int64_t> parse_quantity(std::string_view text, std::int64_t minimum,
                                                  std::int64_t maximum) noexcept {
  auto const number = parse_quantity(text);
  if (!number || *number < minimum || *number > maximum) return std::nullopt;
  return number;
}

}  // namespace churn
