// What:  a report over 1 000 000 stored samples: its time and its peak memory, against the limits
//        of 2 s, or 3 s for 5 000 cells, and 200 MB. Run by `meson test --benchmark`, never by the
//        tests.
// Prints: one line a figure; exits 1 where a limit is passed.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "harness/core/clock.hpp"
#include "harness/core/random.hpp"
#include "results/report/report.hpp"
#include "tests/store/child.hpp"

namespace churn {
namespace {

constexpr double limit_mb = 200;

struct Size {
  std::uint32_t cells, rounds, samples;
  double limit_s;
};

void write_store(std::string const& path, Size size) {
  store::Store store(path, store::Store::Access::create);
  store::Run run;
  run.rounds = size.rounds;
  run.baseline = "glibc";
  auto const run_id = store.add_run(run, {});
  Random random(1);
  for (std::uint32_t i = 0; i < size.cells; ++i) {
    store::Cell cell;
    cell.run_id = run_id;
    cell.key.allocator.name = i % 10 == 0 ? "glibc" : "allocator-" + std::to_string(i % 10);
    cell.key.workload = {"malloc/synthetic-" + std::to_string(i / 50),
                         {{"part", std::to_string(i / 10)}}};
    cell.block = i / 10;
    cell.samples = size.samples;
    cell.ops_per_sample = 1000;
    auto const cell_id = store.add_cell(cell);
    for (std::uint32_t round = 0; round < size.rounds; ++round) {
      store::Invocation invocation;
      invocation.cell_id = cell_id;
      invocation.round = round;
      invocation.outcome = Outcome::ok;
      for (std::uint32_t sample = 0; sample < size.samples; ++sample) {
        invocation.sample_ns.push_back(100'000 + random.below(10'000));
        invocation.sample_cpu_ns.push_back(100'000 + random.below(10'000));
      }
      for (auto const* const name :
           {"cpu_per_op_ns", "system_per_op_ns", "minor_faults", "rss_start_bytes",
            "peak_rss_bytes", "slowest_batch_ns", "pause_max_ns", "collections_gen2"}) {
        invocation.figures[name] = random.unit();
      }
      store.add_invocation(invocation);
    }
  }
}

bool measure(std::string const& path, Size size) {
  write_store(path, size);
  // A child of its own: the memory of writing is not the report's.
  auto const told =
      testing::spawn([&](int output) {
        auto const start_ns = now_ns();
        store::Store store(path, store::Store::Access::read);
        auto const text = report::render(report::build(store, 0), "markdown");
        double const time_s = static_cast<double>(now_ns() - start_ns) / 1e9;
        rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        double const memory_mb = static_cast<double>(usage.ru_maxrss) / 1000;
        double const cpu_s = static_cast<double>(process_cpu_ns()) / 1e9;
        testing::say(output, std::to_string(time_s) + " " + std::to_string(cpu_s) + " " +
                                 std::to_string(memory_mb) + " " + std::to_string(text.size()));
      }).wait();
  double time_s, cpu_s, memory_mb;
  std::size_t length;
  if (std::sscanf(told.c_str(), "%lf %lf %lf %zu", &time_s, &cpu_s, &memory_mb, &length) != 4 ||
      length == 0) {
    std::printf("no report: %s\n", told.c_str());
    return false;
  }
  bool const kept = time_s < size.limit_s && memory_mb < limit_mb;
  std::printf(
      "%u cells, %u rounds, %u samples: %.2f s (limit %.0f; CPU %.2f s), %.0f MB (limit %.0f)%s\n",
      size.cells, size.rounds, size.samples, time_s, size.limit_s, cpu_s, memory_mb, limit_mb,
      kept ? "" : ": too much");
  return kept;
}

int run() {
  char name[] = "/tmp/churn-report-XXXXXX";
  CHURN_CHECK(mkdtemp(name) != nullptr);
  std::string const directory = name;
  // A million samples each: many invocations of the usual length, fewer long ones, many
  // cells.
  bool const usual = measure(directory + "/usual.db", {250, 200, 20, 2});
  bool const longer = measure(directory + "/long.db", {250, 20, 200, 2});
  bool const wide = measure(directory + "/wide.db", {5000, 10, 20, 3});
  std::filesystem::remove_all(directory);
  return usual && longer && wide ? 0 : 1;
}

}  // namespace
}  // namespace churn

int main() { return churn::run(); }
