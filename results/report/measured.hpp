// What:  what the invocations of a run's cells leave behind once their samples are summed up, for
//        the parts that make a report of it: build.cpp, ranking.cpp and overall.cpp.
// Why:   samples are read once and dropped; comparisons need one figure of each process and round.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/random.hpp"
#include "results/report/report.hpp"
#include "results/statistics/bootstrap.hpp"
#include "results/statistics/paired.hpp"

namespace churn::report {

struct Measured {
  std::uint32_t invocations = 0, ok = 0;
  Outcome first_failure = Outcome::ok;
  std::string reason;
  std::vector<statistics::Process> times, peak_rss;  // rounds ascend and are unique
  std::map<std::string, std::vector<double>> figures;
};
using Measurements = std::map<std::int64_t, Measured>;  // by the cell's id

// Seeds depend on what something is called, not on its place: adding a cell changes no other's
// interval.
Random random_for(store::Run const& run, std::string_view name, std::string_view purpose);

// From the figures it is made of; none where the record has it already or lacks one of them.
std::optional<double> blow_up_of(store::Cell const& cell, store::Invocation const& invocation);

statistics::Series series_of(std::vector<statistics::Process> const& processes);

// "a, b and c"
std::string enumerated(std::vector<std::string> const& names);

// Who is in the top group and who on the front, and both in words. pre: rows have their metrics
void rank_rows(Block& block, Measurements const& measurements);
// Over the blocks that can be averaged.
std::vector<Overall> overall_of(std::vector<Block> const& blocks, Measurements const& measurements,
                                store::Run const& run);

// Sentences: what was run and how steadily, what failed, and who is ahead of whom. pre: all the
// rest of the report is there
std::vector<Statement> statements_of(Report const& report, Measurements const& measurements);

}  // namespace churn::report
