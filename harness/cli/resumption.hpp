// What:  whether a stored run or gate may go on here: by the same churn, on the same machine.
// Why:   what is measured from now on must be comparable with what it has already.
// Errors: UserError says what differs.
#pragma once

#include "results/store/store.hpp"

namespace churn::cli {

void check_same_conditions(store::Store& store, store::Run const& found);

}  // namespace churn::cli
