// What:  a trace from a file in any form that is known: churn's own, Android's text, glibc's
//        mtrace; the texts also inside a zip archive.
// Errors: UserError for a file that cannot be read or has no line that could be understood. Lines
//        that are malformed are left out and told in `remarks`, each with its number, up to ten.
// Bounds: a text, unpacked or not, of at most 2 GiB.
// Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "harness/trace/trace.hpp"

namespace churn::trace {

Trace read_trace(std::string const& path);
// What is in a file of that name; `source` is for messages.
Trace read_trace_text(std::string_view text, std::string const& source);

}  // namespace churn::trace
