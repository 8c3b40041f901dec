// What:  the property that a heap survives, or ends properly, when memory is refused at any moment:
//        the 1st, 2nd, 3rd … request of a random run, once or from then on.
// Why:   memory that ends in the middle of a collection, or of a table's growth, is where a heap
//        is half of what it was and half of what it will be.
// How:   each refusal in a child of its own; it must end well, with every check of the mutation
//        test passed, or with the outcome out-of-memory. The last one is that at which the run no
//        longer asks for so much.
// When not: builds without CHURN_VERIFYING refuse nothing.
// Cost:  a child a refusal; the short form skips ever more of them, the nightly one none.
#pragma once

#include "harness/conform/collector_child.hpp"
#include "harness/conform/collector_mutation.hpp"
#include "harness/core/refusal.hpp"

namespace churn::conform {

template <Collector C>
struct RefusalProperties {
  static constexpr unsigned seconds = 60;
  static constexpr int stopped = 70;

  // Whether it ran to its end. Throws a Violation if it ended otherwise than it may.
  static bool runs_with(std::int64_t granted, Refusal how) {
    auto const body = [&] {
      refusal::refuse_after(granted, how);
      mutate<C>({.seed = 17, .operations = 400, .collect_every = 13});
    };
    Ending const ending = run_in_child(body, seconds);
    if (ending.failure().empty()) return true;
    if (ending.exit_status != stopped || !ending.errors.starts_with("churn: out-of-memory: ")) {
      violated("refused after " + std::to_string(granted) + " requests, it ends with " +
                   ending.failure(),
               Place::current());
    }
    return false;
  }

  static void refuse_each(std::int64_t skipping) {
    for (std::int64_t granted = 0;; granted += 1 + granted / skipping) {
      runs_with(granted, Refusal::once);
      if (runs_with(granted, Refusal::from_then_on)) return;
    }
  }
  static void any_refusal_is_survived() { refuse_each(6); }
  static void each_refusal_is_survived() { refuse_each(1'000'000); }

  static void list(Properties& properties) {
    properties.push_back({"any_refusal_is_survived", "of one request, or of all from it on",
                          any_refusal_is_survived});
  }
  static void list_nightly(Properties& properties) {
    properties.push_back({"each_refusal_is_survived", "none skipped", each_refusal_is_survived});
  }
};

}  // namespace churn::conform
