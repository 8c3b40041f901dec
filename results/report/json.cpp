#include "results/report/baseline.hpp"
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

// What the groups of workloads say of a back end stands with each of its cells: the whole is an
// array of cells and has no other place.
void write_overall(JsonWriter& out, Report const& report, std::string const& name) {
  out.key("overall").begin_array();
  for (Overall const& group : report.overall) {
    for (OverallRow const& row : group.rows) {
      if (row.name != name) continue;
      out.begin_object().member("group", group.title).member("baseline", group.baseline);
      out.member("workloads", group.workloads).member("variations", group.blocks);
      if (row.time) write(out, "time_ratio", *row.time, "ratio");
      if (row.peak_rss) write(out, "peak_rss_ratio", *row.peak_rss, "ratio");
      out.member("leads", row.wins).member("shares", row.ties).member("outside", row.losses);
      out.member("on_front", row.on_front).end_object();
    }
  }
  out.end_array();
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
  if (row.to_best) {
    out.key("to_best")
        .begin_object()
        .member("ratio", row.to_best->ratio)
        .member("low", row.to_best->low);
    if (row.to_best->high) out.member("high", *row.to_best->high);
    out.member("p", row.to_best->p).end_object();
  }
  if (row.on_front) out.member("on_front", *row.on_front);
  if (!row.dominated_by.empty()) out.member("dominated_by", row.dominated_by);
  if (!block.why_unranked.empty()) out.member("why_unranked", block.why_unranked);
  if (row.ok()) write_overall(out, report, back_end(row.key));
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
