#include "harness/gate/pace.hpp"

#include <algorithm>

namespace churn::gate {
namespace {

// Before how long a pair takes is believed.
constexpr std::uint32_t trusted_pairs = 3;

}  // namespace

Pace::Pace(Rule const& rule, double budget_seconds, std::optional<double> alarm,
           Response const& response)
    : rule_(rule), budget_seconds_(budget_seconds), alarm_(alarm), response_(response) {
  for (auto const& plan : {rule.time_plan(), rule.memory_plan()}) {
    for (auto const& look : plan.looks) looks_.push_back(look.pairs);
  }
  std::sort(looks_.begin(), looks_.end());
}

bool Pace::goes_on(Stage const& found, std::uint32_t begun, double spent_seconds) const {
  if (!found.failure.empty() || hopeless(found)) return false;
  bool const at_a_look = std::binary_search(looks_.begin(), looks_.end(), found.pairs.size());
  if (at_a_look && !undecided(look_at(found, rule_, alarm_, response_))) return false;
  return reaches_a_look(found, begun, spent_seconds);
}

bool Pace::reaches_a_look(Stage const& found, std::uint32_t begun, double spent_seconds) const {
  auto const next = std::upper_bound(looks_.begin(), looks_.end(), found.pairs.size());
  if (next == looks_.end()) return false;
  if (begun < trusted_pairs) return true;
  double const missing = static_cast<double>(*next - found.pairs.size());
  return missing * spent_seconds / begun <= budget_seconds_ - spent_seconds;
}

}  // namespace churn::gate
