#include "results/export/export.hpp"

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/publish.hpp"

namespace churn::cli {

int export_run(ExportOptions const& options) {
  require_format(exporting::format_names(), options.format);
  store::Store store(options.db, store::Store::Access::read);
  if (exporting::is_finding_format(options.format)) {
    publish(exporting::findings_of(report::build(store, options.run_id)),
            {options.format, options.output});
    return fine;
  }
  write_output(options.output, [&](std::ostream& out) {
    exporting::write(store, options.run_id, options.format, out);
  });
  return fine;
}

}  // namespace churn::cli
