// What:  which row of a block ratios are taken to.
// Rule:  the row whose allocator, collector or "allocator/collector" has the wanted name, glibc and
//        refcount being preferred on the other axis. A block without one takes glibc, under
//        refcount where the heap is managed, and names it; a block without that either has no
//        ratios and says so.
#pragma once

#include <string>
#include <string_view>

#include "results/report/report.hpp"

namespace churn::report {

// "jemalloc" or "jemalloc/refcount": what a row is called where both axes matter.
std::string back_end(store::CellKey const& key);
bool has_name(store::CellKey const& key, std::string_view wanted);

// Marks the row and says in the block which it is, or why there is none.
// Returns its index, or rows.size() when there is none that is ok.
std::size_t choose_baseline(Block& block, std::string_view wanted);

}  // namespace churn::report
