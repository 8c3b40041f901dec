// `churn`: reads the command line into plain values and calls the subcommand.
#include <signal.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <iostream>

#include "harness/cli/arguments.hpp"
#include "harness/cli/commands.hpp"
#include "harness/core/error.hpp"
#include "harness/run/build_info.hpp"
#include "harness/run/plan_cells.hpp"
#include "results/export/export.hpp"
#include "results/export/findings.hpp"
#include "results/report/report.hpp"

namespace churn::cli {
namespace {

constexpr char default_db[] = "churn.db";
constexpr char names_help[] =
    "\nNames take settings in braces: jemalloc{MALLOC_CONF=narenas:1} sets its environment,\n"
    "managed/cycle-churn{ring=10} a parameter. Lists are separated by commas; '*' is everything.\n";

void add_db(CLI::App& command, std::string& db) {
  db = default_db;
  command.add_option("--db", db, "the store (default: churn.db)")->type_name("FILE");
}

void add_run_id(CLI::App& command, std::int64_t& id) {
  command
      .add_option_function<std::string>(
          "--run", [&id](auto const& text) { id = whole_number("--run", text, 1, INT64_MAX); },
          "the run's number (default: the newest)")
      ->type_name("ID");
}

void add_output(CLI::App& command, std::string& path) {
  command.add_option("-o,--output", path, "write to this file instead of stdout")
      ->type_name("FILE");
}

template <class Set>
CLI::Option* add_text(CLI::App& command, char const* option, char const* type, char const* help,
                      Set&& set) {
  return command.add_option_function<std::string>(option, std::forward<Set>(set), help)
      ->type_name(type);
}

void add_axes(CLI::App& command, run::Wish& wish) {
  add_text(command, "--matrix", "NAME", "smoke, quick, standard, or a FILE.toml",
           [&](auto const& text) { wish.matrix = text; });
  add_text(command, "--allocator", "A,B", "names, or paths of malloc libraries",
           [&](auto const& text) { wish.allocators = text; });
  add_text(command, "--collector", "A,B", "names; for managed workloads",
           [&](auto const& text) { wish.collectors = text; });
  add_text(command, "--workload", "A,B", "names, as malloc/larson",
           [&](auto const& text) { wish.workloads = text; });
  add_text(command, "--threads", "1,2", "numbers of threads",
           [&](auto const& text) { wish.threads = text; });
  add_text(command, "--heap", "LIMITS",
           "of each managed heap: 64Mi, or 1.5x,2x of the smallest that works",
           [&](auto const& text) { wish.heaps = run::parse_heaps(text); });
  add_text(command, "--cell", "CELL",
           "one cell instead, as allocator/collector/workload{...}@threads",
           [&](auto const& text) { wish.cell = text; });
  add_text(command, "--filter", "PATTERN", "only cells whose spelling has this in it, or matches *",
           [&](auto const& text) { wish.filter = text; });
  add_text(command, "--shard", "I/N", "only this share of the blocks, to spread over machines",
           [&](auto const& text) { wish.shard = run::parse_shard(text); });
}

void add_measuring(CLI::App& command, run::Wish& wish) {
  add_text(command, "--invocations", "N", "rounds: processes per cell", [&](auto const& text) {
    wish.rounds =
        static_cast<std::uint32_t>(whole_number("--invocations", text, 1, run::most_rounds));
  });
  add_text(command, "--budget", "TIME", "fit rounds and their length into this, as 5m",
           [&](auto const& text) { wish.budget_seconds = duration("--budget", text); });
  add_text(command, "--seed", "S", "of all randomness (default: a new one, stored)",
           [&](auto const& text) { wish.seed = any_seed(text); });
  add_text(command, "--baseline", "NAME", "back end that ratios are taken to",
           [&](auto const& text) { wish.baseline = text; });
  add_text(command, "--memory-cap", "BYTES", "of one process (default: half the memory here)",
           [&](auto const& text) {
             wish.memory_cap_bytes = static_cast<std::uint64_t>(
                 whole_number("--memory-cap", text, std::int64_t{16} << 20, INT64_MAX));
           });
  add_text(command, "--time-limit", "TIME", "of one process, as 90s or plain seconds (default: 60)",
           [&](auto const& text) {
             bool const plain = text.find_first_not_of("0123456789.") == std::string::npos;
             wish.time_limit_seconds = duration("--time-limit", plain ? text + "s" : text);
           });
}

void add_sides(CLI::App& command, gate::Wish& wish) {
  add_text(command, "--baseline", "NAME", "allocator or collector: a name, or a path",
           [&](auto const& text) { wish.baseline = text; });
  add_text(command, "--candidate", "NAME", "what is held against it",
           [&](auto const& text) { wish.candidate = text; });
  add_text(command, "--baseline-build", "DIR", "the same cells of another build, instead",
           [&](auto const& text) { wish.baseline_build = text; });
  add_text(command, "--baseline-command", "COMMAND", "two commands of a shell, instead",
           [&](auto const& text) { wish.baseline_command = text; });
  add_text(command, "--candidate-command", "COMMAND", "what is held against it",
           [&](auto const& text) { wish.candidate_command = text; });
}

void add_gate_axes(CLI::App& command, run::Wish& wish) {
  add_text(command, "--matrix", "NAME", "cells (default: those of quick that the sides concern)",
           [&](auto const& text) { wish.matrix = text; });
  add_text(command, "--allocator", "A,B", "names, where the sides are no allocators",
           [&](auto const& text) { wish.allocators = text; });
  add_text(command, "--collector", "A,B", "names, where the sides are no collectors",
           [&](auto const& text) { wish.collectors = text; });
  add_text(command, "--workload", "A,B", "names, as malloc/larson",
           [&](auto const& text) { wish.workloads = text; });
  add_text(command, "--threads", "1,2", "numbers of threads",
           [&](auto const& text) { wish.threads = text; });
  add_text(command, "--filter", "PATTERN", "only cells whose spelling has this in it, or matches *",
           [&](auto const& text) { wish.filter = text; });
}

void add_gate_limits(CLI::App& command, gate::Wish& wish) {
  add_text(command, "--cell-budget", "TIME",
           "of a cell, once more after an alarm; open cells share what is left (default: 20s)",
           [&](auto const& text) { wish.cell_budget_seconds = duration("--cell-budget", text); });
  add_text(command, "--tolerance", "PERCENT", "slower by no more than this passes (default: 0.5%)",
           [&](auto const& text) {
             wish.rule.tolerance = percentage("--tolerance", text);
             wish.tolerance_given = true;
           });
  add_text(command, "--detect", "PERCENT", "slower by this must be found (default: 3%)",
           [&](auto const& text) {
             wish.rule.detect = percentage("--detect", text);
             wish.detect_given = true;
           });
  add_text(command, "--rebuild", "N", "link each side in N random orders, which two builds need",
           [&](auto const& text) {
             wish.rule.layouts = static_cast<double>(whole_number("--rebuild", text, 2, 64));
           });
  command.add_flag_callback(
      "--tails", [&] { wish.rule.tails = 1; },
      "ask about the 99th percentile of batches of 1000 operations, too");
  add_text(command, "--seed", "S", "of all randomness (default: a new one, stored)",
           [&](auto const& text) { wish.axes.seed = any_seed(text); });
  add_text(
      command, "--time-limit", "TIME", "of one pair, as 90s (default: 60s)",
      [&](auto const& text) { wish.axes.time_limit_seconds = duration("--time-limit", text); });
}

// The application with all subcommands; what is parsed goes into these.
struct CommandLine {
  explicit CommandLine(std::string command) {
    run_options.wish.command = std::move(command);
    app.require_subcommand(1);
    app.set_help_flag("-h,--help", "this text");
    app.set_version_flag("--version", "churn " + run::version());
    app.footer(
        "\nExample: churn run --allocator jemalloc,mimalloc --workload malloc/larson\n"
        "Exit status: 0 fine, 1 the answer is no, 2 usage or infrastructure,\n"
        "3 inconclusive, 4 some cells failed, 130 interrupted.\n");
    add_list();
    add_run();
    add_report();
    add_export();
    add_doctor();
    add_minheap();
    add_gate();
    add_compare();
    add_conform();
    add_history();
    add_profile();
    add_record();
    add_replay();
    add_sizes();
    add_try();
  }

