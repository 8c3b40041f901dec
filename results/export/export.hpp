// What:  a run's data for other programs.
//        google-benchmark  JSON as that library writes it; opens in its compare.py. One invocation
//                          is one repetition, a time is of one op.
//        jsonl             one line per invocation: cell, round, outcome, every raw sample, RSS
//                          time line, histograms and figures.
//        csv               one line per raw sample.
//        bmf and the rest  findings, for continuous integration: findings.hpp.
// When not: for findings to be read by people use results/report.
// Cost:  streams; memory does not grow with the number of invocations but for google-benchmark,
//        which keeps two numbers of each.
#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>

#include "results/store/store.hpp"

namespace churn::exporting {

// "google-benchmark, jsonl, csv, …"
std::string_view format_names() noexcept;

// run_id 0 is the newest run. Throws UserError for an unknown format or run, and when `out` fails.
void write(store::Store& store, std::int64_t run_id, std::string_view format, std::ostream& out);

}  // namespace churn::exporting
