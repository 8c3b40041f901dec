// What:  the environment of a cell: nothing of the user's, only the preload, the allocator's
//        settings and one variable of padding.
// Why:   execve lays arguments and environment on the new stack, so their size shifts every frame;
//        the same program runs measurably faster or slower with another environment (Mytkowicz et
//        al., "Producing wrong data without doing anything obviously wrong!", ASPLOS 2009). All
//        cells of a run get the same number of bytes.
// Keeps: stack_bytes(program, arguments, padded(..., total)) == total, whatever went in.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace churn::run {

inline constexpr char padding_variable[] = "CHURN_PAD";

// "KEY=VALUE" of each, and LD_PRELOAD in front where `preload` is not empty.
std::vector<std::string> cell_environment(std::map<std::string, std::string> const& settings,
                                          std::string const& preload);

// What execve copies: the program's path, the strings, and a pointer to each string.
// `arguments` has the name of the program in front.
std::size_t stack_bytes(std::string const& program, std::vector<std::string> const& arguments,
                        std::vector<std::string> const& environment) noexcept;

// The bytes that the padding variable needs at least; a total must leave room for it.
std::size_t least_padding_bytes() noexcept;

// The environment with the padding that brings the whole to `total_bytes`.
// pre: stack_bytes(...) + least_padding_bytes() <= total_bytes
std::vector<std::string> padded(std::string const& program,
                                std::vector<std::string> const& arguments,
                                std::vector<std::string> environment, std::size_t total_bytes);

}  // namespace churn::run
