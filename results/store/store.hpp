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

  // ---- reading ----
  std::vector<Run> runs();       // oldest first
  Run run(std::int64_t run_id);  // UserError when there is none; 0: the newest
  Machine machine(std::int64_t run_id);
  std::vector<Cell> cells(std::int64_t run_id);  // in the order they were added
  // Invocations of a run ordered by cell, then round. `with_samples` false leaves the vectors
  // empty. `visit` may read the store, but not call each_invocation again.
  void each_invocation(std::int64_t run_id, bool with_samples,
                       std::function<void(Invocation const&)> const& visit);

 private:
  struct Private;
  std::unique_ptr<Private> private_;
};

}  // namespace churn::store
