// What:  runs a line in a shell and gives what it said: ninja, a compiler that links, objcopy.
// Why:   they start as a terminal would start them, with this process's environment, and can hang,
//        fail or be missing; each of these is told, none takes the gate with it.
// Errors: none are thrown but Interrupted; `failure` says why there is no answer.
// Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "harness/run/interrupt.hpp"

namespace churn::gate {

struct Interrupted {};

struct ToolAnswer {
  std::string failure;  // empty: it ended with exit status 0
  std::string words;    // the last few kilobytes of what it said, both streams
};

// `line` is what a shell runs in `directory`; empty: here.
ToolAnswer run_tool(std::string const& line, std::string const& directory, double limit_seconds,
                    run::Interrupt& interrupt);
// As one word of such a line.
std::string shell_word(std::string const& word);
// The words of a shell's line, quotes and backslashes resolved; no variables, no patterns.
std::vector<std::string> split_line(std::string const& line);

}  // namespace churn::gate
