#include "results/report/text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace churn::report {
namespace {

template <class... Values>
std::string formatted(char const* format, Values... values) {
  std::array<char, 64> buffer;
  int const length = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace

bool harmless(std::uint32_t point) noexcept {
  bool const control = point < 0x20 || (point >= 0x7f && point < 0xa0);
  bool const format = (point >= 0x200b && point <= 0x200f) ||
                      (point >= 0x2028 && point <= 0x202e) ||
                      (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || point == 0x61c;
  return !control && !format;
}

CodePoint front_of(std::string_view text) noexcept {
  auto const first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  std::size_t const length = first >= 0xf0 && first < 0xf5   ? 4
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xc2 && first < 0xe0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t value = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    auto const next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    value = value << 6 | (next & 0x3f);
  }
  bool const overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
  return {value, length};
}

std::string visible(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    CodePoint const point = front_of(text);
    if (point.length == 0) {
      result += formatted("\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
      text.remove_prefix(1);
      continue;
    }
    if (harmless(point.value)) {
      result += text.substr(0, point.length);
    } else {
      result += formatted(point.value < 0x100 ? "\\x%02x" : "\\u%04x", unsigned{point.value});
    }
    text.remove_prefix(point.length);
  }
  return result;
}

std::string markdown_escaped(std::string_view text) {
  std::string result;
  for (char const letter : visible(text)) {
    if (letter == '<') {
      result += "&lt;";
    } else if (letter == '>') {
      result += "&gt;";
    } else if (letter == '&') {
      result += "&amp;";
    } else {
      if (std::string_view("\\|`*_[]~$@").find(letter) != std::string_view::npos) result += '\\';
      result += letter;
    }
  }
  return result;
}

std::string csv_escaped(std::string_view text) {
  std::string result = visible(text);
  if (!result.empty() && std::string_view("=+-@").find(result[0]) != std::string_view::npos) {
    result.insert(0, 1, '\'');
  }
  if (result.find_first_of(",\" ") == std::string::npos) return result;
  std::string quoted = "\"";
  for (char const letter : result) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

std::size_t width_of(std::string_view text) noexcept {
  std::size_t width = 0;
  for (char const letter : text) width += (static_cast<unsigned char>(letter) & 0xc0) != 0x80;
  return width;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t const space = text.find(' ');
    std::string_view const word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (lines.empty() || width_of(lines.back()) + 1 + width_of(word) > width) {
      lines.emplace_back(word);
    } else {
      lines.back() += ' ';
      lines.back() += word;
    }
  }
  return lines;
}

std::string three_digits(double value) {
  double const size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e8 || size < 1e-4) return formatted("%.2e", value);
  if (size >= 99.95) return formatted("%.0f", value);
  if (size >= 9.995) return formatted("%.1f", value);
  if (size >= 0.9995) return formatted("%.2f", value);
  int const zeros = static_cast<int>(-std::floor(std::log10(size))) - 1;
  return formatted("%.*f", zeros + 3, value);
}

std::string count_text(double count) {
  bool const whole = count == std::floor(count) && std::abs(count) < 1e8;
  return whole ? formatted("%.0f", count) : three_digits(count);
}

std::string bytes_text(double bytes) {
  if (std::abs(bytes) < 1024) return formatted("%.0f B", bytes);
  constexpr std::array names{"KiB", "MiB", "GiB", "TiB"};
  std::size_t at = 0;
  for (bytes /= 1024; std::abs(bytes) >= 1024 && at + 1 < names.size(); ++at) bytes /= 1024;
  return three_digits(bytes) + ' ' + names[at];
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

TimeUnit time_unit_for(double ns) noexcept {
  if (ns < 1e4) return {1, "ns"};
  if (ns < 1e7) return {1e3, "µs"};
  if (ns < 1e10) return {1e6, "ms"};
  return {1e9, "s"};
}

}  // namespace churn::report
