#include "results/statistics/sequential.hpp"

#include <algorithm>
#include <cmath>

#include "harness/core/check.hpp"
#include "results/statistics/signed_rank.hpp"

namespace churn::statistics {
namespace {

void check(SequentialPlan const& plan) {
  CHURN_CHECK(!plan.looks.empty() && plan.alarm > 0 && plan.alarm < 1);
  CHURN_CHECK(plan.miss > 0 && plan.miss < 1 && plan.hint >= 0 && plan.hint < 1);
  double shares = 0;
  std::size_t before = 0;
  for (Look const& look : plan.looks) {
    CHURN_CHECK(look.pairs > before && look.share > 0);
    before = look.pairs;
    shares += look.share;
  }
  CHURN_CHECK(std::abs(shares - 1) < 1e-9);
}

}  // namespace

SequentialPlan standard_plan(double alarm, double miss, std::size_t most_pairs) {
  constexpr double hint = 0.05;
  if (most_pairs <= former_pairs) {
    return {{{15, 0.1}, {25, 0.15}, {40, 0.2}, {60, 0.25}, {90, 0.3}}, alarm, miss, hint};
  }
  return {{{15, 0.08}, {25, 0.1}, {40, 0.12}, {60, 0.15}, {90, 0.17}, {135, 0.18}, {200, 0.2}},
          alarm,
          miss,
          hint};
}

Course follow(SequentialPlan const& plan, std::size_t available, PairTest const& alarm,
              PairTest const& pass) {
  check(plan);
  Course course;
  for (Look const& look : plan.looks) {
    if (look.pairs > available) break;
    ++course.looks;
    course.pairs = look.pairs;
    double const p = alarm(look.pairs);
    course.p_alarm = std::min(course.p_alarm, p / look.share);
    if (course.p_alarm <= plan.alarm) {
      course.decision = Decision::alarm;
      break;
    }
    if (!pass) continue;
    course.p_pass = std::min(course.p_pass, pass(look.pairs) / look.share);
    bool const waits = p <= plan.hint && &look != &plan.looks.back();
    if (course.p_pass <= plan.miss && !waits) {
      course.decision = Decision::pass;
      break;
    }
  }
  return course;
}

Course follow(SequentialPlan const& plan, std::span<double const> differences, double tolerated,
              double must_find) {
  return follow(
      plan, differences.size(),
      [&](std::size_t pairs) { return signed_rank_above(differences.first(pairs), tolerated); },
      [&](std::size_t pairs) { return signed_rank_below(differences.first(pairs), must_find); });
}

}  // namespace churn::statistics
