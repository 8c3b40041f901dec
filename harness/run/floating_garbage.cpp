#include "harness/run/floating_garbage.hpp"

#include <algorithm>

namespace churn::run {
namespace {

// False where more is alive than is held.
bool add_figures(std::map<std::string, double>& figures, std::string const& unit,
                 std::vector<std::uint64_t> const& held, std::vector<std::uint64_t> const& alive) {
  double total = 0, most = 0;
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (held[i] < alive[i]) return false;
    auto const floating = static_cast<double>(held[i] - alive[i]);
    total += floating;
    most = std::max(most, floating);
  }
  figures["floating_garbage_mean_" + unit] = total / static_cast<double>(held.size());
  figures["floating_garbage_max_" + unit] = most;
  return true;
}

}  // namespace

std::map<std::string, double> garbage_figures(Record const& held, Record const& alive) {
  std::map<std::string, double> figures;
  bool const comparable = held.checksum == alive.checksum && !held.present_objects.empty() &&
                          held.present_objects.size() == alive.present_objects.size();
  if (!comparable) return figures;
  bool const plausible =
      add_figures(figures, "objects", held.present_objects, alive.present_objects) &&
      add_figures(figures, "bytes", held.present_bytes, alive.present_bytes);
  if (!plausible) figures.clear();
  return figures;
}

FloatingGarbage::Found FloatingGarbage::look(PlannedCell const& cell, Work const& work) {
  Found found;
  Work const watched = watched_work(work);
  Key const key{cell.block, watched.units};
  auto known = alive_.find(key);
  if (known == alive_.end()) {
    Finding alive = invoker_.presence(cell, reference_of(cell), watched);
    if (alive.interrupted) return {true, {}};
    known = alive_.emplace(key, std::move(alive)).first;
  }
  if (!known->second.ok()) return found;
  Finding const held = invoker_.presence(cell, back_end_of(cell), watched);
  found.interrupted = held.interrupted;
  if (held.ok()) found.figures = garbage_figures(held.record, known->second.record);
  return found;
}

}  // namespace churn::run
