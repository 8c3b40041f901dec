#include "harness/run/order.hpp"

#include <map>
#include <utility>

#include "harness/core/random.hpp"

namespace churn::run {
namespace {

template <class Element>
void shuffle(std::vector<Element>& elements, Random& random) {
  for (std::size_t rest = elements.size(); rest > 1; --rest) {
    std::swap(elements[rest - 1], elements[random.below(rest)]);
  }
}

}  // namespace

std::vector<std::size_t> round_order(Plan const& plan, std::uint32_t round) {
  std::map<std::uint64_t, std::vector<std::size_t>> by_block;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    if (plan.cells[i].why_not.empty()) by_block[plan.cells[i].block].push_back(i);
  }
  std::vector<std::vector<std::size_t>> blocks;
  for (auto& [block, cells] : by_block) blocks.push_back(std::move(cells));
  Random random = Random::fork(plan.seed, round);
  shuffle(blocks, random);
  std::vector<std::size_t> order;
  for (auto& cells : blocks) {
    shuffle(cells, random);
    order.insert(order.end(), cells.begin(), cells.end());
  }
  return order;
}

}  // namespace churn::run
