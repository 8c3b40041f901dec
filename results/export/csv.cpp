#include <map>
#include <string>

#include "results/export/formats.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

using report::csv_escaped;

constexpr char const* header =
    "run,allocator,collector,workload,threads,heap_limit_bytes,round,outcome,reason,ops_per_sample,"
    "sample,time_ns,cpu_ns\n";

std::string cell_text(store::Run const& run, store::CellKey const& key) {
  return std::to_string(run.id) + ',' + csv_escaped(store::spelled(key.allocator)) + ',' +
         csv_escaped(store::spelled(key.collector)) + ',' +
         csv_escaped(store::spelled(key.workload)) + ',' + std::to_string(key.threads) + ',' +
         std::to_string(key.heap_limit_bytes) + ',';
}

}  // namespace

void write_csv(store::Store& store, store::Run const& run, std::ostream& out) {
  struct Known {
    std::string text;
    std::uint64_t ops_per_sample;
  };
  std::map<std::int64_t, Known> cells;
  for (auto const& cell : store.cells(run.id)) {
    cells[cell.id] = {cell_text(run, cell.key), cell.ops_per_sample};
  }
  out << header;
  store.each_invocation(run.id, true, [&](store::Invocation const& invocation) {
    auto const& cell = cells[invocation.cell_id];
    std::string const start = cell.text + std::to_string(invocation.round) + ',' +
                              std::string(name_of(invocation.outcome)) + ',' +
                              csv_escaped(invocation.reason) + ',' +
                              std::to_string(cell.ops_per_sample) + ',';
    auto const& times = invocation.sample_ns;
    // What failed has a line too, without a time.
    if (times.empty()) out << start << ",,\n";
    for (std::size_t i = 0; i < times.size(); ++i) {
      out << start << i << ',' << times[i] << ',';
      if (i < invocation.sample_cpu_ns.size()) out << invocation.sample_cpu_ns[i];
      out << '\n';
    }
  });
}

}  // namespace churn::exporting
