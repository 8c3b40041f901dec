// What:  the store: one SQLite file that keeps every raw sample. Foreign keys on, WAL, one
//        transaction per invocation: a kill -9 at any moment loses at most the invocation in
//        flight.
// Errors: UserError for a file that is not SQLite, is from a newer schema, cannot be written, is
//        locked by another `churn run`, or when the disk is full; what was committed before stays.
// Thread-safety: one Store per thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "results/store/records.hpp"

namespace churn::store {

class Store {
 public:
  enum class Access {
    read,    // the file must exist
    create,  // made when missing; several writers take turns per transaction
    run,     // create, and holds the file's run lock until destroyed: one `churn run` per store
  };
  Store(std::string const& path, Access access);
  Store(Store const&) = delete;
  Store& operator=(Store const&) = delete;
  ~Store();

  // ---- writing ----
  std::int64_t add_run(Run const& run, Machine const& machine);  // id is ignored and returned
  std::int64_t add_cell(Cell const& cell);
  void update_cell(Cell const& cell);  // units, samples, planned outcome, live bytes once known
  std::int64_t add_invocation(Invocation const& invocation);
  void finish_run(std::int64_t run_id);
  // Gates. A pair is one transaction with both its invocations; findings are one with the verdict.
  void add_gate(Gate const& gate);
  std::int64_t add_gate_cell(GateCell const& cell);
  void update_gate_cell(GateCell const& cell);  // protocol, turns, failure, work
  void add_gate_pair(GatePair const& pair);
  void add_gate_findings(std::int64_t run_id, std::string const& verdict,
                         std::vector<GateLook> const& looks,
                         std::vector<GateVerdict> const& verdicts);
  void add_gate_explanations(std::vector<GateExplanation> const& explanations);

  // Calibrations. A cell that the run has is updated, and its id returned; a pair is one
  // transaction.
  std::int64_t set_calibration_cell(CalibrationCell const& cell);
  void add_calibration_pair(CalibrationPair const& pair);

  // ---- reading ----
  std::vector<Run> runs();  // oldest first
  // UserError when there is none; 0: the newest that is no gate
  Run run(std::int64_t run_id);
  Machine machine(std::int64_t run_id);
  std::vector<Cell> cells(std::int64_t run_id);  // in the order they were added
  // Invocations of a run ordered by cell, then round. `with_samples` false leaves the vectors
  // empty. `visit` may read the store, but not call each_invocation again.
  void each_invocation(std::int64_t run_id, bool with_samples,
                       std::function<void(Invocation const&)> const& visit);
  // Cells of all runs and gates whose allocator, collector and workload have these names, whatever
  // their settings, threads and limit; in the order of their runs.
  std::vector<PastCell> past_cells(CellKey const& key);
  // By round. The figure is absent where none has that name.
  std::vector<PastInvocation> past_invocations(std::int64_t cell_id, std::string const& figure);
  Gate gate(std::int64_t run_id);  // UserError when that run is none; 0: the newest gate
  std::vector<GateCell> gate_cells(std::int64_t run_id);
  // With their samples; of one cell in the order of stage and number.
  void each_gate_pair(std::int64_t gate_cell_id, std::function<void(GatePair const&)> const& visit);
  std::vector<GateLook> gate_looks(std::int64_t run_id);
  std::vector<GateVerdict> gate_verdicts(std::int64_t run_id);
  std::vector<GateExplanation> gate_explanations(std::int64_t run_id);
  std::vector<CalibrationCell> calibration_cells(std::int64_t run_id);  // in the order of their ids
  std::vector<CalibrationPair> calibration_pairs(std::int64_t cell_id);  // in the order of time

 private:
  struct Private;
  std::unique_ptr<Private> private_;
};

}  // namespace churn::store
