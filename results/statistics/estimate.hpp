// What:  a figure over several processes: its median and how far it may lie from the truth.
// Why:   the spread between processes, not within one, is what a repeated run would see; so `n`
//        counts processes, never samples.
// Invariant: low <= median <= high, n > 0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace churn::statistics {

// With fewer processes than this a 95 % interval of a median does not exist: the range is shown.
inline constexpr std::size_t rounds_for_intervals = 5;

enum class Spread {
  range,     // the smallest and the largest value
  interval,  // 95 % bootstrap interval of the median
};

struct Estimate {
  double median = 0, low = 0, high = 0;
  std::uint32_t n = 0;
  Spread spread = Spread::range;
};

}  // namespace churn::statistics
