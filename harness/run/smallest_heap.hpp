// What:  the smallest heap in which a cell's workload runs to its end, by bisection over heap
//        limits; and the smallest of a block's collectors.
// How:   each trial is an invocation of its own with little timed work. From a small limit on it is
//        doubled until the cell runs, then halved in to 1 %. What is found must then run in every
//        one of `trials` processes; if one fails, it is raised.
// Works: a trial that ends out-of-memory has too small a heap, and so has one that takes twenty
//        times as long as without a limit: it does nothing but collect.
// Cost:  about twenty invocations of 0.1–0.5 s for a cell; for each further collector of a block
//        one, unless it needs less than the best so far.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "harness/run/heaps.hpp"
#include "harness/run/plan.hpp"

namespace churn::run {

// One trial: the cell with its key's heap limit (0: none). False: the heap is too small. Nothing:
// interrupted. UserError: it failed for another reason.
using HeapTrial = std::function<std::optional<bool>(PlannedCell const& cell)>;
// What is going on, for a person who waits.
using HeapNotice = std::function<void(std::string const& text)>;

// Nothing: interrupted.
std::optional<SmallestHeap> smallest_heap(PlannedCell const& cell, std::uint32_t trials,
                                          std::uint64_t most_bytes, HeapTrial const& trial);

// With the means of a run. Each block's smallest, of those that have one. Nothing: interrupted.
std::optional<std::map<std::uint64_t, std::uint64_t>> smallest_heaps(Plan const& plan,
                                                                     HeapNotice const& notice);
// Of the plan's only cell.
std::optional<SmallestHeap> smallest_heap_of_cell(Plan const& plan, std::uint32_t trials);

}  // namespace churn::run
