#include <cstdio>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/run/smallest_heap.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

std::string in_json(std::string const& cell, run::SmallestHeap const& found) {
  report::JsonWriter json;
  json.begin_object();
  json.member("cell", cell);
  if (found.why_not.empty()) {
    json.member("smallest_heap_bytes", found.bytes);
    json.member("too_small_bytes", found.too_small_bytes);
    json.member("trials", found.trials);
  } else {
    json.member("why_not", found.why_not);
  }
  json.end_object();
  return json.take() + "\n";
}

std::string in_words(std::string const& cell, run::SmallestHeap const& found) {
  if (!found.why_not.empty()) return cell + ": " + found.why_not + "\n";
  std::string text = cell + ": " + std::to_string(found.bytes) + " bytes (" +
                     report::bytes_text(static_cast<double>(found.bytes)) + "), in " +
                     report::counted(found.trials, "run") + " of as many";
  if (found.too_small_bytes != 0) {
    text += "; not in " + std::to_string(found.too_small_bytes);
  }
  return text + "\n";
}

}  // namespace

int minheap(MinheapOptions const& options) {
  Here const here;
  run::Wish wish;
  wish.cell = options.cell;
  run::Plan const plan = run::make_plan(wish, here.surroundings());
  store::CellKey const& key = plan.cells.front().key;
  if (key.collector.name.empty()) {
    throw UserError(key.workload.name +
                    " calls malloc and free itself; only a managed heap has a limit");
  }
  std::fprintf(stderr, "churn: about twenty short runs of %s\n", store::spelled(key).c_str());
  auto const found = run::smallest_heap_of_cell(plan, options.trials);
  if (!found) return interrupted;
  std::string const cell = report::visible(store::spelled(key));
  write_output("", options.json ? in_json(cell, *found) : in_words(cell, *found));
  return found->why_not.empty() ? fine : some_cells_failed;
}

}  // namespace churn::cli
