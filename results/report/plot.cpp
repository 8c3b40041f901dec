#include "results/report/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "harness/core/check.hpp"

namespace churn::report {
namespace {

// Dots of a Braille character by column and line: the order in which U+2800 and on count them.
constexpr std::array<std::array<std::uint8_t, 4>, 2> braille{
    {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};

// U+2800 + dots, which has three bytes.
std::string braille_text(std::uint8_t dots) {
  return {static_cast<char>(0xe2), static_cast<char>(0xa0 | (dots >> 6)),
          static_cast<char>(0x80 | (dots & 0x3f))};
}

// `index` of `count` spread over `places`.
std::size_t spread(std::size_t index, std::size_t count, std::size_t places) noexcept {
  return count < 2 ? 0 : index * (places - 1) / (count - 1);
}

class Canvas {
 public:
  Canvas(PlotSize size, bool utf8)
      : size_(size), utf8_(utf8), dots_(size.columns * size.lines), level_(dots_.size()) {}

  std::size_t places_across() const { return size_.columns * 2; }
  std::size_t places_down() const { return size_.lines * 4; }

  void dot(std::size_t across, std::size_t down) {
    dots_[down / 4 * size_.columns + across / 2] |= braille[across % 2][down % 4];
  }
  void level(std::size_t first, std::size_t last, std::size_t down) {
    for (std::size_t column = first / 2; column <= last / 2; ++column) {
      level_[down / 4 * size_.columns + column] = true;
    }
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines(size_.lines);
    for (std::size_t i = 0; i < dots_.size(); ++i) lines[i / size_.columns] += text(i);
    for (auto& line : lines) line.erase(line.find_last_not_of(' ') + 1);
    return lines;
  }

 private:
  std::string text(std::size_t place) const {
    if (dots_[place] != 0) return utf8_ ? braille_text(dots_[place]) : "*";
    if (level_[place]) return utf8_ ? "─" : "-";
    return " ";
  }

  PlotSize const size_;
  bool const utf8_;
  std::vector<std::uint8_t> dots_;
  std::vector<bool> level_;
};

}  // namespace

std::size_t column_of(std::size_t index, std::size_t count, std::size_t columns) noexcept {
  return spread(index, count, columns * 2) / 2;
}

Plot plot(std::span<double const> values, std::vector<PlotLevel> const& levels, PlotSize size,
          bool utf8) {
  CHURN_CHECK(!values.empty() && size.columns >= 2 && size.lines >= 2);
  auto const [least, most] = std::minmax_element(values.begin(), values.end());
  Plot result{{}, *most, *least};
  // A series that stays where it is lies in the middle.
  if (!(result.high > result.low)) {
    double const margin = result.high == 0 ? 1 : std::abs(result.high) * 0.01;
    result.high += margin;
    result.low -= margin;
  }
  Canvas canvas(size, utf8);
  auto const down = [&](double value) {
    double const share = (result.high - value) / (result.high - result.low);
    auto const places = static_cast<double>(canvas.places_down() - 1);
    return static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * places));
  };
  auto const across = [&](std::size_t index) {
    return spread(index, values.size(), canvas.places_across());
  };
  for (auto const& each : levels)
    canvas.level(across(each.first), across(each.last), down(each.value));
  for (std::size_t i = 0; i < values.size(); ++i) canvas.dot(across(i), down(values[i]));
  result.lines = canvas.lines();
  return result;
}

}  // namespace churn::report
