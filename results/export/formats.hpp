// What:  the formats of an export, one function each; internal to results/export.
#pragma once

#include <ostream>

#include "results/store/store.hpp"

namespace churn::exporting {

void write_csv(store::Store& store, store::Run const& run, std::ostream& out);
void write_jsonl(store::Store& store, store::Run const& run, std::ostream& out);
void write_google_benchmark(store::Store& store, store::Run const& run, std::ostream& out);

}  // namespace churn::exporting
