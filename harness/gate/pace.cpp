#include "harness/gate/pace.hpp"

#include <algorithm>
#include <limits>

namespace churn::gate {
namespace {

// Before how long a pair takes is believed.
constexpr std::uint32_t trusted_pairs = 3;
// But for pairs that take so much of the budget: the first of them says enough.
constexpr double trusted_share = 0.1;

}  // namespace

Pace::Pace(Rule const& rule, double budget_seconds, std::optional<double> alarm,
           Response const& response)
    : rule_(rule), budget_seconds_(budget_seconds), alarm_(alarm), response_(response) {
  for (auto const& plan : {rule.time_plan(), rule.memory_plan()}) {
    for (auto const& look : plan.looks) looks_.push_back(look.pairs);
  }
  std::sort(looks_.begin(), looks_.end());
}

bool Pace::answered(Stage const& found) const {
  if (!found.failure.empty() || hopeless(found)) return true;
  bool const at_a_look = std::binary_search(looks_.begin(), looks_.end(), found.pairs.size());
  return at_a_look && !undecided(look_at(found, rule_, alarm_, response_));
}

double Pace::needed_seconds(Stage const& found, Spent now, Spent since) const {
  constexpr double without_end = std::numeric_limits<double>::infinity();
  auto const next = std::upper_bound(looks_.begin(), looks_.end(), found.pairs.size());
  if (next == looks_.end()) return without_end;
  std::uint32_t const begun = now.pairs - since.pairs;
  bool const quick = now.seconds - since.seconds < trusted_share * budget_seconds_;
  if (begun == 0 || (begun < trusted_pairs && quick)) return -without_end;
  double const missing = static_cast<double>(*next - found.pairs.size());
  return missing * (now.seconds - since.seconds) / begun;
}

bool Pace::goes_on(Stage const& found, Spent now, Spent since) const {
  return !answered(found) && needed_seconds(found, now, since) <= budget_seconds_ - now.seconds;
}

bool Pace::may_be_shorter(Stage const& found, Spent now) const {
  return !answered(found) && found.pairs.size() < looks_.front() && now.seconds < budget_seconds_;
}

double Pace::fits(Stage const& found, Spent now, Spent since) const {
  return (budget_seconds_ - now.seconds) / needed_seconds(found, now, since);
}

}  // namespace churn::gate
