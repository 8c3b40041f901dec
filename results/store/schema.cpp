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

// Gates: pairs of processes that took turns, what was looked at, and what was found. A gate is a
// run of kind 'gate'; each side of a pair is an invocation like any other.
constexpr char const* gates = R"sql(
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'run';
ALTER TABLE samples ADD COLUMN collections INTEGER;       -- since the first sample began
ALTER TABLE samples ADD COLUMN full_collections INTEGER;
CREATE TABLE turns (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,         -- its samples and the rest of background work
  PRIMARY KEY (invocation_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE gates (
  run_id INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
  baseline TEXT NOT NULL,
  candidate TEXT NOT NULL,
  verdict TEXT NOT NULL             -- empty until there is one
) STRICT;
CREATE TABLE gate_limits (
  run_id INTEGER NOT NULL REFERENCES gates(run_id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE gate_cells (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES gates(run_id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  baseline_cell_id INTEGER REFERENCES cells(id),   -- NULL: the baseline lacks it
  candidate_cell_id INTEGER NOT NULL REFERENCES cells(id),
  protocol TEXT NOT NULL,           -- how the sides took turns
  turns INTEGER NOT NULL,
  failure TEXT NOT NULL             -- why it has no verdict; empty: it may have one
) STRICT;
CREATE INDEX gate_cells_of_run ON gate_cells(run_id, id);
CREATE TABLE gate_pairs (
  id INTEGER PRIMARY KEY,
  gate_cell_id INTEGER NOT NULL REFERENCES gate_cells(id) ON DELETE CASCADE,
  stage INTEGER NOT NULL,           -- 0: canary, 1: first, 2: on fresh data
  number INTEGER NOT NULL,
  candidate_first INTEGER NOT NULL,
  baseline_invocation_id INTEGER NOT NULL REFERENCES invocations(id),
  candidate_invocation_id INTEGER NOT NULL REFERENCES invocations(id),
  UNIQUE (gate_cell_id, stage, number)
) STRICT;
CREATE TABLE gate_looks (
  gate_cell_id INTEGER NOT NULL REFERENCES gate_cells(id) ON DELETE CASCADE,
  metric TEXT NOT NULL,
  stage INTEGER NOT NULL,
  looks INTEGER NOT NULL,
  pairs INTEGER NOT NULL,
  p_alarm REAL NOT NULL,
  p_pass REAL NOT NULL,
  decision TEXT NOT NULL,
  PRIMARY KEY (gate_cell_id, metric, stage)
) STRICT, WITHOUT ROWID;
CREATE TABLE gate_verdicts (
  gate_cell_id INTEGER NOT NULL REFERENCES gate_cells(id) ON DELETE CASCADE,
  metric TEXT NOT NULL,
  verdict TEXT NOT NULL,
  pairs INTEGER NOT NULL,
  ratio REAL, low REAL, high REAL, confidence REAL,
  p REAL NOT NULL,                  -- adjusted for all cells and questions
  minimum_detectable_effect REAL,
  PRIMARY KEY (gate_cell_id, metric)
) STRICT, WITHOUT ROWID;
)sql";

// What a gate that was interrupted needs to go on with the same work; batches; explanations.
constexpr char const* gate_work = R"sql(
ALTER TABLE gate_cells ADD COLUMN units INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gate_cells ADD COLUMN samples INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gate_cells ADD COLUMN warmup_units INTEGER NOT NULL DEFAULT 0;
CREATE TABLE batches (
  invocation_id INTEGER PRIMARY KEY REFERENCES invocations(id) ON DELETE CASCADE,
  times_ns TEXT NOT NULL            -- whole numbers with spaces between: thousands a row
) STRICT;
CREATE TABLE gate_explanations (
  gate_cell_id INTEGER NOT NULL REFERENCES gate_cells(id) ON DELETE CASCADE,
  quantity TEXT NOT NULL,
  baseline REAL, candidate REAL,
  note TEXT NOT NULL,               -- why there is no number
  PRIMARY KEY (gate_cell_id, quantity)
) STRICT, WITHOUT ROWID;
)sql";

// Calibrations: what pairs of processes whose difference is known showed a gate. A calibration is a
// run of kind 'calibration'; of a pair only what the rule needs is kept.
constexpr char const* calibrations = R"sql(
CREATE TABLE calibration_cells (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  class TEXT NOT NULL,
  loaded INTEGER NOT NULL,          -- the other core was at work
  name TEXT NOT NULL,
  protocol TEXT NOT NULL,
  turns INTEGER NOT NULL,
  prepare_seconds REAL NOT NULL,
  collection_share REAL NOT NULL,   -- of the time, as a trial found it
  UNIQUE (run_id, class, loaded)
) STRICT;
CREATE TABLE calibration_pairs (
  id INTEGER PRIMARY KEY,
  cell_id INTEGER NOT NULL REFERENCES calibration_cells(id) ON DELETE CASCADE,
  condition TEXT NOT NULL,          -- what was different: '' for nothing
  gate INTEGER NOT NULL,            -- 0: to draw from; else of this gate, which was run through
  stage INTEGER NOT NULL,           -- of that gate
  candidate_first INTEGER NOT NULL,
  seconds REAL NOT NULL,
  failure TEXT NOT NULL,
  void INTEGER NOT NULL,
  single INTEGER NOT NULL,
  steady REAL NOT NULL, total REAL NOT NULL,  -- logarithms of candidate / baseline
  baseline_peak_bytes REAL, candidate_peak_bytes REAL
) STRICT;
CREATE INDEX calibration_pairs_of_cell ON calibration_pairs(cell_id, condition, gate, id);
)sql";

// A workload may say that its times compare nobody.
constexpr char const* unranked = R"sql(
ALTER TABLE cells ADD COLUMN why_unranked TEXT NOT NULL DEFAULT '';
)sql";

constexpr std::array steps{first_schema, gates, calibrations, gate_work, unranked};

}  // namespace

std::span<char const* const> schema_steps() noexcept { return steps; }

}  // namespace churn::store
