// What:  what a cell's memory does once its work has ended: resident bytes before anything is
//        freed, and 0, 0.1, 1 and 5 s after everything was freed, or all but one block in 100.
// Why:   a process that has freed its memory and still has it is what users see as a leak. Some
//        allocators give pages back at once, some after a while, some never, and some only when
//        they are called again: in these seconds they are not.
// How:   two invocations of their own, of up to a third of the cell's work, that time nothing.
// Gives nothing where one of the two fails: the timed invocations say what is wrong.
// Cost:  some eleven seconds a cell, nearly all of them asleep. Not thread-safe.
#pragma once

#include <map>
#include <string>

#include "harness/run/invoke.hpp"
#include "harness/run/work.hpp"

namespace churn::run {

inline constexpr double memory_life_seconds = 11;

struct MemoryLife {
  bool interrupted = false;
  std::map<std::string, double> figures;
};
// pre: cell.memory_life. `work` is what is timed of the cell.
MemoryLife memory_life(Invoker& invoker, PlannedCell const& cell, Work const& work);

}  // namespace churn::run
