// What:  an invocation that takes turns with another process (harness/core/turn_word.hpp): set-up,
//        each turn and the end are moves, so that never both processes work.
// Why:   see harness/core/turn_word.hpp. Set-up too is a move, since it warms and evicts caches.
// Keeps: the threads of a side that is not on move sleep, and its collector is quiesced; the CPU
//        time that it uses nevertheless is in the record.
// Errors: UserError where the shared page cannot be mapped.
#pragma once

#include "harness/cell/invocation.hpp"
#include "harness/cell/request.hpp"

namespace churn::cell {

// The whole run, from set-up to the checksum. pre: the request's mode is turns
void take_turns(Request const& request, Invocation& invocation);

}  // namespace churn::cell
