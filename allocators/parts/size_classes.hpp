// What:  sizes in classes: steps of 16 up to 128 bytes, then four steps to each power of two, up to
//        32 KiB.
// Why:   a request loses at most a fifth of its cell (a quarter of the next smaller class), and
//        forty classes are few enough for a list of each in every thread.
// Invariants: every power of two from 16 up is a class; class_of(bytes_of(c)) == c.
// Cost:  a table lookup up to 1 KiB, six instructions beyond. Pure functions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace churn::allocators {

inline constexpr std::size_t largest_cell_bytes = std::size_t{32} << 10;
inline constexpr std::size_t size_classes = 8 + 4 * 8;

namespace size_class {

// pre: 0 < size <= largest_cell_bytes
constexpr std::uint32_t compute(std::size_t size) noexcept {
  std::size_t const last = size - 1;
  if (last < 128) return static_cast<std::uint32_t>(last / 16);
  auto const octave = static_cast<std::uint32_t>(std::bit_width(last)) - 1;  // 7 or more
  return 8 + (octave - 7) * 4 + static_cast<std::uint32_t>((last >> (octave - 2)) & 3);
}

inline constexpr std::size_t tabulated_bytes = 1024;
inline constexpr auto table = [] {
  std::array<std::uint8_t, tabulated_bytes / 16 + 1> result{};
  for (std::size_t i = 1; i < result.size(); ++i) {
    result[i] = static_cast<std::uint8_t>(compute(i * 16));
  }
  return result;
}();

inline constexpr auto bytes = [] {
  std::array<std::uint32_t, size_classes> result{};
  for (std::uint32_t size = 16; size <= largest_cell_bytes; size += 16) {
    result[compute(size)] = size;
  }
  return result;
}();

}  // namespace size_class

// pre: size <= largest_cell_bytes. Size 0 gets a cell like size 1.
constexpr std::uint32_t class_of(std::size_t size) noexcept {
  if (size <= size_class::tabulated_bytes) [[likely]]
    return size_class::table[(size + 15) / 16];
  return size_class::compute(size);
}

constexpr std::uint32_t bytes_of(std::uint32_t size_class) noexcept {
  return size_class::bytes[size_class];
}

}  // namespace churn::allocators
