#include "results/report/report.hpp"

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "results/report/html/html.hpp"

namespace churn::cli {

int report(ReportOptions const& options) {
  require_format(report::format_names(), options.format);
  bool const html = options.format == "html";
  if (html) report::require_html();
  if (!html && (options.against != 0 || options.gate != 0)) {
    throw UserError(
        "--against and --gate go with --format html; elsewhere there are `churn compare` and "
        "`churn gate --replay`");
  }
  store::Store store(options.db, store::Store::Access::read);
  report::Details details;
  report::Report const findings =
      report::build(store, options.run_id, report::Options{options.baseline},
                    html ? details.visitor() : report::Visitor());
  if (html) {
    report::Beside beside;
    if (options.against != 0) {
      beside.comparison = report::compare(store, options.against, findings.run.id, {});
    }
    if (options.gate != 0) beside.gate = report::gate_findings(store, options.gate);
    write_output(options.output, report::to_html(findings, details, beside));
    return fine;
  }
  report::TerminalStyle style;
  if (options.output.empty()) style = style_of_stdout();
  write_output(options.output, report::render(findings, options.format, style));
  return fine;
}

}  // namespace churn::cli
