// The store against what goes wrong: files that are none, full and read-only disks, two at once,
// kill -9.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "harness/core/error.hpp"
#include "results/store/schema.hpp"
#include "results/store/store.hpp"
#include "tests/store/child.hpp"

namespace churn::store {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::say;
using testing::spawn;
using Access = Store::Access;

constexpr uid_t nobody = 65534;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    char name[] = "/tmp/churn-store-XXXXXX";
    CHURN_CHECK(mkdtemp(name) != nullptr);
    directory_ = name;
    fs::permissions(directory_, fs::perms(0755));
  }
  ~StoreTest() override { fs::remove_all(directory_); }

  std::string path(char const* name = "a.db") const { return directory_ / name; }
  void put(std::string const& file, std::string const& text) const {
    std::ofstream(file, std::ios::binary) << text;
  }

  fs::path directory_;
};

// The text of the UserError, or that there was none.
template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (UserError const& error) {
    return error.what();
  }
  return "no error";
}

std::string opening(std::string const& path, Access access) {
  return error_of([&] { Store store(path, access); });
}

// Straight past the class, as another program would.
std::string sql(std::string const& path, std::string const& text) {
  sqlite3* database = nullptr;
  CHURN_CHECK(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  std::string result;
  char* problem = nullptr;
  auto const add = [](void* to, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i) {
      *static_cast<std::string*>(to) += std::string(values[i] ? values[i] : "NULL") + "\n";
    }
    return 0;
  };
  if (sqlite3_exec(database, text.c_str(), add, &result, &problem) != SQLITE_OK) {
    result += std::string("error: ") + problem;
    sqlite3_free(problem);
  }
  sqlite3_close(database);
  return result;
}

Run some_run() {
  return {0,           "2024-02-29T12:00:00Z",
          "churn run", "0.1.0",
          "quick",     ~std::uint64_t{0},
          3,           "glibc",
          "{}",        false};
}

Cell some_cell(std::int64_t run) {
  Cell cell;
  cell.run_id = run;
  cell.key = {{"jemalloc", {{"MALLOC_CONF", "narenas:1"}}},
              {"refcount", {{"limit", "3"}}},
              {"managed/cycle-churn", {{"ring", "10"}}},
              2,
              1 << 20};
  cell.block = 4;
  cell.oversubscribed = true;
  cell.units = 10;
  cell.samples = 3;
  cell.ops_per_sample = 100;
  cell.peak_live_bytes = 77;
  cell.op = "one object";
  cell.why_unranked = "paced";
  return cell;
}

Invocation some_invocation(std::int64_t cell, std::uint32_t round = 0) {
  Invocation invocation;
  invocation.cell_id = cell;
  invocation.round = round;
  invocation.position = 5;
  invocation.outcome = Outcome::ok;
  invocation.reason = "none";
  invocation.checksum = "c0ffee";
  invocation.started_ns = 1;
  invocation.spawn_to_setup_ns = 2;
  invocation.wall_ns = 3;
  invocation.sample_ns = {10, 11, 12};
  invocation.sample_cpu_ns = {7, 8, 9};
  invocation.rss_time_line = {{0, 4096}, {1000, 8192}};
  invocation.figures = {{"blow_up", 1.5}, {"pause_max_ns", 100}};
  invocation.histograms = {{"pause_ns", {{31, 2}, {~std::uint64_t{0}, 1}}}};
  invocation.record = R"({"protocol":1})";
  return invocation;
}

std::vector<Invocation> invocations(Store& store, std::int64_t run, bool with_samples = true) {
  std::vector<Invocation> all;
  store.each_invocation(run, with_samples, [&](Invocation const& each) { all.push_back(each); });
  return all;
}

void expect_same(Invocation const& a, Invocation const& b) {
  EXPECT_EQ(a.cell_id, b.cell_id);
  EXPECT_EQ(a.round, b.round);
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.checksum, b.checksum);
  EXPECT_EQ(a.started_ns, b.started_ns);
  EXPECT_EQ(a.spawn_to_setup_ns, b.spawn_to_setup_ns);
  EXPECT_EQ(a.wall_ns, b.wall_ns);
  EXPECT_EQ(a.sample_ns, b.sample_ns);
  EXPECT_EQ(a.sample_cpu_ns, b.sample_cpu_ns);
  EXPECT_EQ(a.rss_time_line, b.rss_time_line);
  EXPECT_EQ(a.figures, b.figures);
  ASSERT_EQ(a.histograms.size(), b.histograms.size());
  for (std::size_t i = 0; i < a.histograms.size(); ++i) {
    EXPECT_EQ(a.histograms[i].name, b.histograms[i].name);
    EXPECT_EQ(a.histograms[i].buckets, b.histograms[i].buckets);
  }
  EXPECT_EQ(a.record, b.record);
}