  CLI::App* add(char const* name, char const* summary, std::string const& footer) {
    CLI::App* const command = app.add_subcommand(name, summary);
    command->footer("\n" + footer);
    return command;
  }

  void add_list() {
    CLI::App* const command = add("list", "what can be measured, and with what",
                                  "Example: churn list workloads --long\n");
    command->add_option("what", list_options.what,
                        "allocators, collectors, workloads, matrices or metrics (default: all)");
    command->add_flag("--json", list_options.json, "for programs");
    command->add_flag("--long", list_options.long_form, "with parameters and sources");
  }

  void add_run() {
    CLI::App* const command =
        add("run", "measure, store and compare; without axes: --matrix quick",
            "Example: churn run --matrix quick --allocator glibc,./libmine.so --budget 2m\n" +
                std::string(names_help));
    add_axes(*command, run_options.wish);
    add_measuring(*command, run_options.wish);
    add_db(*command, run_options.db);
    command->add_flag("--overhead-split", run_options.wish.overhead_split,
                      "tell what allocation, barriers and reclamation cost, where that can be");
    command->add_flag("--memory-life", run_options.wish.memory_life,
                      "of malloc cells: what stays resident after their work; 11 s each");
    command->add_flag("--dirty-heap", run_options.wish.dirty_heap,
                      "begin with a heap full of holes, as after hours, not with a fresh one");
    command->add_flag("--resume", run_options.resume, "go on with the interrupted run in --db");
    command->add_flag("--dry-run", run_options.dry_run, "print the cells and measure nothing");
    command->add_flag("--json", run_options.json, "print the comparison as JSON");
    command->add_flag("--no-install", no_install,
                      "do not install missing packages (heeded by the launcher, ./churn)");
  }

