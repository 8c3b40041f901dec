// What:  when CPython's collector runs, and which generation: the counts, the thresholds, the rule
//        of a quarter, and the rows of get_stats.
// Why:   the trigger is half of what a program sees of this collector, and its rules are plain
//        arithmetic that a test can check alone.
// How:   count 0 is the objects tracked less those freed since generation 0 was last collected,
//        never below zero; count g > 0 the collections of g - 1 since the last of g. When an
//        allocation takes count 0 above its threshold, the oldest generation whose count is above
//        its own is collected; the oldest of all only if what has reached it since its last
//        collection is at least a quarter of what survived that, else a growing heap would cost
//        quadratic time.
// Cost:  an increment and a comparison for each allocation: what else is asked (whether collection
//        is enabled, whether one runs) is folded into the bound.
// Source: CPython 3.11 and 3.13, gc_collect_generations; facts as measured on both.
// Thread-safety: none.
#pragma once

#include <limits>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"

namespace churn::collectors {

class GenerationSchedule {
 public:
  static constexpr std::uint32_t none = generations;
  static constexpr std::uint32_t oldest = generations - 1;

  explicit GenerationSchedule(PerGeneration const& thresholds) noexcept : thresholds_(thresholds) {
    set_bound();
  }

  // A tracked object more; whether a collection may be due.
  CHURN_ALWAYS_INLINE bool allocated() noexcept { return ++counts_[0] > bound_; }
  CHURN_ALWAYS_INLINE void freed() noexcept {
    if (counts_[0] > 0) --counts_[0];
  }

  // The generation that is to be collected now, or none.
  std::uint32_t due() const noexcept {
    if (counts_[0] <= bound_) return none;
    for (std::uint32_t g = generations; g-- > 0;) {
      if (counts_[g] <= thresholds_[g]) continue;
      if (g == oldest && newly_long_lived_ < long_lived_ / 4) continue;
      return g;
    }
    return none;
  }

  // From here on nothing is due.
  void begin() noexcept {
    collecting_ = true;
    set_bound();
  }
  bool collecting() const noexcept { return collecting_; }
  void count_collection(std::uint32_t generation) noexcept {
    if (generation < oldest) ++counts_[generation + 1];
    for (std::uint32_t g = 0; g <= generation; ++g) counts_[g] = 0;
  }
  void count_survivors(std::uint32_t generation, std::uint64_t survivors) noexcept {
    if (generation == oldest) {
      long_lived_ = survivors;
      newly_long_lived_ = 0;
    } else if (generation + 1 == oldest) {
      newly_long_lived_ += survivors;
    }
  }
  void count_found(std::uint32_t generation, std::uint64_t found) noexcept {
    ++stats_[generation].collections;
    stats_[generation].collected += found;
  }
  void end() noexcept {
    collecting_ = false;
    set_bound();
  }

  void enable(bool on) noexcept {
    enabled_ = on;
    set_bound();
  }
  bool enabled() const noexcept { return enabled_; }
  PerGeneration const& thresholds() const noexcept { return thresholds_; }
  void set_thresholds(PerGeneration const& thresholds) noexcept {
    thresholds_ = thresholds;
    set_bound();
  }
  PerGeneration const& counts() const noexcept { return counts_; }
  void reset_counts() noexcept { counts_ = {}; }
  std::array<GenerationStats, generations> const& stats() const noexcept { return stats_; }

 private:
  void set_bound() noexcept {
    bool const automatic = enabled_ && !collecting_ && thresholds_[0] != 0;
    bound_ = automatic ? thresholds_[0] : std::numeric_limits<std::uint64_t>::max();
  }

  PerGeneration counts_{}, thresholds_;
  std::uint64_t bound_ = 0;
  // Survivors of the last full collection; what reached the oldest generation since.
  std::uint64_t long_lived_ = 0, newly_long_lived_ = 0;
  bool enabled_ = true, collecting_ = false;
  std::array<GenerationStats, generations> stats_{};
};

}  // namespace churn::collectors
