#include "results/report/json_writer.hpp"
#include "results/report/report.hpp"
#include "results/report/text.hpp"
#include "results/report/units.hpp"

namespace churn::report {
namespace {

constexpr char const* header =
    "allocator,collector,workload,parameters,threads,heap_limit_bytes,outcome,reason,"
    "ok_invocations,invocations,oversubscribed,standing,metric,median,low,high,n,spread,unit\n";

std::string parameters_of(store::Named const& named) {
  std::string text;
  for (auto const& [name, value] : named.settings) {
    text += (text.empty() ? "" : ";") + name + "=" + value;
  }
  return text;
}

std::string estimate_text(std::string const& metric, Estimate const& estimate) {
  return metric + ',' + exact_text(estimate.median) + ',' + exact_text(estimate.low) + ',' +
         exact_text(estimate.high) + ',' + std::to_string(estimate.n) + ',' +
         std::string(name_of(estimate.spread)) + ',' + std::string(unit_of(metric)) + '\n';
}

// Simultaneous: for all back ends of the block together.
std::string to_best_text(Row const& row) {
  auto const& against = *row.to_best;
  return "time_to_best," + exact_text(against.ratio) + ',' + exact_text(against.low) + ',' +
         (against.high ? exact_text(*against.high) : "") + ',' +
         std::to_string(row.metrics.at("time_per_op_ns").n) + ",interval,ratio\n";
}

std::string row_text(Row const& row) {
  auto const& key = row.key;
  std::string start;
  for (auto const& text :
       {store::spelled(key.allocator), store::spelled(key.collector), key.workload.name,
        parameters_of(key.workload), std::to_string(key.threads),
        std::to_string(key.heap_limit_bytes), std::string(outcome_of(row)), row.reason,
        std::to_string(row.ok_invocations), std::to_string(row.invocations),
        std::to_string(row.oversubscribed), std::string(name_of(row.standing))}) {
    start += csv_escaped(text) + ',';
  }
  if (row.metrics.empty()) return start + ",,,,,,\n";
  std::string text;
  for (auto const& [metric, estimate] : row.metrics) {
    text += start + estimate_text(csv_escaped(metric), estimate);
  }
  if (row.ratio) text += start + estimate_text("time_ratio", *row.ratio);
  if (row.to_best) text += start + to_best_text(row);
  return text;
}

}  // namespace

std::string to_csv(Report const& report) {
  std::string text = header;
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) text += row_text(row);
  }
  return text;
}

}  // namespace churn::report