// ---- what is written comes back ----

TEST_F(StoreTest, EverythingComesBack) {
  Machine const machine{"f00d", {{"cores", "2"}, {"odd", std::string("a\0b", 3)}}};
  std::int64_t run_id, cell_id;
  {
    Store store(path(), Access::create);
    run_id = store.add_run(some_run(), machine);
    cell_id = store.add_cell(some_cell(run_id));
    store.add_invocation(some_invocation(cell_id));
    store.finish_run(run_id);
  }
  Store store(path(), Access::read);
  store::Run const run = store.run(0), wanted = some_run();
  EXPECT_EQ(run.id, run_id);
  EXPECT_EQ(std::tie(run.started_utc, run.command, run.version, run.matrix, run.seed, run.rounds),
            std::tie(wanted.started_utc, wanted.command, wanted.version, wanted.matrix, wanted.seed,
                     wanted.rounds));
  EXPECT_EQ(run.baseline, wanted.baseline);
  EXPECT_EQ(run.plan, wanted.plan);
  EXPECT_TRUE(run.finished);
  EXPECT_EQ(store.machine(run_id).fingerprint, machine.fingerprint);
  EXPECT_EQ(store.machine(run_id).facts, machine.facts);
  auto const cells = store.cells(run_id);
  ASSERT_EQ(cells.size(), 1u);
  Cell const expected = some_cell(run_id);
  EXPECT_EQ(cells[0].key, expected.key);
  EXPECT_EQ(cells[0].peak_live_bytes, expected.peak_live_bytes);
  EXPECT_EQ(std::tie(cells[0].block, cells[0].oversubscribed, cells[0].units, cells[0].samples,
                     cells[0].ops_per_sample, cells[0].op, cells[0].why_unranked),
            std::tie(expected.block, expected.oversubscribed, expected.units, expected.samples,
                     expected.ops_per_sample, expected.op, expected.why_unranked));
  auto const found = invocations(store, run_id);
  ASSERT_EQ(found.size(), 1u);
  expect_same(found[0], some_invocation(cell_id));
  EXPECT_TRUE(invocations(store, run_id, false)[0].sample_ns.empty());
}

TEST_F(StoreTest, AbsentFiguresStayAbsent) {
  Store store(path(), Access::create);
  auto const run = store.add_run(some_run(), {});
  Cell cell = some_cell(run);
  cell.peak_live_bytes.reset();
  auto made = some_invocation(store.add_cell(cell));
  made.figures = {{"nan", std::nan("")}, {"infinite", HUGE_VAL}, {"kept", 0}};
  made.sample_cpu_ns.clear();
  store.add_invocation(made);
  EXPECT_FALSE(store.cells(run)[0].peak_live_bytes.has_value());
  auto const back = invocations(store, run)[0];
  EXPECT_EQ(back.figures, (std::map<std::string, double>{{"kept", 0}}));
  EXPECT_TRUE(back.sample_cpu_ns.empty());
}

TEST_F(StoreTest, ACellIsUpdatedOnceItsWorkIsKnown) {
  Store store(path(), Access::create);
  Cell cell = some_cell(store.add_run(some_run(), {}));
  cell.id = store.add_cell(cell);
  cell.units = 123;
  cell.planned = Outcome::not_applicable;
  cell.planned_reason = "because";
  store.update_cell(cell);
  auto const back = store.cells(cell.run_id)[0];
  EXPECT_EQ(back.units, 123u);
  EXPECT_EQ(back.planned, Outcome::not_applicable);
  EXPECT_EQ(back.planned_reason, "because");
  EXPECT_EQ(back.key, cell.key);
}

