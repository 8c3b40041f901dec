// What:  one run made up of fixed figures, with every kind of row a report can have: a winner, a
//        tie, failures with and without earlier successes, what makes no sense, what was not
//        reached, more threads than cores, few collections per sample, and names that try to break
//        out.
// Why:   reports of measured runs differ every time; golden files need the same input for ever.
#pragma once

#include <cstdint>
#include <string>

#include "harness/core/random.hpp"
#include "results/store/store.hpp"

namespace churn::synthetic {

inline constexpr char hostile_name[] = "evil|`rm`\x1b[31m<b>\n=1+1\xff\xe2\x80\xae_x";

struct Shape {
  std::uint32_t rounds = 3;
  std::uint32_t samples = 4;
};

class Author {
 public:
  Author(store::Store& store, Shape shape) : store_(store), shape_(shape), random_(42) {}

  std::int64_t write() {
    store::Run run;
    run.started_utc = "2024-02-29T12:00:00Z";
    run.command = "churn run --matrix 'a b'";
    run.version = "0.1.0 (0123abc)";
    run.matrix = "quick";
    run.seed = 7;
    run.rounds = shape_.rounds;
    run.baseline = "glibc";
    store::Machine const machine{
        "f00d", {{"cores", "2"}, {"cpu_model", "Made-up CPU | 1"}, {"thp", "madvise"}}};
    run_id_ = store_.add_run(run, machine);
    winner_block();
    tie_block();
    managed_block();
    oversubscribed_block();
    hostile_block();
    store_.finish_run(run_id_);
    return run_id_;
  }

 private:
  store::Cell cell(std::string allocator, std::string collector, store::Named workload) {
    store::Cell cell;
    cell.run_id = run_id_;
    cell.key = {{std::move(allocator), {}}, {std::move(collector), {}}, std::move(workload), 1, 0};
    cell.block = block_;
    cell.units = 1000;
    cell.samples = shape_.samples;
    cell.ops_per_sample = 1000;
    cell.peak_live_bytes = 1 << 20;
    cell.op = "one free and one malloc";
    return cell;
  }

  store::Invocation invocation(std::int64_t cell, std::uint32_t round, double op_ns) {
    store::Invocation result;
    result.cell_id = cell;
    result.round = round;
    result.position = round;
    result.outcome = Outcome::ok;
    result.checksum = "c0ffee";
    result.started_ns = 1'000'000 * round;
    result.spawn_to_setup_ns = 9'000'000;
    result.wall_ns = 600'000'000;
    for (std::uint32_t i = 0; i < shape_.samples; ++i) {
      double const noisy_ns = op_ns * 1000 * (1 + 0.01 * random_.unit());
      result.sample_ns.push_back(static_cast<std::uint64_t>(noisy_ns));
      result.sample_cpu_ns.push_back(static_cast<std::uint64_t>(noisy_ns * 0.9));
    }
    result.rss_time_line = {{0, 4 << 20}, {1'000'000, 6 << 20}};
    result.figures = {{"cpu_per_op_ns", op_ns * 0.9},
                      {"system_per_op_ns", op_ns * 0.01},
                      {"minor_faults", 300.0 + round},
                      {"rss_start_bytes", 4 << 20},
                      {"peak_rss_bytes", 6 << 20}};
    result.record = R"({"protocol":1})";
    return result;
  }

  void rounds(std::int64_t cell, double op_ns) {
    for (std::uint32_t round = 0; round < shape_.rounds; ++round) {
      store_.add_invocation(invocation(cell, round, op_ns * (1 + 0.02 * round)));
    }
  }

  void fails(std::int64_t cell, std::uint32_t round, Outcome outcome, std::string reason) {
    auto failed = invocation(cell, round, 1);
    failed.outcome = outcome;
    failed.reason = std::move(reason);
    failed.checksum.clear();
    failed.sample_ns.clear();
    failed.sample_cpu_ns.clear();
    failed.rss_time_line.clear();
    failed.figures.clear();
    store_.add_invocation(failed);
  }

  void winner_block() {
    ++block_;
    store::Named const larson{"malloc/larson", {{"blocks", "1000"}}};
    rounds(store_.add_cell(cell("glibc", "", larson)), 20);
    rounds(store_.add_cell(cell("jemalloc", "", larson)), 12.5);
    auto tuned = cell("jemalloc", "", larson);
    tuned.key.allocator.settings = {{"MALLOC_CONF", "narenas:1,tcache:false"}};
    rounds(store_.add_cell(tuned), 31);
    auto const trap = store_.add_cell(cell("./libtrap.so", "", larson));
    store_.add_invocation(invocation(trap, 0, 1));
    fails(trap, 1, Outcome::crashed, "signal 5 (SIGTRAP)");
    fails(store_.add_cell(cell("./libhang.so", "", larson)), 0, Outcome::timed_out, "after 60 s");
    auto const late = store_.add_cell(cell("scudo", "", larson));
    (void)late;  // the run ended before it
  }

  void tie_block() {
    ++block_;
    store::Named const sizes{"malloc/random-sizes", {}};
    rounds(store_.add_cell(cell("glibc", "", sizes)), 50);
    rounds(store_.add_cell(cell("jemalloc", "", sizes)), 50.5);
    rounds(store_.add_cell(cell("mimalloc", "", sizes)), 80);
  }

  void managed_block() {
    ++block_;
    store::Named const rings{"managed/cycle-churn", {{"ring", "10"}}};
    auto const managed = [&](std::string collector) {
      auto made = cell("glibc", std::move(collector), rings);
      made.key.heap_limit_bytes = 64 << 20;
      made.op = "one object";
      return made;
    };
    rounds(store_.add_cell(managed("refcount")), 10);
    auto const tracing = store_.add_cell(managed("trial-deletion"));
    for (std::uint32_t round = 0; round < shape_.rounds; ++round) {
      auto made = invocation(tracing, round, 25'000);
      made.figures["collections_gen0"] = 0;
      made.figures["collections_gen2"] = 9;
      made.figures["collections_in_samples"] = 6;
      made.figures["pause_max_ns"] = 2'500'000;
      made.figures["unreclaimed_at_end_objects"] = 120;
      made.histograms = {{"pause_ns", {{2'490'367, 8}, {2'555'903, 1}}}};
      store_.add_invocation(made);
    }
    auto manual = managed("manual");
    manual.planned = Outcome::not_applicable;
    manual.planned_reason = "the workload cannot say when its objects die";
    store_.add_cell(manual);
  }

  void oversubscribed_block() {
    ++block_;
    for (auto const* const allocator : {"glibc", "jemalloc"}) {
      auto made = cell(allocator, "", {"malloc/larson", {{"blocks", "1000"}}});
      made.key.threads = 4;
      made.oversubscribed = true;
      rounds(store_.add_cell(made), allocator[0] == 'g' ? 40 : 20);
    }
  }

  void hostile_block() {
    ++block_;
    auto made = cell(hostile_name, "", {"malloc/a|b", {{"<k>", "*v*"}}});
    made.op = "an op | with a bar";
    rounds(store_.add_cell(made), 5);
    auto failing = cell("=cmd()", "", {"malloc/a|b", {{"<k>", "*v*"}}});
    fails(store_.add_cell(failing), 0, Outcome::wrong_answer,
          std::string("sum \x1b]0;x\a, \"1|2\""));
  }

  store::Store& store_;
  Shape shape_;
  Random random_;
  std::int64_t run_id_ = 0;
  std::uint64_t block_ = 0;
};

inline std::int64_t write_run(store::Store& store, Shape shape = {}) {
  return Author(store, shape).write();
}

}  // namespace churn::synthetic
