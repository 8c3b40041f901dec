#include "results/report/history.hpp"

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/names.hpp"

namespace churn::cli {

int history(HistoryOptions const& options) {
  store::CellKey const cell = run::parse_cell(options.cell);
  store::Store store(options.db, store::Store::Access::read);
  report::History const found =
      report::history(store, cell, {options.metric, options.across_machines});
  write_output(options.output, options.json ? report::to_json(found)
                                            : report::to_terminal(found, style_of_stdout()));
  return fine;
}

}  // namespace churn::cli
