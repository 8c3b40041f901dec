#include "results/report/json_writer.hpp"
#include "results/report/report.hpp"
#include "results/report/units.hpp"

namespace churn::report {
namespace {

void write(JsonWriter& out, std::string_view name, Estimate const& estimate,
           std::string_view unit) {
  out.key(name)
      .begin_object()
      .member("median", estimate.median)
      .member("low", estimate.low)
      .member("high", estimate.high)
      .member("n", estimate.n)
      .member("unit", unit)
      .member("spread", name_of(estimate.spread))
      .end_object();
}

void write(JsonWriter& out, Report const& report, Block const& block, Row const& row) {
  out.begin_object()
      .member("run", report.run.id)
      .member("allocator", store::spelled(row.key.allocator))
      .member("collector", store::spelled(row.key.collector))
      .member("workload", row.key.workload.name)
      .object("parameters", row.key.workload.settings)
      .member("threads", row.key.threads)
      .member("heap_limit_bytes", row.key.heap_limit_bytes)
      .member("op", block.op)
      .member("outcome", outcome_of(row))
      .member("reason", row.reason)
      .member("ok_invocations", row.ok_invocations)
      .member("invocations", row.invocations)
      .member("oversubscribed", row.oversubscribed)
      .member("standing", name_of(row.standing))
      .array("warnings", row.warnings)
      .key("metrics")
      .begin_object();
  for (auto const& [name, estimate] : row.metrics) write(out, name, estimate, unit_of(name));
  out.end_object();
  if (row.ratio) {
    out.member("baseline", block.baseline);
    write(out, "ratio", *row.ratio, "ratio");
  }
  out.end_object();
}

}  // namespace

std::string to_json(Report const& report) {
  JsonWriter out(1);
  out.begin_array();
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) write(out, report, block, row);
  }
  return out.end_array().take() + '\n';
}

}  // namespace churn::report
