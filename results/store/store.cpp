#include "results/store/store.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "harness/core/error.hpp"
#include "results/store/private.hpp"

namespace churn::store {

Store::Store(std::string const& path, Access access) : private_(std::make_unique<Private>()) {
  private_->path = path;
  check_place(path, access);
  if (access == Access::run) private_->lock.emplace(path);
  private_->guarded([&] { private_->connection.emplace(open_store(path, access)); });
}

Store::~Store() = default;

// ---- writing ----

Machine Store::Private::machine_of(std::int64_t machine_id) {
  Machine machine;
  Rows head = query("SELECT fingerprint FROM machines WHERE id = ?", machine_id);
  if (head.next()) machine.fingerprint = head.text(0);
  Rows facts = query("SELECT name, value FROM machine_facts WHERE machine_id = ?", machine_id);
  while (facts.next()) {
    machine.facts[facts.text(0)] = facts.text(1);
  }
  return machine;
}

// Runs on a machine whose facts are all the same share one row.
std::int64_t Store::Private::machine_row(Machine const& machine) {
  std::vector<std::int64_t> known;
  Rows rows = query("SELECT id FROM machines WHERE fingerprint = ?", machine.fingerprint);
  while (rows.next()) known.push_back(rows.integer(0));
  for (auto const id : known) {
    if (machine_of(id).facts == machine.facts) return id;
  }
  auto const id = execute("INSERT INTO machines (fingerprint) VALUES (?)", machine.fingerprint);
  for (auto const& [name, value] : machine.facts) {
    execute("INSERT INTO machine_facts VALUES (?, ?, ?)", id, name, value);
  }
  return id;
}

std::int64_t Store::add_run(Run const& run, Machine const& machine) {
  auto& store = *private_;
  return store.transaction([&] {
    auto const machine_id = store.machine_row(machine);
    return store.execute(
        "INSERT INTO runs (machine_id, started_utc, command, version, matrix, seed, rounds,"
        " baseline, plan, finished, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        machine_id, run.started_utc, run.command, run.version, run.matrix, run.seed, run.rounds,
        run.baseline, run.plan, run.finished, run.kind);
  });
}

void Store::Private::add_settings(std::int64_t cell, char const* axis, Named const& named) {
  for (auto const& [name, value] : named.settings) {
    execute("INSERT INTO cell_settings VALUES (?, ?, ?, ?)", cell, std::string_view(axis), name,
            value);
  }
}

std::int64_t Store::add_cell(Cell const& cell) {
  auto& store = *private_;
  return store.transaction([&] {
    auto const id = store.execute(
        "INSERT INTO cells (run_id, allocator, collector, workload, threads, heap_limit_bytes, "
        "block,"
        " oversubscribed, planned, planned_reason, units, samples, ops_per_sample, peak_live_bytes,"
        " op, why_unranked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        cell.run_id, cell.key.allocator.name, cell.key.collector.name, cell.key.workload.name,
        cell.key.threads, cell.key.heap_limit_bytes, cell.block, cell.oversubscribed,
        name_of(cell.planned), cell.planned_reason, cell.units, cell.samples, cell.ops_per_sample,
        cell.peak_live_bytes, cell.op, cell.why_unranked);
    store.add_settings(id, "allocator", cell.key.allocator);
    store.add_settings(id, "collector", cell.key.collector);
    store.add_settings(id, "workload", cell.key.workload);
    return id;
  });
}

void Store::update_cell(Cell const& cell) {
  auto& store = *private_;
  store.transaction([&] {
    return store.execute(
        "UPDATE cells SET planned = ?, planned_reason = ?, units = ?, samples = ?,"
        " ops_per_sample = ?, peak_live_bytes = ?, op = ? WHERE id = ?",
        name_of(cell.planned), cell.planned_reason, cell.units, cell.samples, cell.ops_per_sample,
        cell.peak_live_bytes, cell.op, cell.id);
  });
}

std::int64_t Store::Private::insert_invocation(Invocation const& i) {
  CHURN_CHECK(i.sample_cpu_ns.empty() || i.sample_cpu_ns.size() == i.sample_ns.size());
  CHURN_CHECK(i.sample_collections.empty() || i.sample_collections.size() == i.sample_ns.size());
  CHURN_CHECK(i.sample_full_collections.size() == i.sample_collections.size());
  auto const id = execute(
      "INSERT INTO invocations (cell_id, round, position, outcome, reason, checksum, started_ns,"
      " spawn_to_setup_ns, wall_ns, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      i.cell_id, i.round, i.position, name_of(i.outcome), i.reason, i.checksum, i.started_ns,
      i.spawn_to_setup_ns, i.wall_ns, i.record);
  for (auto const& [name, value] : i.figures) {
    if (!std::isfinite(value)) continue;  // no figure: SQLite would make it a NULL
    execute("INSERT INTO figures VALUES (?, ?, ?)", id, name, value);
  }
  for (std::size_t at = 0; at < i.sample_ns.size(); ++at) {
    std::optional<std::uint64_t> cpu_ns, collections, full_collections;
    if (!i.sample_cpu_ns.empty()) cpu_ns = i.sample_cpu_ns[at];
    if (!i.sample_collections.empty()) {
      collections = i.sample_collections[at];
      full_collections = i.sample_full_collections[at];
    }
    execute("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)", id, at, i.sample_ns[at], cpu_ns,
            collections, full_collections);
  }
  for (std::size_t at = 0; at < i.turn_ns.size(); ++at) {
    execute("INSERT INTO turns VALUES (?, ?, ?)", id, at, i.turn_ns[at]);
  }
  for (std::size_t at = 0; at < i.rss_time_line.size(); ++at) {
    auto const& [time_ns, bytes] = i.rss_time_line[at];
    execute("INSERT INTO time_lines VALUES (?, ?, ?, ?)", id, at, time_ns, bytes);
  }
  if (!i.batch_ns.empty()) {
    std::string text;
    for (std::uint64_t const each : i.batch_ns) text += std::to_string(each) + ' ';
    execute("INSERT INTO batches VALUES (?, ?)", id, text);
  }
  for (auto const& histogram : i.histograms) {
    for (std::size_t at = 0; at < histogram.buckets.size(); ++at) {
      auto const& [bound, count] = histogram.buckets[at];
      execute("INSERT INTO histograms VALUES (?, ?, ?, ?, ?)", id, histogram.name, at, bound,
              count);
    }
  }
  return id;
}

std::int64_t Store::add_invocation(Invocation const& invocation) {
  auto& store = *private_;
  return store.transaction([&] { return store.insert_invocation(invocation); });
}

void Store::finish_run(std::int64_t run_id) {
  auto& store = *private_;
  store.transaction(
      [&] { return store.execute("UPDATE runs SET finished = 1 WHERE id = ?", run_id); });
}

// ---- reading ----

std::vector<Run> Store::runs() {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<Run> runs;
    Rows row = store.query(
        "SELECT id, started_utc, command, version, matrix, seed, rounds, baseline, plan, finished,"
        " kind FROM runs ORDER BY id");
    while (row.next()) {
      runs.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4),
                      row.count(5), row.small(6), row.text(7), row.text(8), row.integer(9) != 0,
                      row.text(10)});
    }
    return runs;
  });
}

