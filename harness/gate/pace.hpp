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

class Pace {
 public:
  // `alarm` as for look_at.
  Pace(Rule const& rule, double budget_seconds, std::optional<double> alarm,
       Response const& response = {});

  // Whether to measure another pair, after so many were begun in so many seconds.
  bool goes_on(Stage const& found, std::uint32_t begun, double spent_seconds) const;

 private:
  bool reaches_a_look(Stage const& found, std::uint32_t begun, double spent_seconds) const;

  Rule const& rule_;
  double const budget_seconds_;
  std::optional<double> const alarm_;
  Response const response_;
  std::vector<std::size_t> looks_;  // ascending
};

}  // namespace churn::gate
