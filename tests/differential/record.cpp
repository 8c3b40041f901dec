// Writes programs and what `generational` shows of them, one JSON object a line, for a Python
// interpreter to repeat: record 3.13 FIRST_SEED LAST_SEED OPERATIONS.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/generational.hpp"
#include "tests/differential/execution.hpp"

namespace churn::differential {
namespace {

std::string written(Operation const& each) {
  return "[\"" + std::string(code_names[static_cast<std::size_t>(each.code)]) + "\"," +
         std::to_string(each.a) + ',' + std::to_string(each.b) + ',' + std::to_string(each.c) +
         ',' + std::to_string(each.hook) + ']';
}
std::string written(Event const& each) {
  return '[' + std::to_string(each.operation) + ",\"" +
         std::string(seen_names[static_cast<std::size_t>(each.seen)]) + "\"," +
         std::to_string(each.value) + ']';
}
template <class T>
std::string written(std::vector<T> const& list) {
  std::string text = "[";
  for (T const& each : list) text += (text.size() == 1 ? "" : ",") + written(each);
  return text + ']';
}

int record(std::string_view version, std::uint64_t first, std::uint64_t last,
           std::uint64_t operations) {
  HeapOptions options;
  auto const& versions = generational::versions;
  auto const found = std::find(versions.begin(), versions.end(), version);
  if (found == versions.end()) {
    std::fprintf(stderr, "there are no rules of Python %s here\n", version.data());
    return 2;
  }
  options.settings = {{"python", found - versions.begin()}};
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    Program const program = make_program(seed, operations, Profile::replayable);
    Log const log = execute<generational::Collector>(program, Profile::replayable, options);
    std::string text = "{\"seed\":" + std::to_string(seed);
    text += ",\"operations\":" + written(program.operations);
    text += ",\"hooks\":" + written(program.hooks) + ",\"log\":" + written(log) + '}';
    std::puts(text.c_str());
  }
  return 0;
}

}  // namespace
}  // namespace churn::differential

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s VERSION FIRST_SEED LAST_SEED OPERATIONS\n", argv[0]);
    return 2;
  }
  return churn::differential::record(argv[1], std::strtoull(argv[2], nullptr, 10),
                                     std::strtoull(argv[3], nullptr, 10),
                                     std::strtoull(argv[4], nullptr, 10));
}
