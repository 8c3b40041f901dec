// What:  findings for continuous integration, to where it looks for them: stdout, a file, or for
//        GitHub both, annotations to stdout and the summary to its file.
// Why:   a gate takes minutes: what is asked of its outputs is checked before it begins.
// Errors: UserError for a format that does not exist, two outputs for one stdout, a place that
//        cannot be written.
#pragma once

#include <string>
#include <vector>

#include "results/export/findings.hpp"

namespace churn::cli {

// FORMAT or FORMAT=FILE.
struct Output {
  std::string format, path;  // path empty: stdout
};
std::vector<Output> parse_outputs(std::vector<std::string> const& texts);

// `stdout_taken`: something else is printed there that no other text may be mixed with.
void require_places(std::vector<Output> const& outputs, bool stdout_taken);
// Whether one of them takes the place of what is printed for people.
bool takes_stdout(std::vector<Output> const& outputs);

void publish(exporting::Findings const& findings, Output const& output);

}  // namespace churn::cli
