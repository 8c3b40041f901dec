// Runs a conformance suite until something fails: the program of one planted bug. Exit status 1 if
// a property or the mutation test failed, 0 if nothing did. An argument names one suite of several.
#include <cstdio>

#include "tests/conformance/collectors/run.hpp"

namespace churn::conform {
namespace {

std::string first_failure(CollectorSuite const& suite) {
  for (auto const& property : suite.properties) {
    std::string const failure = failure_of(property);
    if (!failure.empty()) return std::string(property.name) + ": " + failure;
  }
  std::string const failure = failure_of(suite, {}, 4);
  return failure.empty() ? "" : "random operations: " + failure;
}

}  // namespace
}  // namespace churn::conform

int main(int argc, char** argv) {
  using namespace churn::conform;
  for (auto const& suite : collector_suites()) {
    if (argc > 1 && suite.name != argv[1]) continue;
    std::string failure = first_failure(suite);
    if (failure.empty()) continue;
    for (char& letter : failure) letter = letter == '\n' ? ' ' : letter;
    std::printf("%.*s: %s\n", static_cast<int>(suite.name.size()), suite.name.data(),
                failure.c_str());
    return 1;
  }
  std::puts("nothing failed");
  return 0;
}