  void add_report() {
    CLI::App* const command = add("report", "compare the back ends of a stored run",
                                  "Example: churn report --format html -o report.html\n");
    add_db(*command, report_options.db);
    add_run_id(*command, report_options.run_id);
    add_output(*command, report_options.output);
    report_options.format = "terminal";
    command->add_option("--format", report_options.format, std::string(report::format_names()));
    command->add_option("--baseline", report_options.baseline, "back end that ratios are taken to")
        ->type_name("NAME");
    command
        ->add_option("--against", report_options.against,
                     "in html: an earlier run, compared with this one")
        ->type_name("RUN");
    command->add_option("--gate", report_options.gate, "in html: a gate's verdicts")
        ->type_name("RUN");
  }

  void add_export() {
    CLI::App* const command = add("export", "a stored run's data for other programs",
                                  "Example: churn export --format google-benchmark -o run.json\n");
    add_db(*command, export_options.db);
    add_run_id(*command, export_options.run_id);
    add_output(*command, export_options.output);
    command->add_option("--format", export_options.format, std::string(exporting::format_names()))
        ->required();
  }

  void add_history() {
    CLI::App* const command =
        add("history", "one cell over all runs of a store, and where it changed",
            "Example: churn history glibc/malloc/larson@1 --metric peak_rss_bytes\n"
            "Settings, threads and heap limit may be left out where that names one cell.\n");
    command->add_option("cell", history_options.cell, "allocator/collector/workload{...}@threads")
        ->required();
    command->add_option("--metric", history_options.metric, "see churn list metrics")
        ->type_name("NAME");
    add_db(*command, history_options.db);
    add_output(*command, history_options.output);
    command->add_flag("--across-machines", history_options.across_machines,
                      "take in runs of other machines, and say so on every line");
    command->add_flag("--json", history_options.json, "for programs");
  }

