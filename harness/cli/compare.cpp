#include "results/report/comparison.hpp"

#include <algorithm>

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"

namespace churn::cli {

int compare(CompareOptions const& options) {
  store::Store store(options.db, store::Store::Access::read);
  report::Comparison const found =
      report::compare(store, options.baseline, options.candidate,
                      {options.across_machines, options.minimum_effect});
  write_output(
      "", options.json ? report::to_json(found) : report::to_terminal(found, style_of_stdout()));
  bool const slower = std::any_of(found.cells.begin(), found.cells.end(), [](auto const& each) {
    return each.change == report::Change::slower;
  });
  return slower ? answer_is_no : fine;
}

}  // namespace churn::cli
