#include "results/export/export.hpp"

#include <string>

#include "harness/core/error.hpp"
#include "results/export/formats.hpp"

namespace churn::exporting {

std::string_view format_names() noexcept {
  return "google-benchmark, jsonl, csv, bmf, custom-smaller-is-better, github, junit, markdown, "
         "openmetrics";
}

void write(store::Store& store, std::int64_t run_id, std::string_view format, std::ostream& out) {
  auto const write_format = format == "google-benchmark" ? write_google_benchmark
                            : format == "jsonl"          ? write_jsonl
                            : format == "csv"            ? write_csv
                                                         : nullptr;
  if (is_finding_format(format)) {
    out << render(findings_of(report::build(store, run_id)), format);
  } else if (write_format != nullptr) {
    write_format(store, store.run(run_id), out);
  } else {
    throw UserError("there is no export format '" + std::string(format) + "'; there are " +
                    std::string(format_names()));
  }
  if (!out.flush()) {
    throw UserError(
        "cannot write the export: the output is full or closed; free some space, or give "
        "another file with -o FILE");
  }
}

}  // namespace churn::exporting
