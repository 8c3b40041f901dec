#include "harness/try/pace.hpp"

#include <algorithm>
#include <cmath>

#include "results/statistics/best.hpp"

namespace churn::trial {
namespace {

constexpr std::uint32_t first_look = 5;
constexpr double step = 1.4142135623730951;
// Of one look; less than what is said in the end, since there are several.
constexpr double look_alpha = 0.02;

}  // namespace

bool is_look(std::uint32_t rounds) noexcept {
  for (double look = first_look; look < rounds + 0.5; look *= step) {
    if (static_cast<std::uint32_t>(std::lround(look)) == rounds) return true;
  }
  return false;
}

bool says_it_all(std::span<statistics::Series const> series, double worth) {
  statistics::BestRule rule;
  rule.tolerance = worth;
  rule.alpha = look_alpha;
  auto const against = statistics::against_best(statistics::Differences(series), rule);
  return std::all_of(against.begin(), against.end(), [&](auto const& each) {
    return !each.in_top_group || (each.high && *each.high <= 1 + worth);
  });
}

}  // namespace churn::trial
