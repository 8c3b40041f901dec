// What:  the tables of a store, as a list of steps: step i takes a file from version i to version i
//        + 1.
// Rule:  a step that was ever released is never edited; a change is a new step at the end. A new
//        file runs all steps, an old one those it lacks, in one transaction.
#pragma once

#include <span>

namespace churn::store {

// What `PRAGMA application_id` says of a churn store: "chrn".
inline constexpr int application_id = 0x6368726e;

std::span<char const* const> schema_steps() noexcept;

// The version that this program reads and writes.
inline int schema_version() noexcept { return static_cast<int>(schema_steps().size()); }

}  // namespace churn::store
