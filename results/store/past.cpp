#include <algorithm>
#include <map>

#include "results/store/private.hpp"

namespace churn::store {

// The columns are those of Private::cell_of, and what a run adds.
std::vector<PastCell> Store::past_cells(CellKey const& key) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<PastCell> cells;
    std::map<std::int64_t, Machine> machines;
    std::vector<std::int64_t> machine_ids;
    {
      Rows row = store.query(
          "SELECT c.id, c.allocator, c.collector, c.workload, c.threads, c.heap_limit_bytes,"
          " c.block, c.oversubscribed, c.planned, c.planned_reason, c.units, c.samples,"
          " c.ops_per_sample, c.peak_live_bytes, c.op, c.why_unranked, c.run_id, r.started_utc, "
          "r.version, r.kind,"
          " r.machine_id FROM cells c JOIN runs r ON r.id = c.run_id"
          " WHERE c.allocator = ? AND c.collector = ? AND c.workload = ? ORDER BY c.run_id, c.id",
          key.allocator.name, key.collector.name, key.workload.name);
      while (row.next()) {
        cells.push_back({Private::cell_of(row), row.text(17), row.text(18), row.text(19), {}});
        cells.back().cell.run_id = row.integer(16);
        machine_ids.push_back(row.integer(20));
      }
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      store.read_settings(cells[i].cell);
      auto known = machines.find(machine_ids[i]);
      if (known == machines.end()) {
        known = machines.emplace(machine_ids[i], store.machine_of(machine_ids[i])).first;
      }
      cells[i].machine = known->second;
    }
    return cells;
  });
}

std::vector<PastInvocation> Store::past_invocations(std::int64_t cell_id,
                                                    std::string const& figure) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<PastInvocation> found;
    // total() is a floating-point sum: what does not fit into 64 bits is no error.
    Rows row = store.query(
        "SELECT i.round, i.outcome, i.reason,"
        " (SELECT count(*) FROM samples s WHERE s.invocation_id = i.id),"
        " (SELECT total(time_ns) FROM samples s WHERE s.invocation_id = i.id),"
        " (SELECT value FROM figures f WHERE f.invocation_id = i.id AND f.name = ?)"
        " FROM invocations i WHERE i.cell_id = ? ORDER BY i.round, i.id",
        figure, cell_id);
    while (row.next()) {
      PastInvocation one;
      one.round = row.small(0);
      parse_outcome(row.text(1), one.outcome);
      one.reason = row.text(2);
      one.samples = row.count(3);
      one.samples_ns = row.real(4);
      if (!row.null(5)) one.figure = row.real(5);
      found.push_back(std::move(one));
    }
    return found;
  });
}

}  // namespace churn::store
