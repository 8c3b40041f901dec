#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/resumption.hpp"
#include "harness/core/error.hpp"
#include "harness/run/execute.hpp"
#include "harness/run/smallest_heap.hpp"
#include "results/report/report.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

using store::Store;

constexpr char report_file[] = "churn-report.md";

void say(std::string const& text) { std::fprintf(stderr, "churn: %s\n", text.c_str()); }

void print_cells(run::Plan const& plan) {
  std::string text;
  std::size_t runnable = 0;
  for (auto const& each : plan.cells) {
    text += report::visible(store::spelled(each.key));
    if (each.oversubscribed) text += "  (oversubscribed)";
    if (each.why_not.empty()) {
      ++runnable;
    } else {
      text += "  (not run: " + report::visible(each.why_not) + ")";
    }
    text += "\n";
  }
  text += report::counted(runnable, "cell") + " in " + report::counted(plan.rounds, "round") +
          ", about " + duration_text(run::estimated_seconds(plan)) + "; seed " +
          std::to_string(plan.seed) + "\n";
  write_output("", text);
}

bool asks_for_cells(run::Wish const& wish) {
  return wish.matrix || wish.allocators || wish.collectors || wish.workloads || wish.threads ||
         wish.cell || !wish.heaps.empty() || wish.baseline || wish.rounds || wish.budget_seconds ||
         wish.seed || wish.memory_cap_bytes || wish.time_limit_seconds || wish.filter ||
         wish.overhead_split || wish.memory_life || wish.dirty_heap || wish.shard.count != 1;
}

// The newest run that is not finished, gates aside; else the newest, of which nothing is left to
// measure.
store::Run run_to_resume(Store& store, std::string const& db) {
  auto const runs = store.runs();
  if (runs.empty()) throw UserError("there is no run in " + db + " to resume");
  for (auto each = runs.rbegin(); each != runs.rend(); ++each) {
    if (each->kind == "run" && !each->finished) return *each;
  }
  return store.run(0);
}

// The comparison on stdout, and the same as a file beside the store.
int conclude(Store& store, std::int64_t run_id, RunOptions const& options) {
  report::Report const findings = report::build(store, run_id);
  auto const beside = std::filesystem::path(options.db).parent_path() / report_file;
  write_output(beside.string(), report::to_markdown(findings));
  write_output("", options.json ? report::to_json(findings)
                                : report::to_terminal(findings, style_of_stdout()));
  say("run " + std::to_string(run_id) + " is in " + options.db + ", the report in " +
      beside.string());
  return findings.failed_cells != 0 ? some_cells_failed : fine;
}

int measure(run::Plan const& plan, Store& store, std::int64_t run_id, RunOptions const& options) {
  run::Ending const ending = run::execute(plan, store, run_id);
  if (!ending.interrupted) return conclude(store, run_id, options);
  say("interrupted; what was measured is in " + options.db +
      ", and `churn run --resume` goes on with it");
  return interrupted;
}

// The plan in the heaps that were wished for; nothing: interrupted while it looked for multiples.
std::optional<run::Plan> in_heaps(run::Plan const& plan, std::vector<run::HeapWish> const& heaps) {
  std::map<std::uint64_t, std::uint64_t> smallest;
  bool const any_multiple =
      std::any_of(heaps.begin(), heaps.end(), [](auto const& each) { return each.bytes == 0; });
  if (any_multiple) {
    auto const found = run::smallest_heaps(plan, say);
    if (!found) return std::nullopt;
    smallest = *found;
  }
  return run::with_heaps(plan, heaps, smallest);
}

int resume(RunOptions const& options) {
  if (asks_for_cells(options.wish)) {
    throw UserError("--resume goes on with the plan in " + options.db +
                    "; leave out everything but --db");
  }
  {
    Store const existing(options.db, Store::Access::read);
  }  // makes none where there is none
  Store store(options.db, Store::Access::run);
  store::Run const found = run_to_resume(store, options.db);
  if (found.finished) {
    say("nothing to resume: run " + std::to_string(found.id) + " is finished");
    return conclude(store, found.id, options);
  }
  check_same_conditions(store, found);
  return measure(run::plan_from_json(found.plan), store, found.id, options);
}

}  // namespace

int run(RunOptions const& options) {
  if (options.resume) return resume(options);
  Here const here;
  run::Plan plan = run::make_plan(options.wish, here.surroundings());
  if (options.dry_run) {
    print_cells(plan);
    if (!options.wish.heaps.empty()) {
      say("managed cells run once for each --heap; multiples are searched for when they are run");
    }
    return fine;
  }
  if (!options.wish.heaps.empty()) {
    auto const limited = in_heaps(plan, options.wish.heaps);
    if (!limited) return interrupted;
    plan = *limited;
  }
  Store store(options.db, Store::Access::run);
  return measure(plan, store, run::begin(plan, store), options);
}

}  // namespace churn::cli
