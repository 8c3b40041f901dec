#include "results/report/report.hpp"

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"

namespace churn::cli {

int report(ReportOptions const& options) {
  require_format(report::format_names(), options.format);
  store::Store store(options.db, store::Store::Access::read);
  report::Report const findings =
      report::build(store, options.run_id, report::Options{options.baseline});
  report::TerminalStyle style;
  if (options.output.empty()) style = style_of_stdout();
  write_output(options.output, report::render(findings, options.format, style));
  return fine;
}

}  // namespace churn::cli
