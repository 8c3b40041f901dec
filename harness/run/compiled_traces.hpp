// What:  the traces of a run, each compiled once for a number of threads into memory that cells
//        map.
// Why:   reading and compiling takes longer than a slice, and the cell must not do it: its tables
//        would come from the allocator under test.
// Errors: UserError as in harness/trace. What is odd about a trace is said once, on stderr.
// Not thread-safe. The paths hold while this object lives.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "harness/run/descriptor.hpp"

namespace churn::run {

class CompiledTraces {
 public:
  // The file that a cell opens.
  std::string path_of(std::string const& trace, std::uint32_t threads);
  // By how many threads a trace can be replayed at most.
  static std::uint32_t threads_of(std::string const& trace);

 private:
  std::map<std::pair<std::string, std::uint32_t>, Descriptor> files_;
};

}  // namespace churn::run
