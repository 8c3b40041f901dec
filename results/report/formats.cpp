#include "harness/core/error.hpp"
#include "results/report/report.hpp"

namespace churn::report {

std::string_view format_names() noexcept { return "terminal, markdown, html, csv, json"; }

std::string render(Report const& report, std::string_view format, TerminalStyle style) {
  if (format == "terminal") return to_terminal(report, style);
  if (format == "markdown") return to_markdown(report);
  if (format == "csv") return to_csv(report);
  if (format == "json") return to_json(report);
  throw UserError("there is no report format '" + std::string(format) + "'; there are " +
                  std::string(format_names()));
}

}  // namespace churn::report
