-- A store as version 2 of the schema wrote it: a gate of two commands. Never edited: what was written
-- then must open for ever.
PRAGMA application_id = 1667789422;
PRAGMA user_version = 2;
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
INSERT INTO runs VALUES(1,1,'2026-11-21T03:08:46Z','churn gate --baseline-command true --candidate-command true --cell-budget 0.02s --seed 7','0.1.0+36a3ee699179','',7,3,'','{"baseline":"","cells":[{"block":0,"collector_parameters":{},"environment":{},"garbage_is_known":false,"key":{"allocator":{"name":"true","settings":{}},"collector":{"name":"","settings":{}},"heap_limit_bytes":0,"threads":1,"workload":{"name":"command","settings":{}}},"library":"","op":"one run of the command","oversubscribed":false,"parameters":{},"program":"true","reclaims":true,"reference_counts_live":true,"reference_program":"","why_not":""},{"block":0,"collector_parameters":{},"environment":{},"garbage_is_known":false,"key":{"allocator":{"name":"true","settings":{}},"collector":{"name":"","settings":{}},"heap_limit_bytes":0,"threads":1,"workload":{"name":"command","settings":{}}},"library":"","op":"one run of the command","oversubscribed":false,"parameters":{},"program":"true","reclaims":true,"reference_counts_live":true,"reference_program":"","why_not":""}],"command":"churn gate --baseline-command true --candidate-command true --cell-budget 0.02s --seed 7","dirty_heap":false,"matrix":"","memory_cap_bytes":12638251008,"rounds":3,"samples":20,"seconds_per_invocation":0.6,"seed":7,"time_limit_seconds":60.0}',1,'gate');
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
INSERT INTO cells VALUES(1,1,'true','','command',1,0,0,0,'ok','',0,0,0,NULL,'one run of the command');
INSERT INTO cells VALUES(2,1,'true','','command',1,0,0,0,'ok','',0,0,0,NULL,'one run of the command');
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
INSERT INTO invocations VALUES(1,1,0,0,'ok','','',1795230526468073105,0,17070892,'{}');
INSERT INTO invocations VALUES(2,2,0,1,'ok','','',1795230526485203118,0,35352292,'{}');
INSERT INTO invocations VALUES(3,1,1,1,'ok','','',1795230526534279083,0,20072255,'{}');
INSERT INTO invocations VALUES(4,2,1,0,'ok','','',1795230526521043491,0,13172770,'{}');
INSERT INTO invocations VALUES(5,1,2,0,'ok','','',1795230526554638421,0,22545253,'{}');
INSERT INTO invocations VALUES(6,2,2,1,'ok','','',1795230526577245955,0,20718665,'{}');
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
  cpu_ns INTEGER, collections INTEGER, full_collections INTEGER,
  PRIMARY KEY (invocation_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO samples VALUES(1,0,17070892,NULL,NULL,NULL);
INSERT INTO samples VALUES(2,0,35352292,NULL,NULL,NULL);
INSERT INTO samples VALUES(3,0,20072255,NULL,NULL,NULL);
INSERT INTO samples VALUES(4,0,13172770,NULL,NULL,NULL);
INSERT INTO samples VALUES(5,0,22545253,NULL,NULL,NULL);
INSERT INTO samples VALUES(6,0,20718665,NULL,NULL,NULL);
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
INSERT INTO gates VALUES(1,'true','true','inconclusive');
CREATE TABLE gate_limits (
  run_id INTEGER NOT NULL REFERENCES gates(run_id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO gate_limits VALUES(1,'alarm',0.0010000000000000000208);
INSERT INTO gate_limits VALUES(1,'canary_alarm',0.0010000000000000000208);
INSERT INTO gate_limits VALUES(1,'confidence',0.98999999999999999111);
INSERT INTO gate_limits VALUES(1,'confirm',0.010000000000000000208);
INSERT INTO gate_limits VALUES(1,'detect',0.029999999999999998889);
INSERT INTO gate_limits VALUES(1,'family',0.010000000000000000208);
INSERT INTO gate_limits VALUES(1,'least_canaries',15.0);
INSERT INTO gate_limits VALUES(1,'memory_detect',0.050000000000000002775);
INSERT INTO gate_limits VALUES(1,'memory_tolerance',0.010000000000000000208);
INSERT INTO gate_limits VALUES(1,'miss',0.005000000000000000104);
INSERT INTO gate_limits VALUES(1,'mode_alarm',0.0005000000000000000104);
INSERT INTO gate_limits VALUES(1,'mode_beyond',0.080000000000000001665);
INSERT INTO gate_limits VALUES(1,'parked_share',0.050000000000000002775);
INSERT INTO gate_limits VALUES(1,'power',0.9000000000000000222);
INSERT INTO gate_limits VALUES(1,'tolerance',0.005000000000000000104);
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
INSERT INTO gate_cells VALUES(1,1,'command',1,2,'whole commands',1,'');
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
INSERT INTO gate_pairs VALUES(1,1,1,0,0,1,2);
INSERT INTO gate_pairs VALUES(2,1,1,1,1,3,4);
INSERT INTO gate_pairs VALUES(3,1,1,2,0,5,6);
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
INSERT INTO gate_looks VALUES(1,'slow_mode',1,0,0,1.0,1.0,'open');
INSERT INTO gate_looks VALUES(1,'total_time',1,0,0,1.0,1.0,'open');
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
INSERT INTO gate_verdicts VALUES(1,'total_time','inconclusive',3,1.0350561344236985927,0.65626756933887098188,2.070910647199923904,0.75,1.0,NULL);
CREATE INDEX cells_of_run ON cells(run_id, id);
CREATE INDEX invocations_of_cell ON invocations(cell_id, round, id);
CREATE INDEX gate_cells_of_run ON gate_cells(run_id, id);
COMMIT;