TEST_F(StoreTest, InvocationsComeByCellThenRoundWhateverTheOrderOfWriting) {
  Store store(path(), Access::create);
  auto const run = store.add_run(some_run(), {}), other = store.add_run(some_run(), {});
  auto const first = store.add_cell(some_cell(run)), second = store.add_cell(some_cell(run));
  store.add_invocation(some_invocation(store.add_cell(some_cell(other))));
  for (auto const& [cell, round] : std::vector<std::pair<std::int64_t, std::uint32_t>>{
           {second, 1}, {first, 2}, {second, 0}, {first, 0}}) {
    store.add_invocation(some_invocation(cell, round));
  }
  std::vector<std::pair<std::int64_t, std::uint32_t>> order;
  for (auto const& each : invocations(store, run)) order.emplace_back(each.cell_id, each.round);
  EXPECT_THAT(order, ::testing::ElementsAre(std::pair(first, 0u), std::pair(first, 2u),
                                            std::pair(second, 0u), std::pair(second, 1u)));
}

TEST_F(StoreTest, RunsOnOneMachineShareItsRow) {
  Store store(path(), Access::create);
  Machine const one{"f", {{"load", "0"}}}, same_but_busy{"f", {{"load", "9"}}};
  store.add_run(some_run(), one);
  store.add_run(some_run(), one);
  auto const busy = store.add_run(some_run(), same_but_busy);
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM machines"), "2\n");
  EXPECT_EQ(store.machine(busy).facts.at("load"), "9");
}

TEST_F(StoreTest, WhatBelongsToNothingIsRefused) {
  Store store(path(), Access::create);
  EXPECT_THAT(error_of([&] { store.add_invocation(some_invocation(404)); }),
              HasSubstr("FOREIGN KEY"));
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM invocations"), "0\n");
  EXPECT_THAT(error_of([&] { store.run(0); }), HasSubstr("holds no run"));
  store.add_run(some_run(), {});
  EXPECT_THAT(error_of([&] { store.run(9); }), AllOf(HasSubstr("no run 9"), HasSubstr("1 to 1")));
}

TEST(Spelling, PutsSettingsInOrder) {
  EXPECT_EQ(spelled(Named{"jemalloc", {}}), "jemalloc");
  EXPECT_EQ(spelled(Named{"a", {{"y", "2"}, {"X", "1"}}}), "a{X=1;y=2}");
  CellKey key{{"glibc", {}}, {"refcount", {}}, {"managed/cycle-churn", {{"ring", "10"}}}, 2, 0};
  EXPECT_EQ(spelled(key), "glibc/refcount/managed/cycle-churn{ring=10}@2");
  key.collector.name.clear();
  key.heap_limit_bytes = 5;
  EXPECT_EQ(spelled(key), "glibc/managed/cycle-churn{ring=10}@2 in 5 bytes");
}

// ---- gates ----

Invocation one_side(std::int64_t cell, std::uint64_t first_ns) {
  Invocation side = some_invocation(cell);
  side.sample_ns = {first_ns, 20, 30, 40};
  side.sample_cpu_ns.clear();
  side.turn_ns = {50, 75};
  side.sample_collections = {0, 1, 2, 3};
  side.sample_full_collections = {0, 0, 1, 1};
  return side;
}

