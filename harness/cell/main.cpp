// The main of every cell program. With --churn_request it runs one cell for `churn`; with
// --describe it says what it can run; else it is an ordinary Google Benchmark program, to be run by
// hand under perf, gdb or a sanitizer. Google Benchmark owns registration, filter and JSON; the
// times are the slice clock's.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "harness/cell/describe.hpp"
#include "harness/cell/invocation.hpp"
#include "harness/cell/program.hpp"
#include "harness/cell/proof.hpp"
#include "harness/cell/record.hpp"
#include "harness/cell/request.hpp"
#include "harness/cell/turns.hpp"
#include "harness/core/check.hpp"
#include "harness/core/error.hpp"
#include "harness/core/protocol.hpp"

namespace churn::cell {
namespace {

constexpr int usage_exit_status = 2;
constexpr std::uint64_t by_hand_target_ns = 5'000'000;

// Results go into the record; the report on standard output would be noise.
class Silent final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(Context const&) override { return true; }
  void ReportRuns(std::vector<Run> const&) override {}
};

// operator new has no other way to say that the allocator gave NULL than an exception that no
// workload expects; this makes it an outcome.
[[noreturn]] void no_memory() {
  stop(Outcome::out_of_memory, "operator new: the allocator returned NULL");
}

void timed_loop(benchmark::State& state, Invocation& invocation, std::uint64_t ops_per_slice) {
  for (auto _ : state) {
    state.SetIterationTime(static_cast<double>(invocation.run_slice()) * 1e-9);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * ops_per_slice));
}

void run_under_google_benchmark(Request const& request, Invocation& invocation) {
  auto const body = [&](benchmark::State& state) {
    timed_loop(state, invocation,
               request.units / request.samples * invocation.measurement().ops_per_unit);
  };
  benchmark::RegisterBenchmark(request.workload.c_str(), body)
      ->Iterations(static_cast<std::int64_t>(request.samples))
      ->UseManualTime();
  Silent silent;
  benchmark::RunSpecifiedBenchmarks(&silent);
}

void require_presence(Request const& request) {
  bool const told = program.collector != nullptr &&
                    (program.collector->traits.reports_objects || request.entry->make_oracle);
  if (!told) stop(Outcome::not_applicable, "this back end does not tell what its heap holds");
}

void require_split(Request const& request) {
  if (request.entry->make_split == nullptr) {
    stop(Outcome::not_applicable, "no overhead split: %s",
         std::string(request.entry->why_no_split).c_str());
  }
  if (request.context.threads != 1) {
    stop(Outcome::not_applicable, "no overhead split: it is measured with one thread");
  }
}

void require_life() {
  if (program.collector == nullptr) return;
  stop(Outcome::not_applicable, "what a heap keeps after its objects died is asked of malloc");
}

void run_request(Request const& request) {
  set_check_context(request.workload + ", seed " + std::to_string(request.context.seed));
  if (request.mode == Mode::presence) require_presence(request);
  if (request.mode == Mode::split) require_split(request);
  if (request.mode == Mode::life) require_life();
  Proof proof;
  if (request.prove) proof = prove(request.mode == Mode::count ? std::nullopt : request.library);
  if (request.prove && request.mode != Mode::count && !proof.failure.empty()) {
    stop(Outcome::unproved, "%s", proof.failure.c_str());
  }
  Invocation invocation(request);
  try {
    if (request.mode == Mode::turns) {
      take_turns(request, invocation);
      write_record(request, proof, invocation.measurement());
      return;
    }
    invocation.set_up();
  } catch (UserError const& problem) {  // parameters that only together make no sense
    stop(Outcome::not_applicable, "%s", problem.what());
  }
  switch (request.mode) {
    case Mode::time:
      run_under_google_benchmark(request, invocation);
      break;
    case Mode::count:
    case Mode::split:
      for (std::uint64_t i = 0; i < request.samples; ++i) invocation.run_slice();
      break;
    case Mode::pilot:
      invocation.pilot();
      break;
    case Mode::presence:
      invocation.look();
      break;
    case Mode::life:
      invocation.live();
      break;
    case Mode::turns:  // ran above
      break;
  }
  invocation.finish();
  write_record(request, proof, invocation.measurement());
}

// By hand: standard parameters, the least threads, slices of about 5 ms as a pilot finds them.
void run_by_hand(benchmark::State& state, Entry const& entry) {
  Request request;
  request.workload = std::string(program.kind()).append(entry.info->name);
  request.entry = &entry;
  request.context.threads = entry.info->min_threads;
  request.context.settings = filled_in(entry.info->parameters, {}, request.workload);
  if (program.collector != nullptr) {
    request.heap.settings = filled_in(program.collector->parameters, {}, program.collector->name);
  }
  request.target_ns = by_hand_target_ns;
  request.mode = Mode::pilot;
  {
    Invocation pilot(request);
    pilot.set_up();
    pilot.pilot();
    request.warmup_units = pilot.measurement().slice_units;
    pilot.finish();
  }
  request.mode = Mode::time;
  request.samples = static_cast<std::uint64_t>(state.max_iterations);
  request.units = request.samples * request.warmup_units;
  Invocation invocation(request);
  invocation.set_up();
  timed_loop(
      state, invocation,
      request.warmup_units * invocation.measurement().ops_per_unit * request.context.threads);
  invocation.finish();
  char label[32];
  std::snprintf(label, sizeof label, "checksum %016llx",
                static_cast<unsigned long long>(invocation.measurement().checksum));
  state.SetLabel(label);
}

int run_google_benchmark(int argc, char** argv) {
  for (Entry const& entry : program.entries) {
    if (entry.make == nullptr) continue;
    std::string const name = std::string(program.kind()).append(entry.info->name);
    benchmark::RegisterBenchmark(name.c_str(), [&entry](benchmark::State& state) {
      run_by_hand(state, entry);
    })->UseManualTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    std::fprintf(stderr, "%s also takes --describe, --churn_request=FILE and --churn_record=FILE\n",
                 argv[0]);
    return usage_exit_status;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

int run(int argc, char** argv) {
  std::optional<std::string> request_path;
  std::string record_path = "-";
  for (int i = 1; i < argc; ++i) {
    std::string_view const argument = argv[i];
    if (argument == describe_option) {
      std::puts(describe().c_str());
      return 0;
    }
    if (argument.starts_with(request_option)) request_path = argument.substr(request_option.size());
    if (argument.starts_with(record_option)) record_path = argument.substr(record_option.size());
  }
  std::set_new_handler(no_memory);
  if (!request_path) return run_google_benchmark(argc, argv);
  open_record(record_path);
  run_request(read_request(*request_path));
  return 0;
}

}  // namespace
}  // namespace churn::cell

int main(int argc, char** argv) {
  try {
    return churn::cell::run(argc, argv);
  } catch (std::exception const& problem) {
    std::fprintf(stderr, "%s: %s\n", argv[0], problem.what());
    return churn::cell::usage_exit_status;
  }
}
