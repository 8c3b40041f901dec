PRAGMA application_id=1667789422;
PRAGMA user_version=2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE machines (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL
) STRICT;
INSERT INTO machines VALUES(1,'f00d');
CREATE TABLE machine_facts (
  machine_id INTEGER NOT NULL REFERENCES machines(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (machine_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO machine_facts VALUES(1,'cores','2');
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
, kind TEXT NOT NULL DEFAULT 'run') STRICT;
INSERT INTO runs VALUES(1,1,'2024-02-29T12:00:00Z','churn run','0.1.0','quick',-1,3,'glibc','{}',1,'run');
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
INSERT INTO cells VALUES(1,1,'jemalloc','refcount','managed/cycle-churn',2,1048576,4,1,'ok','',10,3,100,77,'one object');
CREATE TABLE cell_settings (
  cell_id INTEGER NOT NULL REFERENCES cells(id) ON DELETE CASCADE,
  axis TEXT NOT NULL CHECK (axis IN ('allocator', 'collector', 'workload')),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (cell_id, axis, name)
) STRICT, WITHOUT ROWID;
INSERT INTO cell_settings VALUES(1,'allocator','MALLOC_CONF','narenas:1');
INSERT INTO cell_settings VALUES(1,'collector','limit','3');
INSERT INTO cell_settings VALUES(1,'workload','ring','10');
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
INSERT INTO invocations VALUES(1,1,0,5,'ok','none','c0ffee',1,2,3,'{"protocol":1}');
CREATE TABLE figures (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (invocation_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO figures VALUES(1,'blow_up',1.5);
INSERT INTO figures VALUES(1,'pause_max_ns',100.0);
CREATE TABLE samples (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  cpu_ns INTEGER, collections INTEGER, full_collections INTEGER,
  PRIMARY KEY (invocation_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO samples VALUES(1,0,10,7,NULL,NULL);
INSERT INTO samples VALUES(1,1,11,8,NULL,NULL);
INSERT INTO samples VALUES(1,2,12,9,NULL,NULL);
CREATE TABLE time_lines (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,         -- since the start line
  rss_bytes INTEGER NOT NULL,
  PRIMARY KEY (invocation_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO time_lines VALUES(1,0,0,4096);
INSERT INTO time_lines VALUES(1,1,1000,8192);
CREATE TABLE histograms (
  invocation_id INTEGER NOT NULL REFERENCES invocations(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  upper_bound INTEGER NOT NULL,     -- the largest value of the bucket
  count INTEGER NOT NULL,
  PRIMARY KEY (invocation_id, name, position)
) STRICT, WITHOUT ROWID;
INSERT INTO histograms VALUES(1,'pause_ns',0,31,2);
INSERT INTO histograms VALUES(1,'pause_ns',1,-1,1);
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
CREATE INDEX cells_of_run ON cells(run_id, id);
CREATE INDEX invocations_of_cell ON invocations(cell_id, round, id);
CREATE INDEX gate_cells_of_run ON gate_cells(run_id, id);
COMMIT;
