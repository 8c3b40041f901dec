#include "tests/conformance/collectors/run.hpp"

#include <cstdlib>

#include "harness/conform/collector_child.hpp"

namespace churn::conform {
namespace {

constexpr unsigned child_seconds =
    120;  // to be sure of a hang, on a busy machine under a sanitizer

std::uint64_t number_in_environment(char const* name, std::uint64_t otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

std::string failure_of(Property const& property) {
  return run_in_child(property.run, child_seconds).failure();
}

std::string failure_of(CollectorSuite const& suite, MutationOptions options, std::uint64_t seeds) {
  std::uint64_t const first = options.seed;
  for (; options.seed < first + seeds; ++options.seed) {
    auto const mutate = [&] { suite.mutate(options); };
    std::string const failure = run_in_child(mutate, child_seconds).failure();
    if (failure.empty()) continue;
    return failure + "\nagain: CHURN_TEST_SEED=" + std::to_string(options.seed);
  }
  return "";
}

std::string mutation_failure(CollectorSuite const& suite, MutationOptions options,
                             std::uint64_t standard) {
  options.seed = number_in_environment("CHURN_TEST_SEED", 0);
  if (options.seed != 0) return failure_of(suite, options, 1);
  options.seed = 1;
  return failure_of(suite, options, number_in_environment("CHURN_TEST_SEEDS", standard));
}

std::string_view why_exempt(std::string_view collector) noexcept {
  if (__tsan_init == nullptr || collector != "boehm") return {};
  return "bdwgc stops threads by signals, which the thread sanitizer holds back until too late";
}

bool nightly() { return std::getenv("CHURN_TEST_NIGHTLY") != nullptr; }

}  // namespace churn::conform
