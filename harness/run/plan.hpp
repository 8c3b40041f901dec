// What:  a plan: every cell that a run will measure, checked, with all that is needed to run it.
// Why:   planning is apart from running: wrong input is refused before anything is measured,
//        --resume and a cluster's chunks run the same plan later.
// Blocks: cells with the same workload, parameters, threads and heap limit do the same work and are
//        compared with each other; the same units are run on each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "results/store/records.hpp"

namespace churn::run {

struct PlannedCell {
  store::CellKey key;
  std::uint64_t block = 0;
  bool oversubscribed = false;
  std::string why_not;  // not empty: not-applicable or unavailable, never run, this is the reason

  std::string program;  // path of the cell program
  std::string library;  // preloaded; empty: glibc
  std::string file;     // absolute path of what the workload reads; empty: it reads none
  std::map<std::string, std::string> environment;
  std::map<std::string, std::int64_t> parameters;            // workload's, defaults filled in
  std::map<std::string, std::int64_t> collector_parameters;  // defaults filled in
  bool reclaims = true;  // false (bump, no-reclaim): runs only as many units as fit
  // Runs the counting pass of the block: `manual` where the workload disposes, else one that gives
  // the right checksum.
  std::string reference_program;
  bool reference_counts_live = true;  // false: the counting pass gives no peak live bytes
  // Floating garbage can be told: the reference knows what lives, the collector what it holds.
  bool garbage_is_known = false;
  bool memory_life = false;  // look at what stays resident after its work, too
  std::string why_no_split;  // of the overhead; empty: it can be split
  std::string op;
  std::string why_unranked;  // of the workload's times; empty: they rank and average back ends
};

struct Plan {
  std::string command;  // as typed, quoted for a shell
  std::string matrix;
  std::string baseline;
  std::uint64_t seed = 0;
  std::uint32_t rounds = 3;
  double seconds_per_invocation = 0.6;  // of timed slices on the block's pilot cell
  std::uint32_t samples = 20;           // slices per invocation
  std::uint64_t memory_cap_bytes = 0;   // RLIMIT_DATA and polled RSS of one cell
  double time_limit_seconds = 60;       // of one invocation, from spawn
  bool dirty_heap = false;              // malloc's heap is littered before the workload begins
  bool overhead_split = false;          // measure it, where it can be
  std::vector<PlannedCell> cells;
};

std::string to_json(Plan const& plan);
Plan plan_from_json(std::string const& text);  // UserError if it is not one

}  // namespace churn::run