  void add_minheap() {
    CLI::App* const command =
        add("minheap", "the smallest heap in which a cell runs, by bisection",
            "Example: churn minheap glibc/generational/managed/cycle-churn@1\n" +
                std::string(names_help));
    command->add_option("cell", minheap_options.cell, "allocator/collector/workload{...}@threads")
        ->required();
    add_text(*command, "--trials", "N", "runs that must all succeed (default: 5)",
             [&](auto const& text) {
               minheap_options.trials =
                   static_cast<std::uint32_t>(whole_number("--trials", text, 1, 1000));
             });
    command->add_flag("--json", minheap_options.json, "for programs");
  }

  void add_compare() {
    CLI::App* const command =
        add("compare", "two stored runs, cell by cell; `churn gate` is the stronger tool",
            "Example: churn compare 3 7\nExit status: 1 if a cell is slower.\n");
    auto const run = [&](char const* name, std::int64_t& id, char const* help) {
      command
          ->add_option_function<std::string>(
              name, [&id, name](auto const& text) { id = whole_number(name, text, 1, INT64_MAX); },
              help)
          ->required()
          ->type_name("RUN");
    };
    run("base", compare_options.baseline, "number of the run to compare with");
    run("candidate", compare_options.candidate, "number of the run that is compared");
    add_db(*command, compare_options.db);
    command->add_flag("--across-machines", compare_options.across_machines,
                      "compare runs of different machines, and say so on every line");
    add_text(*command, "--minimum-effect", "PERCENT", "smaller changes are none (default: 2%)",
             [&](auto const& text) {
               compare_options.minimum_effect = percentage("--minimum-effect", text);
             });
    command->add_flag("--json", compare_options.json, "for programs");
  }

  void add_gate() {
    CLI::App* const command = add(
        "gate", "is the candidate slower or bigger? Measured now, side by side, taking turns",
        "Example: churn gate --baseline jemalloc --candidate ./libmine.so\n"
        "Exit status: 0 pass, 1 regression, 3 inconclusive or unfit machine, 4 cells failed.\n" +
            std::string(names_help));
    gate_options.wish.axes.command = run_options.wish.command;
    add_sides(*command, gate_options.wish);
    add_gate_axes(*command, gate_options.wish.axes);
    add_gate_limits(*command, gate_options.wish);
    add_db(*command, gate_options.db);
    add_text(*command, "--replay", "RUN", "recompute the verdict of a stored gate instead",
             [&](auto const& text) {
               gate_options.replay = whole_number("--replay", text, 1, INT64_MAX);
             });
    command
        ->add_option("--output", gate_options.outputs,
                     std::string(exporting::finding_format_names()) + "; more than once: each")
        ->type_name("FORMAT[=FILE]")
        ->allow_extra_args(false);
    command->add_flag("--explain", gate_options.explain,
                      "count instructions, system calls and allocations of what regressed");
    command->add_flag("--resume", gate_options.resume, "go on with the interrupted gate in --db");
    command->add_flag("--json", gate_options.json, "for programs");
    add_calibration(*command);
  }

  void add_calibration(CLI::App& command) {
    command.add_flag("--calibrate", calibrates,
                     "measure this gate's own error rates here, for hours; can be interrupted");
    add_text(command, "--class", "A,B", "what to calibrate (default: every class); or a cell",
             [&](auto const& text) { calibrate_options.classes = text; });
    add_text(command, "--pairs", "N", "of what is promised, a class (default: 2000)",
             [&](auto const& text) {
               calibrate_options.pairs =
                   static_cast<std::uint64_t>(whole_number("--pairs", text, 1, 1'000'000));
             });
    add_text(command, "--load", "HOW", "quiet, busy (the other core is at work) or both",
             [&](auto const& text) { calibrate_options.load = text; });
    command.add_flag("--report", calibrate_options.report,
                     "with --calibrate: measure nothing, print the rates from the store");
    command.add_flag("--markdown", calibrate_options.markdown, "the rates as Markdown");
  }

