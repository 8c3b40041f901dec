// What:  a report over 1 000 000 stored samples: its time and its peak memory, against the limits
//        of 2 s, or 3 s for 5 000 cells, and 200 MB; and as HTML of 3 s, 500 MB and a file of 6 MB.
//        Run by `meson test --benchmark`, never by the tests.
// Usage: report_benchmark [FOLDER]; the stores and the page stay in a folder that is named.
// Prints: one line a figure; exits 1 where a limit is passed.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/core/clock.hpp"
#include "harness/core/random.hpp"
#include "results/report/html/html.hpp"
#include "results/report/report.hpp"
#include "tests/store/child.hpp"

namespace churn {
namespace {

struct Size {
  std::uint32_t cells, rounds, samples;
};

struct Limits {
  double time_s = 2, memory_mb = 200, file_mb = 6;
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

std::size_t write_report(std::string const& path, bool html) {
  store::Store store(path, store::Store::Access::read);
  if (!html) return report::render(report::build(store, 0), "markdown").size();
  report::Details details;
  auto const findings = report::build(store, 0, {}, details.visitor());
  auto const text = report::to_html(findings, details);
  std::ofstream(path + ".html", std::ios::binary) << text;
  return text.size();
}

bool measure(std::string const& path, Size size, bool html, Limits limits) {
  // A child of its own: the memory of writing the store is not the report's.
  auto const told =
      testing::spawn([&](int output) {
        auto const start_ns = now_ns();
        std::size_t const length = write_report(path, html);
        double const time_s = static_cast<double>(now_ns() - start_ns) / 1e9;
        rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        double const memory_mb = static_cast<double>(usage.ru_maxrss) / 1000;
        double const cpu_s = static_cast<double>(process_cpu_ns()) / 1e9;
        testing::say(output, std::to_string(time_s) + " " + std::to_string(cpu_s) + " " +
                                 std::to_string(memory_mb) + " " + std::to_string(length));
      }).wait();
  double time_s, cpu_s, memory_mb;
  std::size_t length;
  if (std::sscanf(told.c_str(), "%lf %lf %lf %zu", &time_s, &cpu_s, &memory_mb, &length) != 4 ||
      length == 0) {
    std::printf("no report: %s\n", told.c_str());
    return false;
  }
  double const file_mb = static_cast<double>(length) / 1e6;
  bool const kept =
      time_s < limits.time_s && memory_mb < limits.memory_mb && file_mb < limits.file_mb;
  std::printf(
      "%s, %u cells, %u rounds, %u samples: %.2f s (limit %.0f; CPU %.2f s), %.0f MB (limit %.0f), "
      "a file of %.2f MB (limit %.0f)%s\n",
      html ? "html" : "markdown", size.cells, size.rounds, size.samples, time_s, limits.time_s,
      cpu_s, memory_mb, limits.memory_mb, file_mb, limits.file_mb, kept ? "" : ": too much");
  return kept;
}

bool measure_both(std::string const& path, Size size, Limits limits) {
  write_store(path, size);
  bool const kept = measure(path, size, false, limits);
  if (report::html_available()) return measure(path, size, true, {3, 500, 6}) && kept;
  std::printf("html: not in this build, which was made without npm\n");
  return kept;
}

int run(char const* folder) {
  char name[] = "/tmp/churn-report-XXXXXX";
  CHURN_CHECK(folder != nullptr || mkdtemp(name) != nullptr);
  std::string const directory = folder != nullptr ? folder : name;
  // A million samples each: many invocations of the usual length, fewer long ones, many
  // cells.
  bool const usual = measure_both(directory + "/usual.db", {250, 200, 20}, {2});
  bool const longer = measure_both(directory + "/long.db", {250, 20, 200}, {2});
  bool const wide = measure_both(directory + "/wide.db", {5000, 10, 20}, {3});
  if (folder == nullptr) std::filesystem::remove_all(directory);
  return usual && longer && wide ? 0 : 1;
}

}  // namespace
}  // namespace churn

int main(int count, char** arguments) { return churn::run(count > 1 ? arguments[1] : nullptr); }
