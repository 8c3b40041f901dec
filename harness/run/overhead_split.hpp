// What:  where a collector's overhead comes from: the CPU time of a cell's work on the same program
//        with parts of its heap left out, put together.
//          base         cells from pages one after the other, references as plain words
//          allocation   the collector's own allocation instead, and nothing else: less the base,
//          barriers     its barriers instead, and nothing else: less the base,
//          reclamation  all of it, less the same without reclamation;
//          interaction  what is left of all of it less the base: positive where parts make each
//                       other slower. Nothing is hidden in it: the four add up exactly.
// Why:   one figure says how much slower a collector is, not what should be made faster.
// How:   five invocations of their own in each round, in an order that turns from round to round,
//        on as much work as can be kept: what does not reclaim keeps it all. The first touch of a
//        new page is taken off, at the price that each process finds for it (it would be most of
//        what is left out with reclamation, and is the kernel's); that reused memory is in the
//        cache is not taken off, so reclamation may be below zero.
// Gives nothing, and says why, where the program has no split, the work does not fit, a process
//        fails, or one of the five gives another answer.
// Source: the parts are those of S. Blackburn and A. Hosking, Barriers: friend or foe?, ISMM 2004,
//        taken one at a time.
// Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/run/invoke.hpp"
#include "harness/run/work.hpp"

namespace churn::run {

// CPU time of one op with so much of the heap at work.
struct SplitTimes {
  double base_ns = 0, allocation_ns = 0, barriers_ns = 0, unreclaimed_ns = 0, full_ns = 0;
};
// By metric name.
std::map<std::string, double> split_figures(SplitTimes const& times);

// Of one invocation in mode split, without first touches; none where they are more than all of it.
std::optional<double> split_time_per_op_ns(Record const& record, Work const& work);

class OverheadSplit {
 public:
  explicit OverheadSplit(Invoker& invoker, std::uint64_t memory_cap_bytes)
      : invoker_(invoker), memory_cap_bytes_(memory_cap_bytes) {}

  struct Found {
    bool interrupted = false;
    std::map<std::string, double> figures;
    std::string why_not;  // empty if there are figures
  };
  // `work` is what is timed of the cell.
  Found measure(PlannedCell const& cell, Work const& work, std::uint32_t round);

 private:
  struct Fits {
    std::optional<Work> work;
    std::string why_not;
  };
  // Null: interrupted.
  Fits const* work_for(PlannedCell const& cell, Work const& timed);

  Invoker& invoker_;
  std::uint64_t const memory_cap_bytes_;
  std::map<std::uint64_t, Fits> works_;  // by block
};

}  // namespace churn::run
