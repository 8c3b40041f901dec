// What:  traces that others write as lines of text: Android's memory_replay, and glibc's mtrace().
//
//            1234: malloc 0xd800 24           = Start
//            1234: realloc 0xd900 0xd800 48   @ ./a.out:[0x401136] + 0x4052a0 0x18
//            1234: free 0xd900                @ ./a.out:[0x401150] - 0x4052a0
//
// Why:   real programs have been recorded by others, and mtrace() is in every glibc.
// Order: that of the lines; each change of thread gets a time stamp, the line's number.
// Errors: a line that is malformed, or frees what is not alive, is left out and told with its
//        number.
// Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "harness/trace/trace.hpp"

namespace churn::trace {

bool is_android(std::string_view text);
bool is_mtrace(std::string_view text);
Trace read_android(std::string_view text, std::string const& source);
Trace read_mtrace(std::string_view text, std::string const& source);

}  // namespace churn::trace
