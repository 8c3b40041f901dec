// What:  names as they are typed on the command line and in matrix files:
//            jemalloc   jemalloc{MALLOC_CONF=narenas:1,tcache:false}
//            managed/cycle-churn{ring=10;live=4}
//        lists of them, and CELL: allocator/collector/workload{...}@threads.
// Grammar
//            list     = name { "," name }                    commas outside braces
//            name     = word [ "{" setting { ";" setting } "}" ]
//            setting  = key "=" value                        a value has no ; { } in it; it may be
//            empty key      = UPPER_CASE (environment) | lower-case (parameter) cell     = name "/"
//            [ name "/" ] kind "/" name [ "@" threads ] [ " in " bytes " bytes" ]
//        A word has no blank and none of , ; { } @ and may hold slashes (a path). Blanks around
//        names in lists are skipped. In a cell the last "/malloc/" or "/managed/" begins the
//        workload, so an allocator may be a path; a collector, which malloc workloads have none of,
//        may not.
// Errors: UserError that quotes the text, says what is wrong at which character, and what to write.
// When not: a cell in a store is a record; it is never parsed back from its spelling.
// Cost:  one pass, allocates. Thread-safe.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "results/store/records.hpp"

namespace churn::run {

store::Named parse_name(std::string_view text);
std::vector<store::Named> parse_names(std::string_view text);  // at least one
// Accepts what store::spelled(CellKey) gives. Without "@" threads is 0: not said.
store::CellKey parse_cell(std::string_view text);

// Upper-case: goes to the environment. pre: the key came from parse_name.
// "malloc/trace:FILE" names a workload and the file that it reads; `trace:FILE` is short for it.
inline constexpr std::string_view trace_workload = "malloc/trace";
inline constexpr std::array<std::string_view, 2> file_prefixes{"size-profile:", "trace:"};
std::string without_file(std::string_view workload);

bool is_environment(std::string_view key) noexcept;

}  // namespace churn::run
