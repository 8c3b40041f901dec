// What:  runs one property, or the mutation test over several seeds, each in a child process.
// Why:   shared by the conformance test, the stress test and the programs with a seeded bug, none
//        of which may end because a collector crashes, hangs or overflows its stack.
#pragma once

#include <string>
#include <string_view>

#include "harness/conform/collector_suite.hpp"

namespace churn::conform {

// Both return what went wrong, with the seed where there is one; empty: nothing.
std::string failure_of(Property const& property);
std::string failure_of(CollectorSuite const& suite, MutationOptions options, std::uint64_t seeds);

// CHURN_TEST_SEED: this seed alone. CHURN_TEST_SEEDS: so many, from 1. Else `standard` of them.
std::string mutation_failure(CollectorSuite const& suite, MutationOptions options,
                             std::uint64_t standard);

// Why this collector cannot be looked at in this build; empty: it can.
std::string_view why_exempt(std::string_view collector) noexcept;

// CHURN_TEST_NIGHTLY is set: the slow properties as well.
bool nightly();

}  // namespace churn::conform
