#include <cstdio>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/run/execute.hpp"
#include "harness/trace/compile.hpp"
#include "harness/trace/read.hpp"
#include "results/report/report.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

constexpr char floor_allocator[] = "bump";
constexpr std::uint64_t memory_for_floor_bytes = std::uint64_t{6} << 30;

void say_about_trace(std::string const& text) { std::fprintf(stderr, "churn: %s\n", text.c_str()); }

std::string mib(std::uint64_t bytes) { return report::bytes_text(static_cast<double>(bytes)); }

void describe_trace(trace::Trace const& trace, trace::Summary const& summary) {
  for (auto const& each : trace.remarks) say_about_trace(report::visible(each));
  if (!trace.command.empty()) say_about_trace("recorded: " + report::visible(trace.command));
  std::string text = report::counted(summary.calls, "call") + " by " +
                     report::counted(summary.threads, "thread") + ", of which " +
                     std::to_string(summary.lanes) + " lived at once; " + mib(summary.total_bytes) +
                     " asked for, at most " + mib(summary.peak_live_bytes) + " in " +
                     report::counted(summary.peak_live_blocks, "block") + " alive";
  if (trace.processes.size() > 1) {
    text = "of " + report::counted(trace.processes.size(), "process image") + ", the busiest (" +
           report::visible(trace.processes[summary.process].command) + "): " + text;
  }
  say_about_trace(text);
  if (summary.left_out != 0) {
    say_about_trace(report::counted(summary.left_out, "call") +
                    " left out, on blocks that the trace did not see being made");
  }
}

// What replaying takes with the quickest allocator bounds what replaying itself takes. That is not
// always bump, which never gives the caches a block that they know.
void say_what_replay_costs(report::Report const& findings) {
  double least_ns = 0;
  std::string with;
  for (auto const& block : findings.blocks) {
    for (auto const& row : block.rows) {
      auto const found = row.metrics.find("cpu_per_op_ns");
      if (found == row.metrics.end() || found->second.median <= 0) continue;
      if (least_ns != 0 && found->second.median >= least_ns) continue;
      least_ns = found->second.median;
      with = row.key.allocator.name;
    }
  }
  if (least_ns == 0) return;
  char number[32];
  std::snprintf(number, sizeof number, "%.1f", least_ns);
  say_about_trace(std::string("replaying itself costs less than ") + number +
                  " ns of CPU time a call: all of it with " + report::visible(with) +
                  " takes so much");
}

// The most that was alive at once, as counted under the replay and as the trace has it. With
// several threads the most depends on who is faster, so nothing is compared then.
void check_live_bytes(report::Report const& findings, trace::Summary const& summary) {
  for (auto const& block : findings.blocks) {
    if (block.threads != 1) continue;
    for (auto const& row : block.rows) {
      auto const found = row.metrics.find("peak_live_bytes");
      if (found == row.metrics.end()) continue;
      auto const counted = static_cast<std::uint64_t>(found->second.median);
      bool const same = counted == summary.peak_live_bytes;
      say_about_trace("live bytes at the peak, as counted: " + std::to_string(counted) +
                      (same ? ", as in the trace"
                            : "; the trace says " + std::to_string(summary.peak_live_bytes)));
      return;
    }
  }
}

}  // namespace

int replay(ReplayOptions const& options) {
  Here const here;
  run::Wish wish = options.wish;
  std::string const touch = options.touch.empty() ? "" : "{touch=" + options.touch + "}";
  wish.workloads = "trace:" + options.trace + touch;
  if (!wish.allocators) {
    wish.allocators = "*";
    if (here.surroundings().memory_bytes >= memory_for_floor_bytes) {
      *wish.allocators += std::string(",") + floor_allocator + "{prefault=2Gi}";
    }
  }
  trace::Summary summary;
  {
    trace::Trace const trace = trace::read_trace(options.trace);
    summary = summarize(trace, trace::busiest_process(trace));
    describe_trace(trace, summary);
  }
  if (!wish.threads) wish.threads = std::to_string(summary.lanes);
  run::Plan const plan = run::make_plan(wish, here.surroundings());
  store::Store store(options.db, store::Store::Access::run);
  std::int64_t const id = run::begin(plan, store);
  if (run::execute(plan, store, id).interrupted) {
    say_about_trace("interrupted; `churn run --resume` goes on");
    return interrupted;
  }
  report::Report const findings = report::build(store, id);
  write_output("", options.json ? report::to_json(findings)
                                : report::to_terminal(findings, style_of_stdout()));
  say_what_replay_costs(findings);
  check_live_bytes(findings, summary);
  return findings.failed_cells != 0 ? some_cells_failed : fine;
}

}  // namespace churn::cli