  int calibrate_or_gate() const {
    bool const about_calibration = calibrate_options.report || calibrate_options.markdown ||
                                   !calibrate_options.classes.empty() ||
                                   !calibrate_options.load.empty();
    if (!calibrates && about_calibration) {
      throw UserError("--class, --load, --report and --markdown go with --calibrate");
    }
    if (!calibrates) return gate_sides(gate_options);
    gate::Wish const& wish = gate_options.wish;
    if (!wish.baseline.empty() || !wish.candidate.empty() || !wish.baseline_build.empty() ||
        !wish.baseline_command.empty() || !wish.candidate_command.empty()) {
      throw UserError("--calibrate makes its own sides; leave them out, --class says which cells");
    }
    CalibrateOptions options = calibrate_options;
    options.db = gate_options.db;
    options.json = gate_options.json;
    options.rule = gate_options.wish.rule;
    options.command = gate_options.wish.axes.command;
    return calibrate_gate(options);
  }

  void add_conform() {
    CLI::App* const command =
        add("conform", "is this allocator a correct malloc at all?",
            "Example: churn conform ./libmine.so\nExit status: 1 if it is not.\n");
    command->add_option("allocator", conform_options.allocator, "a name, or a path")->required();
    command->add_flag("--json", conform_options.json, "for programs");
  }

  void add_record() {
    CLI::App* const command = add("record", "a program's calls of malloc and free, as a trace file",
                                  "Example: churn record -o sort.trace -- python3 sort.py\n");
    command->add_option("command", record_options.command, "the program and its arguments")
        ->required()
        ->type_name("COMMAND");
    record_options.output = "churn.trace";
    command->add_option("-o,--output", record_options.output, "the trace (default: churn.trace)")
        ->type_name("FILE");
    command->add_flag("--children", record_options.children, "the processes that it starts too");
    add_text(*command, "--stacks", "BYTES", "take a call stack once in so many bytes allocated",
             [&](auto const& text) {
               record_options.bytes_per_stack = static_cast<std::uint64_t>(
                   whole_number("--stacks", text, 1, std::int64_t{1} << 40));
             });
  }

  void add_replay() {
    CLI::App* const command =
        add("replay", "a recorded program's calls, call by call, under each allocator",
            "Example: churn replay sort.trace --allocator glibc,mimalloc,bump\n"
            "In a matrix, a trace is the workload trace:FILE.\n" +
                std::string(names_help));
    replay_options.wish.command = run_options.wish.command;
    command
        ->add_option("trace", replay_options.trace, "churn's, Android's or mtrace()'s, or zipped")
        ->required()
        ->type_name("TRACE");
    add_text(*command, "--allocator", "A,B", "names, or paths of malloc libraries (default: all)",
             [&](auto const& text) { replay_options.wish.allocators = text; });
    add_text(*command, "--threads", "1,2", "threads (default: as many as lived at once)",
             [&](auto const& text) { replay_options.wish.threads = text; });
    add_text(*command, "--touch", "WHAT", "none, first or all bytes of a new block are written",
             [&](auto const& text) { replay_options.touch = text; });
    add_measuring(*command, replay_options.wish);
    add_db(*command, replay_options.db);
    command->add_flag("--json", replay_options.json, "print the comparison as JSON");
  }

