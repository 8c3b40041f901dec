// What:  what the HTML report shows beneath a cell's figures: its processes with their samples, a
//        figure of each process, memory over time, and histograms pooled over processes.
// Why:   a Report holds what may be said; a reader who doubts it wants to see the samples.
// Use:   Details details; build(store, run, options, details.visitor());
// Cost:  8 bytes a sample and some 200 a process. Thread-safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "results/report/report.hpp"
#include "results/statistics/paired.hpp"

namespace churn::report {

struct ProcessDetail {
  std::uint32_t round = 0;
  Outcome outcome = Outcome::ok;
  std::string reason;
  std::vector<std::uint64_t> sample_ns;                                // in time order
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rss_time_line;  // ns since start line, bytes
};

struct CellDetail {
  std::uint64_t ops_per_sample = 0;
  std::vector<ProcessDetail> processes;               // by round
  std::map<std::string, statistics::Series> figures;  // of each ok process; with time_per_op_ns
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> histograms;  // bound to count
};

class Details {
 public:
  // Refers to this.
  Visitor visitor();
  // Empty where the cell has no invocation.
  CellDetail const& of(std::int64_t cell_id) const;

 private:
  std::map<std::int64_t, CellDetail> cells_;
};

}  // namespace churn::report