Run Store::run(std::int64_t run_id) {
  auto all = runs();
  if (all.empty()) {
    throw UserError("the store '" + private_->path +
                    "' holds no run; measure one into it with `churn run`");
  }
  for (auto each = all.rbegin(); run_id == 0 && each != all.rend(); ++each) {
    if (each->kind == "run") return std::move(*each);
  }
  if (run_id == 0) {
    throw UserError("the store '" + private_->path +
                    "' holds gates or tries and no other run; `churn gate --replay ID` or "
                    "`churn try --report ID` shows one");
  }
  for (auto& run : all) {
    if (run.id == run_id) return std::move(run);
  }
  throw UserError("the store '" + private_->path + "' has no run " + std::to_string(run_id) +
                  "; its runs are " + std::to_string(all.front().id) + " to " +
                  std::to_string(all.back().id));
}

Machine Store::machine(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    Rows row = store.query("SELECT machine_id FROM runs WHERE id = ?", run_id);
    return row.next() ? store.machine_of(row.integer(0)) : Machine{};
  });
}

void Store::Private::read_settings(Cell& cell) {
  Rows row = query("SELECT axis, name, value FROM cell_settings WHERE cell_id = ?", cell.id);
  while (row.next()) {
    auto const axis = row.text(0);
    Named& named = axis == "allocator"   ? cell.key.allocator
                   : axis == "collector" ? cell.key.collector
                                         : cell.key.workload;
    named.settings[row.text(1)] = row.text(2);
  }
}

Cell Store::Private::cell_of(Rows& row) {
  Cell cell;
  cell.id = row.integer(0);
  cell.key = {{row.text(1), {}}, {row.text(2), {}}, {row.text(3), {}}, row.small(4), row.count(5)};
  cell.block = row.count(6);
  cell.oversubscribed = row.integer(7) != 0;
  parse_outcome(row.text(8), cell.planned);
  cell.planned_reason = row.text(9);
  cell.units = row.count(10);
  cell.samples = row.count(11);
  cell.ops_per_sample = row.count(12);
  if (!row.null(13)) cell.peak_live_bytes = row.count(13);
  cell.op = row.text(14);
  cell.why_unranked = row.text(15);
  return cell;
}

