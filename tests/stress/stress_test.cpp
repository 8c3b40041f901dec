// The mutation test of every registered collector with a collection forced at every Nth
// allocation, and with several mutators on one heap where the collector allows them.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/conformance/collectors/run.hpp"

namespace churn::conform {
namespace {

constexpr std::uint64_t seeds = 4;

class Stress : public testing::Test {
 public:
  Stress(CollectorSuite const& suite, MutationOptions options) : suite_(suite), options_(options) {}
  void TestBody() override { EXPECT_EQ(mutation_failure(suite_, options_, seeds), ""); }

 private:
  CollectorSuite suite_;
  MutationOptions options_;
};

void add(CollectorSuite const& suite, MutationOptions options) {
  std::string const name = "collects_every_" + std::to_string(options.collect_every) + "_with_" +
                           std::to_string(options.threads) + "_threads";
  testing::RegisterTest(std::string(suite.name).c_str(), name.c_str(), nullptr, nullptr, __FILE__,
                        __LINE__, [=]() -> testing::Test* { return new Stress(suite, options); });
}

}  // namespace
}  // namespace churn::conform

int main(int argc, char** argv) {
  using namespace churn::conform;
  testing::InitGoogleTest(&argc, argv);
  for (auto const& suite : collector_suites()) {
    if (std::string_view const why = why_exempt(suite.name); !why.empty()) {
      std::printf("%s is left out: %s\n", std::string(suite.name).c_str(),
                  std::string(why).c_str());
      continue;
    }
    for (std::uint64_t const every : {1, 2, 7}) {
      add(suite, {.operations = 2000, .collect_every = every});
    }
    for (std::uint32_t const threads : {3, 5}) {
      if (threads > suite.traits.max_mutators) continue;
      for (std::uint64_t const every : {1, 7, 50}) {
        add(suite, {.operations = 2000, .collect_every = every, .threads = threads});
      }
    }
  }
  return RUN_ALL_TESTS();
}
