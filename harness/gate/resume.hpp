// What:  the plan of a gate that was interrupted, from the store alone, so that it goes on with the
//        same sides, seed, work and order.
// Why:   an hour of pairs is not to be lost to a Ctrl-C or a reboot, and pairs measured with other
//        work or another program are not pairs of the same gate.
// Errors: UserError for a run that is no gate; for sides that are not its own; and for programs
//        and libraries that were changed since it began, by name.
// When not: for a verdict, which replay.hpp gives.
#pragma once

#include <cstdint>

#include "harness/gate/sides.hpp"
#include "results/store/store.hpp"

namespace churn::gate {

// 0: the newest gate that has no verdict, or the newest of all.
std::int64_t gate_to_resume(store::Store& store);
GatePlan stored_plan(store::Store& store, std::int64_t run_id);

// Sides may be typed again and must then be the stored ones; nothing else may.
void check_same_sides(Wish const& typed, GatePlan const& stored);
// Of the cells' files, which of them was changed after the gate's first process had started.
void check_unchanged(GatePlan const& plan, store::Store& store, std::int64_t run_id);

}  // namespace churn::gate