TEST_F(StoreTest, AGateComesBack) {
  Store store(path(), Access::create);
  store::Run run = some_run();
  run.kind = "gate";
  auto const id = store.add_run(run, {});
  auto const old_cell = store.add_cell(some_cell(id)), new_cell = store.add_cell(some_cell(id));
  store.add_gate({id, "old", "new", {{"detect", 0.03}, {"odd", 1e-300}}, ""});
  GateCell cell{0, id, "malloc/a", old_cell, new_cell, "", 0, ""};
  cell.id = store.add_gate_cell(cell);
  GateCell const lacking{
      store.add_gate_cell({0, id, "b", {}, new_cell, "", 0, ""}), id, "b", {}, new_cell, "", 0, ""};
  cell.protocol = "small";
  cell.turns = 2;
  cell.failure = "why";
  store.update_gate_cell(cell);
  for (std::uint32_t const number : {1u, 0u}) {
    store.add_gate_pair(
        {cell.id, 1, number, number == 1, one_side(old_cell, 10 + number), one_side(new_cell, 12)});
  }
  std::vector<GateLook> const looks{{cell.id, "steady_time", 1, 2, 25, 1e-9, 0.5, "alarm"}};
  std::vector<GateVerdict> const verdicts{
      {cell.id, "slow_mode", "inconclusive", 15, {}, {}, {}, {}, 1, {}},
      {cell.id, "steady_time", "regression", 25, 1.1, 1.05, 1.2, 0.99, 1e-12, 0.02}};
  EXPECT_EQ(store.gate(0).verdict, "");
  store.add_gate_findings(id, "regression", looks, verdicts);

  Gate const gate = store.gate(id);
  EXPECT_EQ(gate.baseline + gate.candidate + gate.verdict, "oldnewregression");
  EXPECT_EQ(gate.limits.at("odd"), 1e-300);
  EXPECT_EQ(store.gate_looks(id), looks);
  EXPECT_EQ(store.gate_verdicts(id), verdicts);
  EXPECT_TRUE(store.run(id).finished);
  auto const cells = store.gate_cells(id);
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].baseline_cell_id, old_cell);
  EXPECT_EQ(cells[0].protocol + cells[0].failure, "smallwhy");
  EXPECT_EQ(cells[1].baseline_cell_id, lacking.baseline_cell_id);
  std::vector<GatePair> pairs;
  store.each_gate_pair(cell.id, [&](GatePair const& pair) { pairs.push_back(pair); });
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[1].number, 1u);
  EXPECT_TRUE(pairs[1].candidate_first);
  Invocation const wanted = one_side(old_cell, 11);
  expect_same(pairs[1].baseline, wanted);
  EXPECT_EQ(pairs[1].baseline.turn_ns, wanted.turn_ns);
  EXPECT_EQ(pairs[1].baseline.sample_collections, wanted.sample_collections);
  EXPECT_EQ(pairs[1].baseline.sample_full_collections, wanted.sample_full_collections);
}

TEST_F(StoreTest, TheNewestRunIsNoGate) {
  Store store(path(), Access::create);
  auto const plain = store.add_run(some_run(), {});
  store::Run gate = some_run();
  gate.kind = "gate";
  auto const newer = store.add_run(gate, {});
  EXPECT_EQ(store.run(0).id, plain);
  EXPECT_EQ(store.run(newer).kind, "gate");
  EXPECT_THROW(store.gate(plain), UserError);
}

// ---- versions ----

std::string contents(std::string const& file_name) {
  std::ifstream file(file_name);
  return {std::istreambuf_iterator<char>(file), {}};
}

class OldStoreTest : public StoreTest, public ::testing::WithParamInterface<char const*> {};

TEST_P(OldStoreTest, Opens) {
  ASSERT_EQ(sql(path(), contents(GetParam())), "");
  for (auto const access : {Access::read, Access::run}) {
    Store store(path(), access);
    ASSERT_EQ(store.runs().size(), 1u);
    EXPECT_EQ(store.run(0).seed, ~std::uint64_t{0});
    EXPECT_EQ(store.cells(1).at(0).key, some_cell(1).key);
    auto const found = invocations(store, 1);
    ASSERT_EQ(found.size(), 1u);
    expect_same(found[0], some_invocation(1));
  }
  EXPECT_EQ(sql(path(), "PRAGMA user_version"), std::to_string(schema_version()) + "\n");
  // An upgraded file and a new one are the same.
  {
    Store fresh(path("new.db"), Access::create);
  }
  constexpr char tables[] = "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name";
  EXPECT_EQ(sql(path(), tables), sql(path("new.db"), tables));
  EXPECT_THAT(sql(path(), "PRAGMA foreign_key_check; PRAGMA integrity_check"), "ok\n");
}
INSTANTIATE_TEST_SUITE_P(Versions, OldStoreTest,
                         ::testing::Values(CHURN_FIXTURES "/version_1.sql",
                                           CHURN_FIXTURES "/version_2_run.sql"));

TEST_F(StoreTest, AStoreOfVersionTwoOpensWithItsGate) {
  ASSERT_EQ(sql(path(), contents(CHURN_FIXTURES "/version_2_gate.sql")), "");
  Store store(path(), Access::run);
  EXPECT_EQ(store.gate(0).verdict, "inconclusive");
  std::size_t pairs = 0;
  store.each_gate_pair(store.gate_cells(1).at(0).id, [&](store::GatePair const&) { ++pairs; });
  EXPECT_EQ(pairs, 3u);
  EXPECT_TRUE(store.calibration_cells(1).empty());
  EXPECT_EQ(sql(path(), "PRAGMA user_version"), std::to_string(schema_version()) + "\n");
}

