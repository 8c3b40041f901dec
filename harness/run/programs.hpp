// What:  what the cell programs can run, read from their --describe: `churn` includes no
// collector's
//        and no workload's header. A program that speaks another protocol version is refused by
//        name.
// Errors: UserError with the program's path and what it did instead of describing itself.
// Cost:  all programs of a directory run at once: some ten milliseconds together.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace churn::run {

struct Parameter {
  std::string name, summary;
  std::int64_t standard = 0, minimum = 0, maximum = 0;
  std::vector<std::string> words = {};  // if any, a value is the index of one, and written so
};

struct WorkloadDescription {
  std::string name;  // "managed/cycle-churn"
  std::string summary, source, op;
  std::vector<Parameter> parameters;
  std::uint32_t min_threads = 1, max_threads = 1;
  bool disposes = false, makes_cycles = false;
  bool reads_file = false;   // named as NAME:FILE
  std::string why_unranked;  // empty: its times rank and average back ends
};

struct ProgramDescription {
  std::string path;
  std::string collector;  // empty: churn-cell-malloc
  std::string summary;
  std::map<std::string, std::int64_t> traits;  // every field of Traits by its name
  std::vector<Parameter> parameters;
  std::vector<std::string> modes;        // of invocations; a program that says none has the first
                                         // three: time, count and pilot
  std::vector<std::string> extra_work;   // shapes of it that can be asked for
  std::vector<std::string> varies_with;  // environment variables on which the traits depend
  std::vector<WorkloadDescription> workloads;         // all, also those that it cannot run
  std::map<std::string, std::string> not_applicable;  // workload -> reason
  std::map<std::string, std::string> no_split;        // the same, of the overhead split

  bool has(std::string const& trait) const {
    auto const found = traits.find(trait);
    return found != traits.end() && found->second != 0;
  }
};

// Runs --describe of every churn-cell-* in the directory; in alphabetical order of collectors, the
// malloc program first.
std::vector<ProgramDescription> describe_programs(std::string const& directory);
// One program, by path: a collector that lives elsewhere, or one in this environment.
ProgramDescription describe_program(std::string const& path,
                                    std::map<std::string, std::string> const& environment = {});
// What `text`, the words of the program at `path`, say.
ProgramDescription parse_description(std::string_view text, std::string const& path);

}  // namespace churn::run
