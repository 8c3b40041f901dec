#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/publish.hpp"
#include "harness/cli/resumption.hpp"
#include "harness/core/error.hpp"
#include "harness/gate/explain.hpp"
#include "harness/gate/measurer.hpp"
#include "harness/gate/output.hpp"
#include "harness/gate/replay.hpp"
#include "harness/gate/resume.hpp"
#include "harness/gate/session.hpp"
#include "harness/run/execute.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/progress.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

using store::Store;

// A regression outranks a cell that failed, which outranks what is open.
int exit_status(gate::Judgement const& judgement) {
  if (judgement.verdict == gate::Verdict::regression) return answer_is_no;
  if (judgement.failed_cells) return some_cells_failed;
  bool const green =
      judgement.verdict == gate::Verdict::pass || judgement.verdict == gate::Verdict::new_cell;
  return green ? fine : inconclusive;
}

// `files_only`: what was interrupted prints no findings, but leaves none of an earlier gate behind.
void print(gate::Replay const& replay, bool finished, GateOptions const& options,
           bool files_only = false) {
  auto const outputs = parse_outputs(options.outputs);
  if (!files_only && options.json) write_output("", gate::to_json(replay, finished));
  if (!files_only && !options.json && !takes_stdout(outputs)) {
    write_output("", gate::to_terminal(replay, finished, style_of_stdout()));
  }
  for (Output const& each : outputs) {
    if (files_only && each.path.empty()) continue;
    publish(gate::findings_of(replay, finished), each);
  }
}

int show_again(GateOptions const& options) {
  Store store(options.db, Store::Access::read);
  gate::Replay const replay = gate::replay(store, *options.replay);
  if (std::string const why = gate::disagreement(store, replay); !why.empty()) {
    throw UserError("run " + std::to_string(replay.run.id) + " does not replay: " + why);
  }
  bool const finished = !replay.gate.verdict.empty();
  print(replay, finished, options);
  return finished ? exit_status(replay.judgement) : inconclusive;
}

run::Surroundings of_build(std::string const& directory, allocators::Catalogue const& catalogue,
                           run::Installation const& installation, Here const& here) {
  run::Surroundings there = here.surroundings();
  there.programs = run::describe_programs(installation.cell_programs);
  there.catalogue = &catalogue;
  if (there.programs.empty()) throw UserError("there are no cell programs in " + directory);
  return there;
}

// A build directory, or a prefix that churn is installed in.
run::Installation other_build(std::string const& directory) {
  namespace fs = std::filesystem;
  for (char const* const place : {"/harness/cli", "/bin"}) {
    if (fs::exists(directory + place + "/churn")) return run::installation_of(directory + place);
  }
  throw UserError("--baseline-build " + directory +
                  " is neither a build directory of churn nor where it is installed");
}

gate::GatePlan plan(GateOptions const& options, Here const& here) {
  std::string const& directory = options.wish.baseline_build;
  if (directory.empty()) return gate::plan_gate(options.wish, here.surroundings(), nullptr);
  run::Installation const installation = other_build(directory);
  allocators::Catalogue const catalogue(installation.malloc_libraries);
  run::Surroundings const there = of_build(directory, catalogue, installation, here);
  return gate::plan_gate(options.wish, here.surroundings(), &there);
}

int measure(gate::GatePlan const& planned, Store& store, std::int64_t run_id,
            GateOptions const& options) {
  bool complete = false, explained = true;
  {
    run::Interrupt interrupt;
    auto const measurer = planned.commands ? gate::make_command_measurer(planned, interrupt)
                                           : gate::make_cell_measurer(planned, interrupt);
    run::Progress progress(stderr, isatty(STDERR_FILENO) == 1);
    auto const show = [&](gate::Moment const& moment) {
      progress.show({static_cast<std::uint32_t>(moment.cells_done),
                     static_cast<std::uint32_t>(moment.cells),
                     {},
                     {},
                     report::counted(moment.pairs, "pair") + (moment.fresh ? " again  " : "  ") +
                         moment.cell});
    };
    complete = gate::run_gate({measurer.get(), show}, planned, store, run_id);
    if (complete && options.explain) {
      std::fprintf(stderr, "churn: counting instructions and system calls of what regressed\n");
      explained = gate::explain_regressions(planned, gate::replay(store, run_id), store, interrupt);
    }
  }
  gate::Replay const replay = gate::replay(store, run_id);
  if (!complete) {
    print(replay, false, options, true);
    std::fprintf(
        stderr,
        "churn: interrupted, so there is no verdict; `churn gate --resume` goes on, `churn gate "
        "--replay %lld` shows what was measured\n",
        static_cast<long long>(run_id));
    return interrupted;
  }
  try {
    print(replay, true, options);
  } catch (UserError const& error) {
    throw UserError(std::string(error.what()) + "; the verdict, " +
                    std::string(name_of(replay.judgement.verdict)) + ", is stored: `churn gate " +
                    "--replay " + std::to_string(run_id) + "` gives every output again");
  }
  return explained ? exit_status(replay.judgement) : interrupted;
}

int resume(GateOptions const& options) {
  {
    Store const existing(options.db, Store::Access::read);
  }  // makes none where there is none
  Store store(options.db, Store::Access::run);
  std::int64_t const run_id = gate::gate_to_resume(store);
  gate::GatePlan const planned = gate::stored_plan(store, run_id);
  gate::check_same_sides(options.wish, planned);
  store::Run const found = store.run(run_id);
  if (found.finished) {
    std::fprintf(stderr, "churn: nothing to resume: gate %lld has its verdict\n",
                 static_cast<long long>(run_id));
    gate::Replay const replay = gate::replay(store, run_id);
    print(replay, true, options);
    return exit_status(replay.judgement);
  }
  check_same_conditions(store, found);
  gate::check_unchanged(planned, store, run_id);
  return measure(planned, store, run_id, options);
}

}  // namespace

int gate_sides(GateOptions const& options) {
  require_places(parse_outputs(options.outputs), options.json);
  if (options.replay && options.resume) throw UserError("--replay and --resume exclude each other");
  if (options.replay) return show_again(options);
  if (options.resume) return resume(options);
  Here const here;
  gate::GatePlan const planned = plan(options, here);
  for (std::string const& each : planned.left_out) {
    std::fprintf(stderr, "churn: left out: %s\n", report::visible(each).c_str());
  }
  Store store(options.db, Store::Access::run);
  std::int64_t const run_id = run::begin(planned.plan, store, "gate");
  gate::begin_gate(planned, store, run_id);
  return measure(planned, store, run_id, options);
}

}  // namespace churn::cli
