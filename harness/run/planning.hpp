// What:  from what was asked for (a matrix, axes, limits) to a plan: every cell checked, with a
// reason
//        where it cannot run.
// Rules: an axis that is named replaces that axis in each star of the matrix; without a matrix the
// named
//        axes make one star, and the rest has its default: glibc, refcount for managed workloads,
//        the fewest threads of the workload. Nothing named at all is the matrix `quick`; no
//        workload, all. A combination that cannot be is a not-applicable row; but what was named on
//        the command line and then has nothing to run at all is an error, which says why. A
//        workload's parameters stand in its key in full, so that a default that changes one day
//        does not make two questions look like one; a collector's only where they differ from the
//        default.
// Errors: UserError, before anything is measured.
// Cost:  the allocators' libraries are looked at once each; the rest is string handling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "allocators/catalogue.hpp"
#include "harness/run/heaps.hpp"
#include "harness/run/matrix.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/programs.hpp"

namespace churn::run {

// One shard of several machines' work; whole blocks, so that no ratio needs two shards.
struct Shard {
  std::uint32_t index = 1, count = 1;  // index from 1
};
Shard parse_shard(std::string const& text);              // "2/3"
double parse_duration_seconds(std::string const& text);  // "90s", "5m", "1.5h", "250ms"; above zero

// What a user asked for; what is empty was not said.
struct Wish {
  std::optional<std::string> matrix;
  std::optional<std::string> allocators, collectors, workloads, threads;  // lists as typed
  std::optional<std::string> cell;  // one cell as a report spells it, instead of all of these
  std::vector<HeapWish> heaps;      // of managed cells; empty: as the matrix says
  std::optional<std::string> baseline;
  std::optional<std::uint32_t> rounds;
  std::optional<double> budget_seconds;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> memory_cap_bytes;
  std::optional<double> time_limit_seconds;
  std::optional<std::string> filter;  // part of a cell's spelling, or a pattern with * and ?
  Shard shard;
  bool overhead_split = false;
  bool memory_life = false;  // of all malloc cells; else as the matrix says
  bool dirty_heap = false;
  std::string command;
};

// What is here to run on and with.
struct Surroundings {
  std::vector<ProgramDescription> programs;
  allocators::Catalogue const* catalogue = nullptr;
  std::uint32_t cores = 1;
  std::uint64_t memory_bytes = 0;  // 0: unknown
  std::string traces;              // directory of those that come with churn
};

// A new one: what is drawn from it is stored with it.
std::uint64_t random_seed();

// Without the heaps that were wished for, which may have to be searched: see `with_heaps`.
Plan make_plan(Wish const& wish, Surroundings const& surroundings);

// How long a plan takes, as well as can be said before its pilots: within a factor of two.
double estimated_seconds(Plan const& plan);

}  // namespace churn::run
