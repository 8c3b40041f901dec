// What:  the record: what an invocation found, as one JSON object on the file that `churn` gave.
//        The keys are documented in harness/core/protocol.hpp. A figure that is not there is
//        absent, not zero.
#pragma once

#include <string>

#include "harness/cell/invocation.hpp"
#include "harness/cell/proof.hpp"
#include "harness/cell/request.hpp"

namespace churn::cell {

// Opens the file of records and makes `stop` write a short one there, without allocating, when an
// outcome ends the process. "-" is standard output. UserError if the file cannot be opened.
void open_record(std::string const& path);

void write_record(Request const& request, Proof const& proof, Measurement const& measured);

}  // namespace churn::cell
