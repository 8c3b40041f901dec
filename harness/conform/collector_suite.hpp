// What:  everything that can be asked of one collector: its properties and its mutation test. A
//        generated unit makes one CollectorSuite per collector; this is where all templates are
//        instantiated.
// Why:   one unit per collector and no test framework in it, so that adding a collector costs its
//        own compilation alone, and the same unit serves the tests and the seeded bugs.
// Cost:  about 3 CPU-seconds to compile per collector.
#pragma once

#include "harness/conform/collector_concurrent.hpp"
#include "harness/conform/collector_control.hpp"
#include "harness/conform/collector_finalizers.hpp"
#include "harness/conform/collector_lifetime.hpp"
#include "harness/conform/collector_limits.hpp"
#include "harness/conform/collector_mutation.hpp"
#include "harness/conform/collector_refusal.hpp"
#include "harness/conform/collector_roots.hpp"
#include "harness/conform/collector_slots.hpp"
#include "harness/conform/collector_threads.hpp"
#include "harness/conform/collector_weak.hpp"

namespace churn::conform {

struct CollectorSuite {
  std::string_view name;
  Traits traits;
  Properties properties;
  Properties nightly;  // slow ones
  void (*mutate)(MutationOptions const&);
};

template <Collector C>
CollectorSuite make_suite(std::string_view name) {
  CollectorSuite suite{name, C::traits, {}, {}, mutate<C>};
  SlotProperties<C>::list(suite.properties);
  RootProperties<C>::list(suite.properties);
  LifetimeProperties<C>::list(suite.properties);
  LimitProperties<C>::list(suite.properties);
  ThreadProperties<C>::list(suite.properties);
  if constexpr (C::traits.concurrent) ConcurrentProperties<C>::list(suite.properties);
  if constexpr (C::traits.weak) WeakProperties<C>::list(suite.properties);
  if constexpr (C::traits.finalizers) FinalizerProperties<C>::list(suite.properties);
  if constexpr (CountsReferences<typename C::Mutator>) CountProperties<C>::list(suite.properties);
  if constexpr (C::traits.controls) ControlProperties<C>::list(suite.properties);
  if constexpr (C::traits.in_place) InPlaceProperties<C>::list(suite.properties);
  RefusalProperties<C>::list(suite.properties);
  LimitProperties<C>::list_nightly(suite.nightly);
  RefusalProperties<C>::list_nightly(suite.nightly);
  return suite;
}

// Defined by a generated table: every suite of this program, alphabetical.
std::vector<CollectorSuite> collector_suites();

}  // namespace churn::conform
