#include "results/report/report.hpp"

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "results/report/html/html.hpp"

namespace churn::cli {

int report(ReportOptions const& options) {
  require_format(report::format_names(), options.format);
  bool const html = options.format == "html";
  if (html) report::require_html();
  store::Store store(options.db, store::Store::Access::read);
  report::Details details;
  report::Report const findings =
      report::build(store, options.run_id, report::Options{options.baseline},
                    html ? details.visitor() : report::Visitor());
  if (html) {
    write_output(options.output, report::to_html(findings, details));
    return fine;
  }
  report::TerminalStyle style;
  if (options.output.empty()) style = style_of_stdout();
  write_output(options.output, report::render(findings, options.format, style));
  return fine;
}

}  // namespace churn::cli
