#include <sys/wait.h>

#include <cstdio>
#include <cstring>

#include "harness/cli/commands.hpp"
#include "harness/core/error.hpp"
#include "harness/run/installation.hpp"
#include "harness/run/private_directory.hpp"
#include "harness/trace/record.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

void say_about_recording(std::string const& text) {
  std::fprintf(stderr, "churn: %s\n", text.c_str());
}

std::string how_the_program_ended(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return std::string("the program was ended by a signal (") + strsignal(WTERMSIG(wait_status)) +
           "); what it did until then is recorded";
  }
  return "the program ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace

int record(RecordOptions const& options) {
  run::PrivateDirectory directory;
  trace::RecordOptions asked;
  asked.command = options.command;
  asked.recorder =
      directory.link_to(run::find_installation().malloc_libraries + "/libchurn_record.so");
  asked.output = options.output;
  asked.children = options.children;
  asked.bytes_per_stack = options.bytes_per_stack;
  trace::Recorded const done = trace::record(asked);
  if (done.wait_status != 0) say_about_recording(how_the_program_ended(done.wait_status));
  if (done.lost != 0) {
    say_about_recording(report::counted(done.lost, "call") +
                        " of the program could not be written down");
  }
  char each[32];
  std::snprintf(
      each, sizeof each, "%.2f",
      done.calls == 0 ? 0.0 : static_cast<double>(done.bytes) / static_cast<double>(done.calls));
  say_about_recording(
      report::counted(done.calls, "call") + " of " + report::counted(done.threads, "thread") +
      " in " + std::to_string(done.processes) + (done.processes == 1 ? " process" : " processes") +
      " are in " + options.output + ", " + each + " bytes each");
  return done.interrupted ? interrupted : fine;
}

}  // namespace churn::cli
