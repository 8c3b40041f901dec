#include "results/report/baseline.hpp"

namespace churn::report {
namespace {

// How well a row stands for "the usual": higher is better, 0 is not at all.
int usualness(store::CellKey const& key) {
  bool const glibc = store::spelled(key.allocator) == "glibc";
  auto const collector = store::spelled(key.collector);
  if (collector.empty() || collector == "refcount") return glibc ? 4 : 1;
  // Several mutators need the atomic one.
  if (collector == "refcount-atomic") return glibc ? 3 : 1;
  return glibc ? 2 : 0;
}

bool stands_for_default(store::CellKey const& key) { return usualness(key) >= 3; }

}  // namespace

std::string back_end(store::CellKey const& key) {
  auto const allocator = store::spelled(key.allocator);
  return key.collector.name.empty() ? allocator : allocator + "/" + store::spelled(key.collector);
}

bool has_name(store::CellKey const& key, std::string_view wanted) {
  return store::spelled(key.allocator) == wanted || store::spelled(key.collector) == wanted ||
         back_end(key) == wanted;
}

std::size_t choose_baseline(Block& block, std::string_view wanted) {
  auto& rows = block.rows;
  // What ended well comes before what is more usual, and both before what was never run.
  auto const best_of = [&](auto&& eligible) {
    std::size_t best = rows.size();
    int best_score = -1;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].outcome == Outcome::not_applicable || !eligible(rows[i].key)) continue;
      int const score = usualness(rows[i].key) + (rows[i].ok() ? 10 : 0);
      if (score > best_score) best = i, best_score = score;
    }
    return best;
  };
  std::size_t chosen = rows.size();
  if (!wanted.empty()) {
    chosen = best_of([&](store::CellKey const& key) { return has_name(key, wanted); });
  }
  if (chosen == rows.size()) chosen = best_of(stands_for_default);
  if (chosen == rows.size()) {
    block.baseline_reason = "no ratios: " + (wanted.empty() ? "glibc" : std::string(wanted)) +
                            " is not among the back ends of this workload";
    return chosen;
  }
  Row& row = rows[chosen];
  if (!row.ok()) {
    block.baseline_reason = "no ratios: the baseline " + back_end(row.key) +
                            (row.measured ? " has no time" : " was not measured");
    return rows.size();
  }
  row.is_baseline = true;
  block.baseline = back_end(row.key);
  return chosen;
}

}  // namespace churn::report
