// What:  who leads: the contender with the lowest median wins only if its interval (or range) lies
//        wholly below every other's; otherwise those whose interval overlaps its own share the
//        lead.
// Why:   so a reader can check the verdict by eye, and noise alone seldom makes a winner: for two
//        equal contenders with three rounds each, ranges are disjoint once in ten times; 95 %
//        intervals that do not touch are rarer still.
#pragma once

#include <span>
#include <vector>

#include "results/statistics/estimate.hpp"

namespace churn::statistics {

// Fewer processes than this say nothing about who leads.
inline constexpr std::uint32_t rounds_for_ranking = 3;

enum class Standing {
  unranked,  // failed, oversubscribed, too few rounds, or nobody to compare with
  behind,
  tied,  // shares the lead
  winner,
};

// The standing of each, in the order given. All are unranked when there are fewer than two, or when
// one has fewer than `rounds_for_ranking` processes.
std::vector<Standing> rank(std::span<Estimate const> contenders);

}  // namespace churn::statistics
