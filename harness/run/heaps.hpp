// What:  heap limits as they are asked for, and what they are in bytes: sizes (64Mi), or multiples
//        (1.5x,2x,4x) of the smallest heap in which a workload runs.
// Why:   a collector trades space for time, so two of them are compared at the same limit, and a
//        limit says something only relative to what the workload needs: the usual way of the
//        literature (S. Blackburn et al., The DaCapo benchmarks, OOPSLA 2006, section 5).
// Rule:  the cells of a block do the same work at the same limit, so a multiple is of one size for
//        all of them: the smallest heap in which any of the block's collectors runs. Others may end
//        out-of-memory there, and their row says so.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/run/plan.hpp"

namespace churn::run {

struct HeapWish {
  std::uint64_t bytes = 0;  // or
  double multiple = 0;
};

// "64Mi", "1.5x,2x,4x". UserError where it is neither.
std::vector<HeapWish> parse_heaps(std::string const& text);

// What a search for a smallest heap finds.
struct SmallestHeap {
  std::uint64_t bytes = 0;            // works in each of `trials` runs
  std::uint64_t too_small_bytes = 0;  // the largest that was seen to fail; 0: none failed
  std::uint32_t trials = 0;
  std::string why_not;  // not empty: it does not run, whatever the limit
};

// Each block of the plan once for each heap, in blocks of their own. `smallest` is by block, for
// those of the plan that have cells to run; needed only for multiples.
Plan with_heaps(Plan const& plan, std::vector<HeapWish> const& heaps,
                std::map<std::uint64_t, std::uint64_t> const& smallest_bytes);

}  // namespace churn::run
