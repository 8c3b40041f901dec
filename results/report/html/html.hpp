// What:  a report as one HTML file that needs no network: sentences and tables that any browser
//        shows with scripts off, and charts drawn from data that the file carries.
// How:   figures, ratios and sentences are a Report's; the script lays them out and draws them. The
//        data are JSON in parts, deflated, so that the first view unpacks only what it shows.
// Rules: a name from the store is text wherever it stands. What is left out for the file's size
//        (samples beyond most_samples) is said where it would be.
// Errors: UserError where this churn was built without npm, which takes the script together.
// Cost:  1 000 000 samples in 5 000 cells: see results/README.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "results/report/comparison.hpp"
#include "results/report/details.hpp"
#include "results/report/report.hpp"

namespace churn::report {

inline constexpr std::size_t most_samples = 1'200'000;
inline constexpr std::size_t most_memory_readings = 300'000;

bool html_available() noexcept;
// UserError where it is not, which says what to do.
void require_html();

// A gate as the store has it.
struct GateFindings {
  store::Gate gate;
  std::vector<store::GateCell> cells;
  std::vector<store::GateVerdict> verdicts;
};
// UserError when that run is no gate.
GateFindings gate_findings(store::Store& store, std::int64_t run_id);

// What else the page may show: an earlier run beside this one, and a gate.
struct Beside {
  std::optional<Comparison> comparison;
  std::optional<GateFindings> gate;
};

std::string to_html(Report const& report, Details const& details, Beside const& beside = {});

}  // namespace churn::report
