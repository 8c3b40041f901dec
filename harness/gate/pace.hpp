// What:  when a stage of a cell has enough pairs: after those of a look that answers all its
//        questions about cost, when the budget cannot bring another look, or when it fails.
// Why:   apart from the session, since calibration draws stored pairs by the very same rule.
// Thread-safety: pure but for what a stage holds; the rule must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/gate/judge.hpp"

namespace churn::gate {

inline constexpr std::uint64_t pairs_a_canary = 6;

// Pairs that were begun, and what they took.
struct Spent {
  std::uint32_t pairs = 0;
  double seconds = 0;
};

class Pace {
 public:
  // `alarm` as for look_at.
  Pace(Rule const& rule, double budget_seconds, std::optional<double> alarm,
       Response const& response = {});

  // Whether to measure another pair, after what was begun in all. `since`: where pairs became as
  // short as they are.
  bool goes_on(Stage const& found, Spent now, Spent since = {}) const;
  // Where it does not: whether shorter pairs could still bring a first look. A side that is many
  // times slower is found by them as well, and a busy machine's pairs take as long as it likes.
  bool may_be_shorter(Stage const& found, Spent now) const;
  // Which share of the pairs' length would just do. pre: may_be_shorter
  double fits(Stage const& found, Spent now, Spent since) const;

 private:
  bool answered(Stage const& found) const;
  // For the next look, as pairs take now.
  double needed_seconds(Stage const& found, Spent now, Spent since) const;

  Rule const& rule_;
  double const budget_seconds_;
  std::optional<double> const alarm_;
  Response const response_;
  std::vector<std::size_t> looks_;  // ascending
};

}  // namespace churn::gate
