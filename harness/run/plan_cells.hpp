// What:  the product of a star's axes as checked cells: names looked up, parameters filled in and
// held
//        against their bounds, impossible combinations given their reason.
// Why:   apart from planning.hpp, which decides what the axes are.
// Errors: UserError for what does not exist or has no meaning: a name, a parameter, a number out of
//        bounds, a path that is no malloc library. Not for a combination: that is `why_not` of its
//        cell.
// Not thread-safe: remembers what it has looked up.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/matrix.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/planning.hpp"

namespace churn::run {

class CellPlanner {
 public:
  explicit CellPlanner(Surroundings const& surroundings) : surroundings_(surroundings) {}

  // "*" becomes everything registered on that axis, no collectors become refcount.
  Star expanded(Star const& star) const;
  // pre: `star` is expanded. Cells that are not yet in `cells` go to its end.
  void plan(Star const& star, std::vector<PlannedCell>& cells);

 private:
  struct Collector {
    ProgramDescription const* program = nullptr;
    store::Named key;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::int64_t> parameters;
  };
  struct Workload {
    WorkloadDescription const* description = nullptr;
    store::Named key;
    std::map<std::string, std::int64_t> parameters;
    std::string file;                // absolute; empty: reads none
    std::uint32_t most_threads = 0;  // that the file allows; 0: as the description says
  };
  // Either ready to run, or why it is not.
  struct Allocator {
    store::Named key;
    allocators::ResolvedAllocator resolved;
    std::string why_not;
  };

  Allocator const& allocator(store::Named const& named);
  Collector collector(store::Named const& named);
  Workload workload(store::Named const& named);
  void read_file_of(Workload& workload, std::string const& file);
  ProgramDescription const& program_of(std::string const& collector);
  ProgramDescription const& variant(ProgramDescription const& program,
                                    std::map<std::string, std::string> const& environment);
  PlannedCell cell(Allocator const& allocator, Collector const& collector, Workload const& workload,
                   std::uint32_t threads, std::uint64_t heap_bytes) const;
  // pre: the cell's key is set
  static std::string why_no_split(PlannedCell const& cell, ProgramDescription const& program);
  std::string why_not(PlannedCell const& cell, Allocator const& allocator,
                      Collector const& collector, Workload const& workload) const;
  void choose_reference(PlannedCell& cell, Workload const& workload) const;
  std::uint64_t block_of(PlannedCell const& cell, std::vector<PlannedCell> const& cells) const;

  Surroundings const& surroundings_;
  std::map<store::Named, Allocator> allocators_;
  std::map<std::string, ProgramDescription> programs_elsewhere_;  // by path
  std::map<std::pair<std::string, std::map<std::string, std::string>>, ProgramDescription>
      variants_;                                // by path and environment
  std::map<std::string, std::uint32_t> lanes_;  // of traces, by path
};

// Each parameter with its value: what is set, else its standard. `whose` is for messages. Keys that
// belong to the environment are left alone.
std::map<std::string, std::int64_t> filled_in(std::vector<Parameter> const& parameters,
                                              store::Named const& named, std::string const& whose);

// "; did you mean A or B?" or nothing.
std::string did_you_mean(std::string const& name, std::vector<std::string> const& known);

}  // namespace churn::run
