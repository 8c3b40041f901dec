// What:  the places in a series where its distribution changes: E-divisive.
// Why:   a gate compares two versions; ten changes of half a percent pass it one by one. Over many
//        runs they show, without anybody having said when to look.
// How:   the place where what lies before differs most from what follows, by the energy distance
//        with exponent 1; what follows may end before the series does, or a passing change would
//        hide between two alike halves. Then the same in the parts, as long as the best place left
//        beats what random orders within the parts give: at least 1 - alpha of `permutations`.
// Rule:  an order is given up as soon as too many others have beaten it, which changes no decision.
// When not: for values that depend on the one before (a machine that is slow for days): random
//        orders are then no fair comparison, and more is found than is there.
// Cost:  permutations * n^2 / 2 steps of some 1.5 ns for each change found: 0.5 s for 1 000 values.
//        With ten values or fewer hardly anything can be found: too few orders to be unlikely
//        among.
// Source: D. Matteson and N. James, A nonparametric approach for multiple change point analysis of
//        multivariate data, JASA 109, 2014.
// Thread-safety: pure functions; the same seed gives the same result on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace churn::statistics {

struct ChangePointPlan {
  double alpha = 0.01;
  std::uint32_t permutations = 499;
  std::size_t least_segment = 3;  // values before, between and after changes; at least 2
  std::uint64_t seed = 0;
};

struct ChangePoint {
  std::size_t at = 0;  // index of the first value that is different
  double p = 1;        // of the step that found it
  bool operator==(ChangePoint const&) const = default;
};

// Ascending. pre: values are finite; 0 < alpha < 1; least_segment is at least 2
std::vector<ChangePoint> change_points(std::span<double const> values, ChangePointPlan const& plan);

// The first `at` values against those from `at` to `end`: where their scaled energy distance is
// greatest. at is 0 where there are fewer than 2 * least values.
struct Split {
  double statistic = 0;
  std::size_t at = 0, end = 0;
};
Split most_divergent_split(std::span<double const> values, std::size_t least);

}  // namespace churn::statistics
