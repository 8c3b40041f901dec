// What:  the names of the figures that a try stores with each of its runs, and which it ranks by.
// Rule:  smaller is better but for own_rate. Units last where there are any; the program's own
//        figure has a unit of its own, which churn does not know.
#pragma once

#include <string_view>

#include "results/statistics/paired.hpp"
#include "results/store/records.hpp"

namespace churn::trial {

inline constexpr char wall[] = "time_per_op_ns", cpu[] = "cpu_per_op_ns",
                      system_time[] = "system_per_op_ns", faults[] = "minor_faults",
                      major_faults[] = "major_faults", peak[] = "peak_rss_bytes",
                      own_figure[] = "own_figure", own_rate[] = "own_rate",
                      ready_after[] = "ready_after_ns", processes[] = "processes",
                      processes_proved[] = "processes_proved";

// What variants are ranked by.
enum class By {
  own,  // the program's own figure where it has one, else wall time
  wall,
  cpu,     // of all its processes; on a machine that others use it is the steadier one
  memory,  // the peak
};

inline std::string_view ranked_figure(store::Invocation const& row, By by) {
  if (by == By::cpu) return cpu;
  if (by == By::memory) return peak;
  for (std::string_view const name : {own_figure, own_rate}) {
    if (by == By::own && row.figures.contains(std::string(name))) return name;
  }
  return wall;
}

// Smaller is better; 0: there is none.
inline double rank_value(store::Invocation const& row, By by) {
  std::string_view const name = ranked_figure(row, by);
  if (name == wall) return row.sample_ns.empty() ? 0 : static_cast<double>(row.sample_ns[0]);
  auto const found = row.figures.find(std::string(name));
  double const value = found == row.figures.end() ? 0 : found->second;
  return name == own_rate && value > 0 ? 1 / value : value;
}

}  // namespace churn::trial
