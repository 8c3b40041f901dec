// What:  the order in which a round runs the cells of a plan.
// Why:   a machine drifts, and repetition does not remove drift; a random order hits every cell
//        alike. Cells of one block are compared with each other, so they run close together: the
//        blocks are shuffled, and within each block its cells.
// Keeps: it depends on the plan's cells, the seed and the round alone, so a resumed run goes on
//        with it.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/run/plan.hpp"

namespace churn::run {

// Indices into plan.cells of all that can run.
std::vector<std::size_t> round_order(Plan const& plan, std::uint32_t round);

}  // namespace churn::run
