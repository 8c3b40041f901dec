#include <unordered_map>

#include "results/export/formats.hpp"
#include "results/report/json_writer.hpp"

namespace churn::exporting {
namespace {

using report::JsonWriter;

void write(JsonWriter& out, std::string_view axis, store::Named const& named) {
  out.key(axis).begin_object().member("name", named.name).object("settings", named.settings);
  out.end_object();
}

void write(JsonWriter& out, store::Cell const& cell) {
  out.member("run", cell.run_id).member("cell", store::spelled(cell.key));
  write(out, "allocator", cell.key.allocator);
  write(out, "collector", cell.key.collector);
  write(out, "workload", cell.key.workload);
  out.member("threads", cell.key.threads)
      .member("heap_limit_bytes", cell.key.heap_limit_bytes)
      .member("block", cell.block)
      .member("oversubscribed", cell.oversubscribed)
      .member("units", cell.units)
      .member("ops_per_sample", cell.ops_per_sample)
      .member("op", cell.op);
  if (cell.peak_live_bytes) out.member("peak_live_bytes", *cell.peak_live_bytes);
}

void write(JsonWriter& out, store::Invocation const& invocation) {
  out.member("round", invocation.round)
      .member("position", invocation.position)
      .member("outcome", name_of(invocation.outcome))
      .member("reason", invocation.reason)
      .member("checksum", invocation.checksum)
      .member("started_ns", invocation.started_ns)
      .member("spawn_to_setup_ns", invocation.spawn_to_setup_ns)
      .member("wall_ns", invocation.wall_ns)
      .array("sample_ns", invocation.sample_ns)
      .array("sample_cpu_ns", invocation.sample_cpu_ns)
      .pairs("rss_time_line", invocation.rss_time_line)
      .object("figures", invocation.figures)
      .key("histograms")
      .begin_object();
  for (auto const& histogram : invocation.histograms) out.pairs(histogram.name, histogram.buckets);
  // As text: a process that died may have left what is no JSON.
  out.end_object().member("record", invocation.record);
}

}  // namespace

void write_jsonl(store::Store& store, store::Run const& run, std::ostream& out) {
  std::unordered_map<std::int64_t, store::Cell> cells;
  for (auto& cell : store.cells(run.id)) cells.emplace(cell.id, std::move(cell));
  store.each_invocation(run.id, true, [&](store::Invocation const& invocation) {
    auto const cell = cells.find(invocation.cell_id);
    if (cell == cells.end()) return;  // added since, by another writer
    JsonWriter line;
    line.begin_object();
    write(line, cell->second);
    write(line, invocation);
    out << line.end_object().take() << '\n';
  });
}

}  // namespace churn::exporting