std::vector<Cell> Store::cells(std::int64_t run_id) {
  auto& store = *private_;
  return store.guarded([&] {
    std::vector<Cell> cells;
    Rows row = store.query(
        "SELECT id, allocator, collector, workload, threads, heap_limit_bytes, block, "
        "oversubscribed,"
        " planned, planned_reason, units, samples, ops_per_sample, peak_live_bytes, op,"
        " why_unranked"
        " FROM cells WHERE run_id = ? ORDER BY id",
        run_id);
    while (row.next()) {
      Cell cell = Private::cell_of(row);
      cell.run_id = run_id;
      cells.push_back(std::move(cell));
    }
    for (auto& cell : cells) store.read_settings(cell);
    return cells;
  });
}

void Store::Private::read_details(Invocation& invocation) {
  Rows figures = query("SELECT name, value FROM figures WHERE invocation_id = ?", invocation.id);
  while (figures.next()) {
    invocation.figures[figures.text(0)] = figures.real(1);
  }
}

void Store::Private::read_samples(Invocation& invocation) {
  Rows sample = query(
      "SELECT time_ns, cpu_ns, collections, full_collections FROM samples"
      " WHERE invocation_id = ? ORDER BY position",
      invocation.id);
  while (sample.next()) {
    invocation.sample_ns.push_back(sample.count(0));
    if (!sample.null(1)) invocation.sample_cpu_ns.push_back(sample.count(1));
    if (sample.null(2)) continue;
    invocation.sample_collections.push_back(sample.count(2));
    invocation.sample_full_collections.push_back(sample.count(3));
  }
  Rows turn =
      query("SELECT time_ns FROM turns WHERE invocation_id = ? ORDER BY position", invocation.id);
  while (turn.next()) invocation.turn_ns.push_back(turn.count(0));
  Rows line =
      query("SELECT time_ns, rss_bytes FROM time_lines WHERE invocation_id = ? ORDER BY position",
            invocation.id);
  while (line.next()) {
    invocation.rss_time_line.emplace_back(line.count(0), line.count(1));
  }
  Rows batch = query("SELECT times_ns FROM batches WHERE invocation_id = ?", invocation.id);
  if (batch.next()) {
    std::string const text = batch.text(0);
    char const *at = text.data(), *const end = at + text.size();
    for (std::uint64_t value = 0; at < end; ++at) {
      auto const [next, error] = std::from_chars(at, end, value);
      if (error != std::errc()) throw UserError("the batches in " + path + " are damaged");
      invocation.batch_ns.push_back(value);
      at = next;
    }
  }
  Rows bucket = query(
      "SELECT name, upper_bound, count FROM histograms WHERE invocation_id = ?"
      " ORDER BY name, position",
      invocation.id);
  while (bucket.next()) {
    auto name = bucket.text(0);
    auto& all = invocation.histograms;
    if (all.empty() || all.back().name != name) all.push_back({std::move(name), {}});
    all.back().buckets.emplace_back(bucket.count(1), bucket.count(2));
  }
}

Invocation Store::Private::head_of(Rows& row) {
  Invocation invocation;
  invocation.id = row.integer(0);
  invocation.cell_id = row.integer(1);
  invocation.round = row.small(2);
  invocation.position = row.small(3);
  parse_outcome(row.text(4), invocation.outcome);
  invocation.reason = row.text(5);
  invocation.checksum = row.text(6);
  invocation.started_ns = row.count(7);
  invocation.spawn_to_setup_ns = row.count(8);
  invocation.wall_ns = row.count(9);
  invocation.record = row.text(10);
  return invocation;
}

Invocation Store::Private::invocation(std::int64_t id) {
  Rows row = query(
      "SELECT id, cell_id, round, position, outcome, reason, checksum, started_ns,"
      " spawn_to_setup_ns, wall_ns, record FROM invocations WHERE id = ?",
      id);
  CHURN_CHECK(row.next());  // a foreign key says that it is there
  Invocation invocation = head_of(row);
  read_details(invocation);
  read_samples(invocation);
  return invocation;
}

void Store::each_invocation(std::int64_t run_id, bool with_samples,
                            std::function<void(Invocation const&)> const& visit) {
  auto& store = *private_;
  store.guarded([&] {
    Rows row = store.query(
        "SELECT i.id, i.cell_id, i.round, i.position, i.outcome, i.reason, i.checksum,"
        " i.started_ns, i.spawn_to_setup_ns, i.wall_ns, i.record FROM cells c JOIN invocations i"
        " ON i.cell_id = c.id WHERE c.run_id = ? ORDER BY c.id, i.round, i.id",
        run_id);
    while (row.next()) {
      Invocation invocation = store.head_of(row);
      store.read_details(invocation);
      if (with_samples) store.read_samples(invocation);
      visit(invocation);
    }
  });
}

}  // namespace churn::store
