// What:  how many rounds of a shape make one unit: as many as come nearest to 1000 ops from below,
//        and at least one.
// Why:   the slowest batch is taken per unit, so that units of all workloads should be about as
//        long.
#pragma once

#include <cstdint>

namespace churn {

inline constexpr std::uint64_t ops_aimed_at = 1000;

// pre: ops_per_round > 0
constexpr std::uint64_t rounds_per_unit(std::uint64_t ops_per_round) noexcept {
  return ops_per_round >= ops_aimed_at ? 1 : ops_aimed_at / ops_per_round;
}

}  // namespace churn
