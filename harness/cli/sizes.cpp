#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/run/environment.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/names.hpp"
#include "harness/run/private_directory.hpp"
#include "harness/run/spawn.hpp"
#include "harness/run/supervise.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

struct SizeClass {
  std::uint64_t first = 0, usable = 0;  // requests from `first` to `usable`
};

std::string answer_to(run::Launch const& launch) {
  run::Interrupt interrupt;
  run::Ended const ended =
      run::supervise(run::spawn(launch), now_ns(), {0, 30'000'000'000}, interrupt);
  if (ended.how == run::Ended::How::exited && ended.status == 0) return ended.record;
  throw UserError("the sizes could not be asked: " + report::visible(ended.words));
}

std::vector<SizeClass> classes_of(allocators::ResolvedAllocator const& allocator) {
  run::PrivateDirectory directory;
  std::string const& library = allocator.info.library;
  run::Launch launch;
  launch.program = run::find_installation().cell_programs + "/churn-sizes";
  launch.arguments = {"churn-sizes", run::child_record_path};
  if (!library.empty()) {
    struct stat status{};
    if (stat(library.c_str(), &status) != 0) throw UserError("cannot find " + library);
    launch.arguments.insert(launch.arguments.end(), {library, std::to_string(status.st_dev),
                                                     std::to_string(status.st_ino)});
  }
  launch.environment = run::cell_environment(allocator.environment, directory.link_to(library));
  std::istringstream text(answer_to(launch));
  std::vector<SizeClass> result;
  for (SizeClass each; text >> each.first >> each.usable;) result.push_back(each);
  if (result.empty()) throw UserError("the allocator told no sizes");
  return result;
}

// Classes in a row that grow by the same step are one line.
std::string size_table(std::string const& name, std::vector<SizeClass> const& classes) {
  std::string text = name + ": bytes asked for and usable, by size class, up to 1 MiB\n" +
                     "      asked for          usable      step  classes  unused, mean\n";
  for (std::size_t i = 0; i + 1 < classes.size();) {
    std::uint64_t const step = classes[i + 1].usable - classes[i].usable;
    std::size_t end = i + 1;
    while (end + 1 < classes.size() && classes[end].usable - classes[end - 1].usable == step) ++end;
    double unused = 0;
    for (std::size_t k = i; k < end; ++k) {
      double const half = static_cast<double>(classes[k].usable - classes[k].first) / 2;
      unused += half / static_cast<double>(classes[k].usable);
    }
    std::string const asked =
        std::to_string(classes[i].first) + "-" + std::to_string(classes[end - 1].usable);
    std::string const usable = end - i == 1 ? std::to_string(classes[i].usable)
                                            : std::to_string(classes[i].usable) + "-" +
                                                  std::to_string(classes[end - 1].usable);
    char line[120];
    std::snprintf(line, sizeof line, "%15s %15s %9llu %8zu %12.1f%%\n", asked.c_str(),
                  usable.c_str(), static_cast<unsigned long long>(step), end - i,
                  100 * unused / static_cast<double>(end - i));
    text += line;
    i = end;
  }
  return text;
}

std::string size_json(std::string const& name, std::vector<SizeClass> const& classes) {
  nlohmann::ordered_json json{{"allocator", name}, {"classes", nlohmann::ordered_json::array()}};
  for (auto const& each : classes) {
    json["classes"].push_back(
        {{"first_requested_bytes", each.first}, {"usable_bytes", each.usable}});
  }
  return json.dump(1) + "\n";
}

}  // namespace

int sizes(SizesOptions const& options) {
  allocators::Catalogue const catalogue(run::find_installation().malloc_libraries);
  store::Named const named = run::parse_name(options.allocator);
  allocators::ResolvedAllocator const allocator = catalogue.resolve(named.name, named.settings);
  auto const classes = classes_of(allocator);
  write_output("", options.json ? size_json(options.allocator, classes)
                                : size_table(report::visible(options.allocator), classes));
  return fine;
}

}  // namespace churn::cli
