// What:  where a recorded program allocates: for each call stack, what was alive from it at the
//        program's peak, how much it asked for in all, and how long its blocks lived; and the same
//        for the difference of two recordings.
// Why:   which allocator is best is half of the question; where the bytes come from is the other.
// How:   stacks were taken once in so many bytes, so a block with a stack stands for its share of
//        what was asked for: sums are estimates, exact where every block has one (--stacks 1).
//        Addresses become names and lines through elfutils, from the modules as they were mapped.
// Errors: without stacks everything is one site, and `sampled` is false.
// Cost:  some 50 ns a call, milliseconds a module. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/trace/trace.hpp"

namespace churn::trace {

struct Site {
  std::vector<std::string> frames;  // innermost first: "function at file:line" or "module+0x1234"
  double live_bytes = 0;            // at the moment when most was alive
  double total_bytes = 0;
  double blocks = 0;
  double lifetime_calls = 0;  // mean number of the program's calls that a block lived for
};

struct Profile {
  std::vector<Site> sites;
  bool sampled = false;
  std::uint64_t peak_live_bytes = 0, total_bytes = 0;  // exact
};

Profile profile(Trace const& trace, std::uint32_t process);
// `later` minus `earlier`, site by site; lifetimes are those of `later`.
Profile difference(Profile const& later, Profile const& earlier);

// Names of addresses in one process of a trace.
class Symbols {
 public:
  Symbols(Trace const& trace, std::uint32_t process);
  Symbols(Symbols const&) = delete;
  Symbols& operator=(Symbols const&) = delete;
  ~Symbols();

  // Of a return address, so the place before it is meant.
  std::string name_of(std::uint64_t address);
  bool is_recorder(std::uint64_t address) const;  // the recorder's own frames

 private:
  struct Implementation;
  Implementation* implementation_;
};

}  // namespace churn::trace
