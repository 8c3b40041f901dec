#include "results/store/schema.hpp"

#include <array>

namespace churn::store {
namespace {

// Integers are 64 bits and signed in SQLite: seeds and histogram bounds above 2^63 show as negative
// numbers there, and come back as they were.
constexpr char const* first_schema = R"sql(
CREATE TABLE machines (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL
) STRICT;
CREATE TABLE machine_facts (
  machine_id INTEGER NOT NULL REFERENCES machines(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (machine_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines(id),
  started_utc TEXT NOT NULL,
  command TEXT NOT NULL,
  version TEXT NOT NULL,
  matrix TEXT NOT NULL,
  seed INTEGER NOT NULL,
  rounds INTEGER NOT NULL,
  baseline TEXT NOT NULL,
  plan TEXT NOT NULL,
  finished INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE cells (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  allocator TEXT NOT NULL,
  collector TEXT NOT NULL,          -- empty: the workload calls malloc and free itself
  workload TEXT NOT NULL,
  threads INTEGER NOT NULL,
  heap_limit_bytes INTEGER NOT NULL,  -- 0: none
  block INTEGER NOT NULL,
  oversubscribed INTEGER NOT NULL,
  planned TEXT NOT NULL,            -- ok, or not-applicable and never run
  planned_reason TEXT NOT NULL,
  units INTEGER NOT NULL,           -- per thread, all samples together
  samples INTEGER NOT NULL,
  ops_per_sample INTEGER NOT NULL,  -- of all threads together
  peak_live_bytes INTEGER,
  op TEXT NOT NULL
) STRICT;
CREATE INDEX cells_of_run ON cells(run_id, id);
CREATE TABLE cell_settings (
  cell_id INTEGER NOT NULL REFERENCES cells(id) ON DELETE CASCADE,
  axis TEXT NOT NULL CHECK (axis IN ('allocator', 'collector', 'workload')),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (cell_id, axis, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE invocations (
  id INTEGER PRIMARY KEY,
  cell_id INTEGER NOT NULL REFERENCES cells(id) ON DELETE CASCADE,
  round INTEGER NOT NULL,
  position INTEGER NOT NULL,        -- within the round's random order
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  checksum TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  spawn_to_setup_ns INTEGER NOT NULL,
  wall_ns INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX invocations_of_cell ON invocations(cell_id, round, id);
CREATE TABLE figures (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (invocation_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE samples (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  cpu_ns INTEGER,
  PRIMARY KEY (invocation_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE time_lines (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,         -- since the start line
  rss_bytes INTEGER NOT NULL,
  PRIMARY KEY (invocation_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE histograms (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  upper_bound INTEGER NOT NULL,     -- the largest value of the bucket
  count INTEGER NOT NULL,
  PRIMARY KEY (invocation_id, name, position)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array steps{first_schema};

}  // namespace

std::span<char const* const> schema_steps() noexcept { return steps; }

}  // namespace churn::store
