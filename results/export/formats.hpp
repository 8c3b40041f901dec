// What:  the formats of an export, one function each; internal to results/export.
#pragma once

#include <ostream>
#include <string>

#include "results/export/findings.hpp"
#include "results/store/store.hpp"

namespace churn::exporting {

void write_csv(store::Store& store, store::Run const& run, std::ostream& out);
void write_jsonl(store::Store& store, store::Run const& run, std::ostream& out);
void write_google_benchmark(store::Store& store, store::Run const& run, std::ostream& out);

// Bencher Metric Format: names of at most 1 024 characters, measures as slugs; a cell's time is the
// built-in measure "latency". https://bencher.dev/docs/reference/bencher-metric-format
std::string to_bmf(Findings const& findings);
// Of github-action-benchmark: a chart for each entry, so only what people watch.
std::string to_custom_smaller_is_better(Findings const& findings);
// Workflow commands; a step shows ten of a kind, so the last one sums up the rest.
std::string to_github_annotations(Findings const& findings);
// Without an answer is an error, like what crashed; the answer no is a failure; new and not
// applicable are skipped. https://github.com/testmoapp/junitxml lists what readers of it take.
std::string to_junit(Findings const& findings);
// OpenMetrics 1.0: a gauge per metric in base units, with its estimate, low and high as labels.
std::string to_openmetrics(Findings const& findings);

}  // namespace churn::exporting
