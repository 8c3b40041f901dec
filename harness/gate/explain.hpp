// What:  what may explain a verdict on time, and decides nothing: instructions, system calls and
//        allocations an op of each side; and from the pairs themselves faults and system time.
// Why:   "+3.1 %" with 2.9 % more instructions is work; with as many it is memory, layout or waits.
// How:   counts are taken of a long and of a short run, and the difference is divided by the ops
//        that the long one does more: start-up, set-up and tear-down cancel. Instructions come from
//        the processor's counters (perf) where the machine gives them, else from callgrind; system
//        calls from strace; allocations from the counting library, where the sides' programs
//        differ. What cannot be counted has a note that says why.
// When not: instructions of several threads under callgrind, which runs them one at a time; scudo
//        under callgrind, which it cannot run.
// Cost:  a second a side with counters, some ten with callgrind. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "harness/gate/sides.hpp"
#include "harness/run/interrupt.hpp"
#include "results/store/store.hpp"

namespace churn::gate {

struct Replay;

// Throws Interrupted. pre: the cell has both sides and was measured; the plan is of cells
std::vector<store::GateExplanation> explain(GatePlan const& plan, Pairing const& pairing,
                                            store::GateCell const& cell, run::Interrupt& interrupt);

// What the pairs say of a cell beside its times: medians over processes.
std::vector<store::GateExplanation> explanations_of(std::vector<store::GatePair> const& pairs);
// The p99.99 and the longest of all batches of a side, where batches were kept: what interrupted a
// process is in them, so they are shown and never judged.
std::vector<store::GateExplanation> worst_batches_of(std::vector<store::GatePair> const& pairs);

// Of every cell with a regression, into the store. False: interrupted.
bool explain_regressions(GatePlan const& plan, Replay const& found, store::Store& store,
                         run::Interrupt& interrupt);

// "instructions +2.9 %, system calls equal"; what has no number with its reason.
std::string in_words(std::vector<store::GateExplanation> const& explanations);

}  // namespace churn::gate
