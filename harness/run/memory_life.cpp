#include "harness/run/memory_life.hpp"

namespace churn::run {

MemoryLife memory_life(Invoker& invoker, PlannedCell const& cell, Work const& work) {
  constexpr std::uint32_t one_percent = 100;
  MemoryLife result;
  for (std::uint32_t const keep_one_of : {0u, one_percent}) {
    Finding const found = invoker.life(cell, watched_work(work), keep_one_of);
    result.interrupted = found.interrupted;
    if (found.interrupted || !found.ok()) return result;
    result.figures.insert(found.record.figures.begin(), found.record.figures.end());
  }
  return result;
}

}  // namespace churn::run