TEST_F(StoreTest, ANewerSchemaIsRefusedAndLeftAlone) {
  {
    Store store(path(), Access::create);
  }
  sql(path(), "PRAGMA user_version = 99");
  for (auto const access : {Access::read, Access::create, Access::run}) {
    EXPECT_THAT(opening(path(), access), AllOf(HasSubstr("version 99"), HasSubstr("newer")));
  }
  EXPECT_EQ(sql(path(), "PRAGMA user_version"), "99\n");
}

// ---- files that are no store ----

TEST_F(StoreTest, FilesThatAreNoStoreAreRefusedAndLeftAlone) {
  std::string const text(5000, 'x');
  put(path("text"), text);
  sql(path("other.db"), "CREATE TABLE songs (name)");
  put(path("empty"), "");
  for (auto const access : {Access::read, Access::create, Access::run}) {
    EXPECT_THAT(opening(path("text"), access), HasSubstr("no SQLite file"));
    EXPECT_THAT(opening(path("other.db"), access), HasSubstr("not a store of churn"));
    EXPECT_THAT(opening(directory_, access), HasSubstr("is a directory"));
  }
  EXPECT_EQ(contents(path("text")), text);
  EXPECT_EQ(sql(path("other.db"), "SELECT count(*) FROM sqlite_master"), "1\n");
  EXPECT_THAT(opening(path("empty"), Access::read), HasSubstr("is empty"));
  EXPECT_EQ(opening(path("empty"), Access::create), "no error");
}

TEST_F(StoreTest, PlacesWhereNoStoreCanBe) {
  EXPECT_THAT(opening(path("none.db"), Access::read), HasSubstr("there is no store"));
  EXPECT_FALSE(fs::exists(path("none.db")));
  EXPECT_THAT(opening(path("no/such/a.db"), Access::run), HasSubstr("there is no directory"));
}

TEST_F(StoreTest, ADamagedStoreSaysSo) {
  {
    Store store(path(), Access::create);
    auto const cell = store.add_cell(some_cell(store.add_run(some_run(), {})));
    for (std::uint32_t i = 0; i < 200; ++i) store.add_invocation(some_invocation(cell, i));
  }
  auto const size = fs::file_size(path());
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(size - 4096, '\xa5');
  file.close();
  EXPECT_THAT(error_of([&] {
                Store store(path(), Access::read);
                invocations(store, store.run(0).id);
              }),
              AllOf(HasSubstr("is damaged"), HasSubstr(".recover")));
}

TEST_F(StoreTest, AReadOnlyStoreCanBeReadAndNotWritten) {
  {
    Store store(path(), Access::create);
    store.add_run(some_run(), {});
  }
  fs::permissions(path(), fs::perms(0444));
  fs::permissions(directory_, fs::perms(0555));
  auto const without_rights = [&](Access access) {
    return spawn([&](int output) {
             // Nothing is read-only for root.
             if (geteuid() == 0) CHURN_CHECK(seteuid(nobody) == 0);
             Store store(path(), access);
             say(output, std::to_string(store.runs().size()) + " run");
           })
        .wait();
  };
  EXPECT_EQ(without_rights(Access::read), "1 run");
  EXPECT_THAT(without_rights(Access::create), HasSubstr("cannot be written"));
  EXPECT_THAT(without_rights(Access::run), HasSubstr("cannot write beside the store"));
  fs::permissions(directory_, fs::perms(0755));
}

// ---- two at once ----

TEST_F(StoreTest, OneRunAtATime) {
  std::string const pid = "(pid " + std::to_string(getpid()) + ")";
  {
    Store running(path(), Access::run);
    EXPECT_THAT(opening(path(), Access::run),
                AllOf(HasSubstr("another churn run"), HasSubstr(pid)));
    fs::create_symlink(path(), path("link.db"));
    EXPECT_THAT(opening(path("link.db"), Access::run), HasSubstr(pid));
    EXPECT_EQ(opening(path(), Access::read), "no error");
    EXPECT_EQ(opening(path("b.db"), Access::run), "no error");
  }
  EXPECT_FALSE(fs::exists(path() + ".lock"));
  EXPECT_EQ(opening(path(), Access::run), "no error");
}

TEST_F(StoreTest, TheLockEndsWithItsProcess) {
  auto holder = spawn([&](int output) {
    Store store(path(), Access::run);
    say(output, "h");
    pause();
  });
  char byte;
  ASSERT_EQ(read(holder.output, &byte, 1), 1);
  EXPECT_THAT(opening(path(), Access::run), HasSubstr("(pid " + std::to_string(holder.pid) + ")"));
  kill(holder.pid, SIGKILL);
  holder.wait();
  EXPECT_TRUE(fs::exists(path() + ".lock"));
  EXPECT_EQ(opening(path(), Access::run), "no error");
}

