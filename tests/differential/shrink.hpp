// What:  of a program that shows a difference, the few operations that suffice for it.
// Why:   twenty thousand random operations explain nothing.
// How:   everything behind the difference goes; then runs of operations are left out, half of them
//        at a time, then a quarter, and so on, whenever the rest still shows a difference.
// Cost:  at most `attempts` executions of ever shorter programs.
// Source: A. Zeller and R. Hildebrandt, Simplifying and isolating failure-inducing input, TSE 2002.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "tests/differential/program.hpp"

namespace churn::differential {

// differs(program) says whether it still shows one. pre: differs(program)
template <class Differs>
Program shrink(Program program, std::size_t attempts, Differs const& differs) {
  for (std::size_t run = program.operations.size() / 2; run > 0; run /= 2) {
    for (std::size_t at = 0; at < program.operations.size() && attempts > 0;) {
      Program shorter = program;
      auto const first = shorter.operations.begin() + static_cast<std::ptrdiff_t>(at);
      auto const left = static_cast<std::size_t>(shorter.operations.end() - first);
      shorter.operations.erase(first, first + static_cast<std::ptrdiff_t>(std::min(run, left)));
      --attempts;
      if (differs(shorter)) {
        program = std::move(shorter);
      } else {
        at += run;
      }
    }
  }
  return program;
}

}  // namespace churn::differential
