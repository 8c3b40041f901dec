#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "allocators/catalogue.hpp"
#include "harness/cli/arguments.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/run/installation.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/machine.hpp"
#include "harness/run/progress.hpp"
#include "harness/try/findings.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

void say_of_try(std::string const& text) { std::fprintf(stderr, "churn: %s\n", text.c_str()); }

int print(trial::Findings const& findings, TryOptions const& options) {
  write_output("", options.json ? trial::to_json(findings)
                                : trial::to_terminal(findings, style_of_stdout()));
  return findings.failed != 0 ? some_cells_failed : fine;
}

// A file that stands at our standard input is read anew by each run; a pipe or a terminal could be
// read only once.
std::string input_of_runs() {
  struct stat status{};
  bool const is_file = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? "/proc/self/fd/0" : "/dev/null";
}

trial::Wish wish_of(TryOptions const& options) {
  trial::Wish wish;
  wish.subject = options.subject;
  check(wish.subject);
  wish.subject.input = input_of_runs();
  if (wish.subject.memory_cap_bytes == 0) {
    wish.subject.memory_cap_bytes = run::usable_memory_bytes(run::SystemFiles()) / 2;
  }
  wish.variants = trial::make_variants(
      options.variants, allocators::Catalogue(run::find_installation().malloc_libraries));
  wish.budget_seconds = options.budget_seconds;
  wish.rounds = options.rounds;
  wish.seed = options.seed ? *options.seed : run::random_seed();
  wish.worth = options.worth;
  wish.by = options.by;
  wish.command = options.command_line;
  for (auto const& word : wish.subject.command) {
    wish.line += (wish.line.empty() ? "" : " ") + quoted(word);
  }
  return wish;
}

run::Step step_of(trial::Progress const& now) {
  run::Step step;
  step.done = now.done;
  step.total = now.total;
  step.eta = run::Eta{0, now.seconds_left};
  step.what = "round " + std::to_string(now.round) + "  " + report::visible(now.variant);
  return step;
}

}  // namespace

int try_program(TryOptions const& options) {
  if (options.report) {
    store::Store store(options.db, store::Store::Access::read);
    return print(trial::findings_of(store, *options.report, {options.worth, options.by}), options);
  }
  if (options.subject.metric.empty() && options.subject.larger_is_better) {
    throw UserError("--larger-is-better says of --metric which way is better; there is none");
  }
  trial::Wish const wish = wish_of(options);
  store::Store store(options.db, store::Store::Access::run);
  trial::Ended ended;
  {
    run::Progress progress(stderr, isatty(STDERR_FILENO) == 1);
    run::Interrupt interrupt;
    trial::Listener const listener{
        [&](trial::Progress const& now) { progress.show(step_of(now)); },
        [&](std::string const& text) { progress.note("churn: " + text); }};
    ended = trial::try_out(wish, store, interrupt, listener);
  }
  if (ended.run_id == 0) {
    say_of_try("interrupted during the first run; nothing was measured");
    return interrupted;
  }
  int const status =
      print(trial::findings_of(store, ended.run_id, {options.worth, options.by}), options);
  say_of_try((ended.interrupted ? "interrupted; run " : "run ") + std::to_string(ended.run_id) +
             " is in " + options.db + "; churn try --report " + std::to_string(ended.run_id) +
             " shows it again");
  return ended.interrupted ? interrupted : status;
}

}  // namespace churn::cli