TEST_F(StoreTest, WritersTakeTurns) {
  std::int64_t cell;
  {
    Store store(path(), Access::create);
    cell = store.add_cell(some_cell(store.add_run(some_run(), {})));
  }
  constexpr std::uint32_t each = 50;
  auto const work = [&](int) {
    Store store(path(), Access::create);
    for (std::uint32_t i = 0; i < each; ++i) store.add_invocation(some_invocation(cell, i));
  };
  auto one = spawn(work), two = spawn(work);
  EXPECT_EQ(one.wait() + two.wait(), "");
  Store store(path(), Access::read);
  EXPECT_EQ(invocations(store, 1).size(), 2 * each);
}

// ---- sudden ends ----

TEST_F(StoreTest, KilledAtAnyMomentLosesAtMostTheInvocationInFlight) {
  // Each time the child is killed after another number of commits, at whatever point it then is.
  for (std::size_t const acknowledged : {1u, 2u, 7u, 40u}) {
    std::string const file = path(std::to_string(acknowledged).c_str());
    auto writer = spawn([&](int output) {
      Store store(file, Access::run);
      auto const cell = store.add_cell(some_cell(store.add_run(some_run(), {})));
      for (std::uint32_t round = 0;; ++round) {
        store.add_invocation(some_invocation(cell, round));
        say(output, "c");
      }
    });
    char byte;
    for (std::size_t i = 0; i < acknowledged; ++i) ASSERT_EQ(read(writer.output, &byte, 1), 1);
    kill(writer.pid, SIGKILL);
    std::size_t const committed = acknowledged + writer.wait().size();
    Store store(file, Access::run);
    auto const found = invocations(store, 1);
    EXPECT_GE(found.size(), committed);
    EXPECT_LE(found.size(), committed + 1);  // stored, but no longer told
    for (std::uint32_t i = 0; i < found.size(); ++i) expect_same(found[i], some_invocation(1, i));
    EXPECT_EQ(sql(file, "PRAGMA integrity_check"), "ok\n");
  }
}

// Fills the store at `file` until it fails; says "stored N of N: why".
void fill(int output, std::string const& file) {
  std::size_t added = 0;
  std::string why;
  {
    Store store(file, Access::run);
    auto const cell = store.add_cell(some_cell(store.add_run(some_run(), {})));
    auto big = some_invocation(cell);
    big.record.assign(20'000, 'r');
    why = error_of([&] {
      for (; added < 10'000; ++added) {
        big.round = static_cast<std::uint32_t>(added);
        store.add_invocation(big);
      }
    });
  }
  Store store(file, Access::read);
  say(output, "stored " + std::to_string(invocations(store, 1).size()) + " of " +
                  std::to_string(added) + ": " + why);
}

void expect_all_kept(std::string const& told) {
  std::size_t stored = 0, added = 1;
  ASSERT_EQ(std::sscanf(told.c_str(), "stored %zu of %zu", &stored, &added), 2) << told;
  EXPECT_EQ(stored, added) << told;
  EXPECT_GT(stored, 0u);
}

TEST_F(StoreTest, AFullDiskKeepsWhatWasStored) {
  auto const told = spawn([&](int output) {
                      bool const root = geteuid() == 0;
                      if (unshare(root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
                          mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                          mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=1m") != 0) {
                        say(output, std::string("no small disk here: ") + std::strerror(errno));
                        return;
                      }
                      fill(output, path());
                    }).wait();
  if (told.starts_with("no small disk")) GTEST_SKIP() << told;
  EXPECT_THAT(told, HasSubstr("the disk is full"));
  expect_all_kept(told);
}

TEST_F(StoreTest, AFileSizeLimitKeepsWhatWasStored) {
  auto const told = spawn([&](int output) {
                      signal(SIGXFSZ, SIG_IGN);
                      rlimit const limit{1 << 20, 1 << 20};
                      CHURN_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
                      fill(output, path());
                    }).wait();
  EXPECT_THAT(told, AllOf(HasSubstr("cannot grow"), HasSubstr("ulimit -f")));
  expect_all_kept(told);
}

}  // namespace
}  // namespace churn::store
