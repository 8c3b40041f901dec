// Several markers on one heap: the properties of life and death, the largest objects, and the
// mutation test, on the tracing collectors with three markers. The registered ones are tested with
// their standard of one.
#include <gtest/gtest.h>

#include "collectors/generational_copying.hpp"
#include "collectors/mark_sweep.hpp"
#include "harness/conform/collector_lifetime.hpp"
#include "harness/conform/collector_limits.hpp"
#include "harness/conform/collector_mutation.hpp"
#include "tests/conformance/collectors/run.hpp"

namespace churn::conform {
namespace {

constexpr std::int64_t markers = 3;
constexpr std::uint64_t seeds = 4;

template <class C>
struct WithMarkers {
  struct Heap : C::Heap {
    explicit Heap(HeapOptions options) : C::Heap(with_markers(std::move(options))) {}
    static HeapOptions with_markers(HeapOptions options) {
      options.settings.push_back({"markers", markers});
      return options;
    }
  };
  using Mutator = collectors::TracingMutator<Heap>;
  static constexpr Traits const& traits = C::traits;
  static constexpr std::string_view summary = C::summary;
  static constexpr auto const& parameters = C::parameters;
};

template <class C>
class ParallelMarking : public testing::Test {};
using Collectors = testing::Types<mark_sweep::Collector, generational_copying::Collector>;
TYPED_TEST_SUITE(ParallelMarking, Collectors);

TYPED_TEST(ParallelMarking, properties_hold) {
  Properties properties;
  LifetimeProperties<WithMarkers<TypeParam>>::list(properties);
  LimitProperties<WithMarkers<TypeParam>>::list(properties);
  for (auto const& property : properties) {
    EXPECT_EQ(failure_of(property), "") << property.name << ": " << property.rule;
  }
}

TYPED_TEST(ParallelMarking, random_operations_agree_with_a_model) {
  CollectorSuite const suite{
      "three markers", TypeParam::traits, {}, {}, mutate<WithMarkers<TypeParam>>};
  EXPECT_EQ(mutation_failure(suite, {.operations = 2000, .collect_every = 7}, seeds), "");
  EXPECT_EQ(mutation_failure(suite, {.operations = 2000, .collect_every = 50, .threads = 3}, seeds),
            "");
}

}  // namespace
}  // namespace churn::conform
