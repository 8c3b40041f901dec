// What:  one seat for each thread of a workload, with a random stream of its own.
// Why:   streams depend on the seed and the thread alone, in every workload alike.
// How:   a Seat is default-constructible and has `random`, or `state.random`.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"

namespace churn {

template <class Seat>
std::vector<Seat> seats_for(WorkloadContext const& context) {
  std::vector<Seat> seats(context.threads);
  for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
    Random const random = Random::fork(context.seed, thread);
    if constexpr (requires { seats[thread].state.random; }) {
      seats[thread].state.random = random;
    } else {
      seats[thread].random = random;
    }
  }
  return seats;
}

}  // namespace churn
