// What:  reads what stands behind options, and spells a command line as it could be typed again.
// Why:   numbers are read here, not by the command line library, so that messages say what was
//        expected.
// Errors: UserError that names the option, what was given and what would do.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace churn::cli {

// From `least` to `most`; 10k and 64Mi are fine.
std::int64_t whole_number(char const* option, std::string const& text, std::int64_t least,
                          std::int64_t most);
std::uint64_t any_seed(std::string const& text);
double duration(char const* option, std::string const& text);    // seconds
double percentage(char const* option, std::string const& text);  // "0.5%" is 0.005
std::string quoted(std::string const& word);                     // as it could be typed again
std::string command_line(int count, char const* const* words);

}  // namespace churn::cli
