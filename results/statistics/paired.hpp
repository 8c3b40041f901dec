// What:  by how much each of several back ends differs from each other: trimmed means of the
//        logarithms of their ratios within rounds, with standard errors.
// Why:   within a round both met the same state of the machine, so what drifts from round to round
//        cancels. Every pair has its own error, since back ends differ in how steady they are.
// How:   Student's t of a trimmed mean and a winsorized deviation (K. Yuen, The two-sample trimmed
//        t for unequal population variances, Biometrika 61, 1974; here for paired differences): one
//        of eight values is cut off at each end, so that a stall of the machine costs one value and
//        not the comparison. Fewer than eight rounds are not trimmed.
// Few rounds: three values may lie close together by chance, or because all of them met the same
//        mode. So below `rounds_for_intervals` a pair's spread is taken to be at least that of the
//        block's median pair, and at least 5 %: only large differences are ever proven.
// Assumes: rounds are alike and independent, differences about symmetric. tests/statistics
//        simulates where they are not.
// Cost:  pairs * rounds * log(rounds). Thread-safety: a value; const members may run concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace churn::statistics {

// One figure of one process.
struct Observation {
  std::uint32_t round = 0;
  double value = 0;  // positive
};
using Series = std::vector<Observation>;  // of one back end; rounds ascend and are unique

// Pairs with fewer common rounds than this are never told apart.
inline constexpr std::uint32_t rounds_for_pairs = 3;

// log(a / b) over the rounds that both have.
struct Difference {
  std::uint32_t n = 0;
  double center = 0, error = 0, freedom = 0;  // meaningful where n >= rounds_for_pairs
};

class Differences {
 public:
  // pre: as Series says
  explicit Differences(std::span<Series const> series);

  std::size_t size() const noexcept { return size_; }
  // pre: a != b, both below size()
  Difference of(std::size_t a, std::size_t b) const;
  // The chance of a difference as large, or larger, if log(a / b) is at most `shift`.
  double p_above(std::size_t a, std::size_t b, double shift) const;
  // Where log(a / b) is at least, but for a chance of `tail`; minus infinity without enough rounds.
  // Of a and b at a * size() + b; 0 of a back end with itself.
  std::vector<double> least(double tail) const;

 private:
  std::size_t place(std::size_t a, std::size_t b) const noexcept { return a * size_ + b; }

  std::size_t size_;
  std::vector<Difference> pairs_;  // where a < b
};

}  // namespace churn::statistics
