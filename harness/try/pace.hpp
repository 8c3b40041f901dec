// What:  whether more rounds could still say something that is worth a word.
// Why:   five minutes are wasted where eight rounds have said it all, and too few where they have
//        not.
// How:   after 5, 7, 10, 14, 20, 28, 40 … rounds, and at no other moment: each variant is either
//        proven to be worse than the best by more than is worth a word, or proven not to be. Looks
//        are few, since whoever stops at the first moment that suits finds too much; what that does
//        to the error rates is in README.md.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "results/statistics/paired.hpp"

namespace churn::trial {

bool is_look(std::uint32_t rounds) noexcept;
// pre: as for statistics::Differences
bool says_it_all(std::span<statistics::Series const> series, double worth);

}  // namespace churn::trial
