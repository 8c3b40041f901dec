#include "harness/run/smallest_heap.hpp"

#include <algorithm>
#include <set>

#include "harness/core/error.hpp"
#include "harness/core/page_source.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/invoke.hpp"
#include "harness/run/work.hpp"

namespace churn::run {
namespace {

constexpr std::uint64_t first_bytes = 16 * page_bytes;
constexpr std::uint64_t share_of_precision = 100;
constexpr std::uint32_t block_trials = 2;
constexpr double timed_seconds = 0.1, slowest_ratio = 20, least_limit_seconds = 2;
constexpr std::uint64_t samples = 5;

PlannedCell limited(PlannedCell cell, std::uint64_t bytes) {
  cell.key.heap_limit_bytes = bytes;
  return cell;
}

// Trials as processes. The first of each cell runs without a limit: it says how much work to do,
// and how long that takes.
class Trials {
 public:
  explicit Trials(Plan const& plan) : plan_(plan), invoker_(plan_, "", interrupt_) {}

  std::optional<bool> operator()(PlannedCell const& cell) {
    PlannedCell const unlimited = limited(cell, 0);
    if (measured_ != unlimited.key && !measure(unlimited)) return std::nullopt;
    Finding const found = invoker_.time(cell, work_);
    if (found.interrupted) return std::nullopt;
    if (found.ok()) return true;
    Outcome const outcome = found.record.outcome;
    if (outcome == Outcome::out_of_memory || outcome == Outcome::timed_out) return false;
    throw UserError(store::spelled(cell.key) + " ended " + std::string(name_of(outcome)) +
                    " in the search for its smallest heap: " + found.record.reason);
  }

 private:
  bool measure(PlannedCell const& unlimited) {
    plan_.time_limit_seconds = asked_limit_seconds_;
    BackEnd const back_end = back_end_of(unlimited);
    Finding found = invoker_.pilot(unlimited, back_end,
                                   static_cast<std::uint64_t>(timed_seconds / samples * 1e9));
    if (found.ok()) {
      work_ = work_for(found.record.slice_units, found.record.slice_ns, timed_seconds, samples);
      found = invoker_.time(unlimited, work_);
    }
    if (found.interrupted) return false;
    if (!found.ok()) {
      throw UserError(store::spelled(unlimited.key) +
                      " does not run even without a heap limit: " + found.record.reason);
    }
    plan_.time_limit_seconds =
        std::max(least_limit_seconds, slowest_ratio * static_cast<double>(found.wall_ns) / 1e9);
    measured_ = unlimited.key;
    return true;
  }

  Plan plan_;  // a copy: its time limit is that of the trials
  double const asked_limit_seconds_ = plan_.time_limit_seconds;
  Interrupt interrupt_;
  Invoker invoker_;
  std::optional<store::CellKey> measured_;
  Work work_;
};

}  // namespace

std::optional<SmallestHeap> smallest_heap(PlannedCell const& cell, std::uint32_t trials,
                                          std::uint64_t most_bytes, HeapTrial const& trial) {
  SmallestHeap result;
  result.trials = trials;
  std::uint64_t fails = 0, works = first_bytes;
  for (;; works *= 2) {
    auto const ran = trial(limited(cell, works));
    if (!ran) return std::nullopt;
    if (*ran) break;
    fails = works;
    if (works > most_bytes / 2) {
      result.why_not = "it does not run in " + std::to_string(works >> 20) + " MiB";
      return result;
    }
  }
  for (std::uint32_t successes = 1;;) {
    std::uint64_t const precision = std::max<std::uint64_t>(page_bytes, works / share_of_precision);
    bool const narrow = works - fails <= precision;
    if (narrow && successes >= trials) break;
    std::uint64_t const next = narrow ? works : round_up(fails + (works - fails) / 2, page_bytes);
    auto const ran = trial(limited(cell, next));
    if (!ran) return std::nullopt;
    if (*ran) {
      successes = next == works ? successes + 1 : 1;
      works = next;
    } else if (next == works) {  // it ran before: where the edge is blurred, the upper end counts
      fails = works;
      works = round_up(works + precision, page_bytes);
      successes = 0;
    } else {
      fails = next;
    }
  }
  result.bytes = works;
  result.too_small_bytes = fails;
  return result;
}

namespace {

// The cell's smallest heap if it is below `below` (0: any); 0 if not.
std::optional<std::uint64_t> search_below(PlannedCell const& cell, std::uint64_t below,
                                          std::uint64_t most_bytes, HeapTrial const& trial) {
  if (below != 0) {
    auto const ran = trial(limited(cell, below - below / share_of_precision));
    if (!ran) return std::nullopt;
    if (!*ran) return 0;
  }
  auto const found = smallest_heap(cell, block_trials, most_bytes, trial);
  if (!found) return std::nullopt;
  return below == 0 ? found->bytes : std::min(found->bytes, below);
}

}  // namespace

std::optional<std::map<std::uint64_t, std::uint64_t>> smallest_heaps(Plan const& plan,
                                                                     HeapNotice const& notice) {
  Trials trials(plan);
  HeapTrial const trial = [&](PlannedCell const& cell) { return trials(cell); };
  std::map<std::uint64_t, std::uint64_t> result;
  std::set<std::pair<std::uint64_t, store::Named>> seen;
  for (PlannedCell const& cell : plan.cells) {
    if (!cell.why_not.empty() || !cell.reclaims) continue;
    if (!seen.insert({cell.block, cell.key.collector}).second) continue;
    notice("looking for the smallest heap of " + store::spelled(cell.key));
    auto const best = result.find(cell.block);
    std::uint64_t const below = best == result.end() ? 0 : best->second;
    try {
      auto const found = search_below(cell, below, plan.memory_cap_bytes, trial);
      if (!found) return std::nullopt;
      if (*found != 0) result[cell.block] = *found;
    } catch (UserError const& error) {
      notice(error.what());  // its row will say the same
    }
  }
  return result;
}

std::optional<SmallestHeap> smallest_heap_of_cell(Plan const& plan, std::uint32_t trials) {
  Trials processes(plan);
  return smallest_heap(plan.cells.front(), trials, plan.memory_cap_bytes,
                       [&](PlannedCell const& cell) { return processes(cell); });
}

}  // namespace churn::run
