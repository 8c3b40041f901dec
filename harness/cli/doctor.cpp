#include "harness/run/doctor.hpp"

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

std::string as_json(std::vector<run::Examination> const& items) {
  report::JsonWriter json(2);
  json.begin_array();
  for (auto const& each : items) {
    json.begin_object()
        .member("item", each.item)
        .member("health", run::name_of(each.health))
        .member("found", each.found)
        .member("how", each.how)
        .member("fix", each.fix)
        .end_object();
  }
  json.end_array();
  return json.take() + "\n";
}

std::string as_text(std::vector<run::Examination> const& items, std::size_t width) {
  static constexpr std::size_t indent = 9;
  std::string text;
  std::size_t warnings = 0;
  for (auto const& each : items) {
    std::string const health(run::name_of(each.health));
    text += health + std::string(indent - health.size(), ' ') + each.item + ": " +
            report::visible(each.found) + "  [" + each.how + "]\n";
    if (each.fix.empty()) continue;
    ++warnings;
    for (auto const& line : report::wrapped(each.fix, width - indent)) {
      text += std::string(indent, ' ') + line + "\n";
    }
  }
  if (warnings == 0) return text + "\nNothing on this machine is known to make numbers noisy.\n";
  return text + "\n" + report::counted(warnings, "thing") +
         " on this machine can make numbers noisy; intervals in reports show how much.\n";
}

}  // namespace

int doctor(DoctorOptions const& options) {
  auto const items = run::examine_machine();
  write_output("", options.json ? as_json(items) : as_text(items, style_of_stdout().width));
  return fine;
}

}  // namespace churn::cli
