// What:  where results go: stdout or a file, whole or not at all, and how wide and colourful a
//        terminal is.
// Why:   a full disk or a closed pipe must end in exit status 2, not in half a report and 0.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "results/report/report.hpp"

namespace churn::cli {

// Columns of the terminal on stdout, 80 where there is none; colour only there and without
// NO_COLOR.
report::TerminalStyle style_of_stdout();

// "45 s" or "12 min": estimates are no better than that.
std::string duration_text(double seconds);

// `names` is a list with commas. UserError for a format that is not in it, before any work is done.
void require_format(std::string_view names, std::string const& format);

// To stdout if `path` is empty, else to a new file that takes the place of the old one once it is
// whole. UserError when the system refuses.
void write_output(std::string const& path, std::string_view text);
void write_output(std::string const& path, std::function<void(std::ostream&)> const& write);

}  // namespace churn::cli