  void add_profile() {
    CLI::App* const command =
        add("profile", "where a recorded program allocates, by call stack",
            "Example: churn record --stacks 4Ki -o a.trace -- sqlite3 :memory: '.read a.sql'\n"
            "         churn profile a.trace --top 5\n");
    command->add_option("trace", profile_options.trace, "recorded with --stacks")
        ->required()
        ->type_name("TRACE");
    add_text(*command, "--before", "TRACE", "an earlier recording, which is subtracted",
             [&](auto const& text) { profile_options.before = text; });
    add_text(*command, "--by", "ORDER", "live (at the peak), total, or lifetime",
             [&](auto const& text) { profile_options.by = text; });
    auto const number = [&](char const* option, std::uint32_t& into, char const* help) {
      add_text(*command, option, "N", help, [option, &into](auto const& text) {
        into = static_cast<std::uint32_t>(whole_number(option, text, 1, 10'000));
      });
    };
    number("--top", profile_options.top, "sites (default: 10)");
    number("--frames", profile_options.frames, "of each call stack (default: 6)");
    command->add_flag("--json", profile_options.json, "for programs");
  }

  void add_sizes() {
    CLI::App* const command = add("sizes", "what an allocator makes of each size that is asked for",
                                  "Example: churn sizes jemalloc\n" + std::string(names_help));
    command->add_option("allocator", sizes_options.allocator, "a name, or a path")->required();
    command->add_flag("--json", sizes_options.json, "for programs, every class");
  }

  void add_try() {
    CLI::App* const command =
        add("try", "which allocator is best for a program of yours?",
            "Example: churn try --budget 2m -- python3 report.py\n"
            "  a server: churn try --ready 'redis-cli -p 7777 ping' --stop TERM \\\n"
            "    --load 'redis-benchmark -p 7777 -q' -- redis-server --port 7777 --save ''\n"
            "Exit status: 0 fine, 2 the program fails as it is, or cannot be preloaded,\n"
            "4 it failed under an allocator, 130 interrupted: what was measured is told.\n" +
                std::string(names_help));
    add_try_subject(*command);
    trial::VariantWish& variants = try_options.variants;
    add_text(*command, "--allocator", "A,B",
             "names, or paths of malloc libraries (default: glibc and all that others wrote)",
             [&](auto const& text) { variants.allocators = text; });
    command->add_flag("--tuned", variants.tuned, "with the settings that people deploy, too");
    command->add_option("--vary", variants.vary, "settings of the environment to cross these with")
        ->type_name("NAME=a,b")
        ->allow_extra_args(false);
    add_text(*command, "--budget", "TIME", "of all of it (default: 5m)",
             [&](auto const& text) { try_options.budget_seconds = duration("--budget", text); });
    add_text(*command, "--invocations", "N", "rounds, instead of what the budget allows",
             [&](auto const& text) {
               try_options.rounds = static_cast<std::uint32_t>(
                   whole_number("--invocations", text, 1, trial::most_rounds));
             });
    add_text(*command, "--seed", "S", "of the order (default: a new one, stored)",
             [&](auto const& text) { try_options.seed = any_seed(text); });
    add_text(*command, "--worth", "PERCENT", "smaller differences are none (default: 2%)",
             [&](auto const& text) { try_options.worth = percentage("--worth", text); });
    add_text(*command, "--by", "WHAT", "rank by wall, cpu or memory (default: --metric, or wall)",
             [&](auto const& text) { try_options.by = trial::parse_by(text); });
    add_db(*command, try_options.db);
    add_text(*command, "--report", "RUN", "what a stored try says, instead of measuring one",
             [&](auto const& text) {
               try_options.report = whole_number("--report", text, 1, INT64_MAX);
             });
    command->add_flag("--json", try_options.json, "for programs");
  }

  void add_try_subject(CLI::App& command) {
    trial::Subject& subject = try_options.subject;
    try_options.command_line = run_options.wish.command;
    command.add_option("command", subject.command, "the program and its arguments, behind --")
        ->type_name("COMMAND");
    add_text(command, "--metric", "REGEX", "rank by a number in the output, as 'took ([0-9.]+)'",
             [&](auto const& text) { subject.metric = text; });
    command.add_flag("--larger-is-better", subject.larger_is_better, "of that number");
    add_text(command, "--prepare", "LINE", "of a shell, before each run, not timed",
             [&](auto const& text) { subject.prepare = text; });
    add_text(command, "--ready", "LINE", "of a shell: ends well once the server can be asked",
             [&](auto const& text) { subject.ready = text; });
    add_text(command, "--load", "LINE", "of a shell: what asks the server, and is timed",
             [&](auto const& text) { subject.load = text; });
    add_text(command, "--stop", "SIGNAL", "that ends the server (default: TERM)",
             [&](auto const& text) { subject.stop_signal = trial::parse_signal(text); });
    add_text(
        command, "--time-limit", "TIME", "of one run (default: 20 times the first one's)",
        [&](auto const& text) { subject.time_limit_seconds = duration("--time-limit", text); });
    add_text(command, "--memory-cap", "BYTES", "of all its processes (default: half of what is)",
             [&](auto const& text) {
               subject.memory_cap_bytes = static_cast<std::uint64_t>(
                   whole_number("--memory-cap", text, std::int64_t{16} << 20, INT64_MAX));
             });
  }

  void add_doctor() {
    CLI::App* const command = add("doctor", "what on this machine makes numbers noisy, and the fix",
                                  "Example: churn doctor\n");
    command->add_flag("--json", doctor_options.json, "for programs");
  }

  int dispatch() const {
    if (app.got_subcommand("list")) return list(list_options);
    if (app.got_subcommand("run")) return run(run_options);
    if (app.got_subcommand("report")) return report(report_options);
    if (app.got_subcommand("export")) return export_run(export_options);
    if (app.got_subcommand("minheap")) return minheap(minheap_options);
    if (app.got_subcommand("compare")) return compare(compare_options);
    if (app.got_subcommand("history")) return history(history_options);
    if (app.got_subcommand("gate")) return calibrate_or_gate();
    if (app.got_subcommand("conform")) return conform(conform_options);
    if (app.got_subcommand("profile")) return profile(profile_options);
    if (app.got_subcommand("sizes")) return sizes(sizes_options);
    if (app.got_subcommand("record")) return record(record_options);
    if (app.got_subcommand("replay")) return replay(replay_options);
    if (app.got_subcommand("try")) return try_program(try_options);
    return doctor(doctor_options);
  }

  CLI::App app{
      "measures what memory management costs: allocators x collectors x workloads x threads",
      "churn"};
  ListOptions list_options;
  RunOptions run_options;
  ReportOptions report_options;
  ExportOptions export_options;
  DoctorOptions doctor_options;
  GateOptions gate_options;
  CalibrateOptions calibrate_options;
  bool calibrates = false;
  CompareOptions compare_options;
  ConformOptions conform_options;
  HistoryOptions history_options;
  MinheapOptions minheap_options;
  ProfileOptions profile_options;
  RecordOptions record_options;
  ReplayOptions replay_options;
  SizesOptions sizes_options;
  TryOptions try_options;
  bool no_install = false;
};

void check_subcommand(CLI::App const& app, std::string const& name) {
  std::vector<std::string> names;
  for (auto const* const each : app.get_subcommands({})) {
    names.push_back(each->get_name());
    if (name == names.back()) return;
  }
  throw UserError("there is no command " + name + run::did_you_mean(name, names) +
                  " (`churn --help` shows all)");
}

int parse_and_run(int count, char** words) {
  CommandLine line(command_line(count, words));
  if (count < 2) {
    std::cout << line.app.help();
    return fine;
  }
  if (words[1][0] != '-') check_subcommand(line.app, words[1]);
  try {
    line.app.parse(count, words);
  } catch (CLI::Success const& request) {  // --help, --version
    return line.app.exit(request);
  } catch (CLI::ParseError const& error) {
    throw UserError(std::string(error.what()) + "; see churn " +
                    (words[1][0] == '-' ? "" : words[1] + std::string(" ")) + "--help");
  }
  return line.dispatch();
}

}  // namespace
}  // namespace churn::cli

int main(int count, char** words) {
  signal(SIGPIPE, SIG_IGN);  // a reader that goes away is a failed write, with its own exit status
  try {
    return churn::cli::parse_and_run(count, words);
  } catch (churn::UserError const& error) {
    std::fprintf(stderr, "churn: %s\n", error.what());
  } catch (std::exception const& error) {
    std::fprintf(stderr, "churn: stopped by an unexpected error: %s\n", error.what());
  }
  return churn::cli::usage_or_infrastructure;
}
