#include "results/statistics/ranking.hpp"

#include <algorithm>

namespace churn::statistics {

std::vector<Standing> rank(std::span<Estimate const> contenders) {
  std::vector<Standing> standings(contenders.size(), Standing::unranked);
  bool const too_few = std::any_of(contenders.begin(), contenders.end(), [](Estimate const& each) {
    return each.n < rounds_for_ranking;
  });
  if (contenders.size() < 2 || too_few) return standings;
  auto const leader =
      std::min_element(contenders.begin(), contenders.end(),
                       [](Estimate const& a, Estimate const& b) { return a.median < b.median; });
  // Whose interval reaches down to the leader's upper end cannot be told from it.
  bool alone = true;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    bool const reaches = contenders[i].low <= leader->high;
    standings[i] = reaches ? Standing::tied : Standing::behind;
    if (reaches && &contenders[i] != &*leader) alone = false;
  }
  if (alone) standings[static_cast<std::size_t>(leader - contenders.begin())] = Standing::winner;
  return standings;
}

}  // namespace churn::statistics
