#include <unistd.h>

#include <cstdio>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/gate/calibration.hpp"
#include "harness/gate/calibration_report.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/progress.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

std::vector<bool> loads_of(std::string const& text) {
  if (text == "quiet") return {false};
  if (text == "busy") return {true};
  if (text == "both" || text.empty()) return {false, true};
  throw UserError("--load " + text + " is none of quiet, busy and both");
}

bool measure(gate::CalibrationWish const& wish, store::Store& store) {
  Here const here;
  run::Interrupt interrupt;
  run::Progress progress(stderr, isatty(STDERR_FILENO) == 1);
  gate::CalibrationMeans means;
  means.here = &here.surroundings();
  means.interrupt = &interrupt;
  means.tell = [&](std::string const& what) { progress.note("churn: " + report::visible(what)); };
  means.show = [&](gate::CalibrationMoment const& moment) {
    std::string const what = moment.class_name + (moment.loaded ? ", busy, " : ", quiet, ") +
                             (moment.condition.empty() ? "no change" : moment.condition);
    progress.show({static_cast<std::uint32_t>(moment.pairs),
                   static_cast<std::uint32_t>(moment.wanted),
                   {},
                   {},
                   what});
  };
  return gate::calibrate(means, wish, store);
}

void print(gate::CalibrationReport const& report, CalibrateOptions const& options) {
  write_output("", options.json       ? gate::to_json(report)
                   : options.markdown ? gate::to_markdown(report)
                                      : gate::to_terminal(report, style_of_stdout()));
}

}  // namespace

int calibrate_gate(CalibrateOptions const& options) {
  gate::check(options.rule);
  if (options.report) {
    store::Store store(options.db, store::Store::Access::read);
    print(gate::calibration_report(store, 0, options.rule), options);
    return fine;
  }
  gate::CalibrationWish wish;
  wish.classes = gate::calibration_classes(options.classes);
  wish.loads = loads_of(options.load);
  wish.goal.pairs = options.pairs;
  wish.rule = options.rule;
  wish.command = options.command;
  store::Store store(options.db, store::Store::Access::run);
  if (measure(wish, store)) {
    print(gate::calibration_report(store, 0, options.rule), options);
    return fine;
  }
  std::fprintf(stderr,
               "churn: interrupted; the same command goes on, and with --report it shows "
               "what there is\n");
  return interrupted;
}

}  // namespace churn::cli
