// What:  one invocation from the start line to the last check: set up, warm up, timed slices,
//        checksum, tear-down. What it finds is a Measurement; record.hpp turns that into JSON.
// Order: buffers mapped and touched → start line of memory → instance made, set up, warmed up, two
//        full collections → start line of time → slices → peak memory read → checksum → roots
//        dropped and what is left counted.
// Rule:  between the two start lines and the checksum the harness allocates nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/cell/memory.hpp"
#include "harness/cell/request.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/crew.hpp"
#include "harness/core/protocol.hpp"

namespace churn::cell {

struct Measurement {
  std::uint64_t ops_per_unit = 0, checksum = 0;
  std::uint64_t clock_setup_ns = 0, setup_ns = 0;
  std::vector<std::uint64_t> sample_ns, sample_cpu_ns;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rss_time_line;
  Usage usage;  // of the timed slices and what lies between them
  std::uint64_t rss_start_bytes = 0;
  std::optional<std::uint64_t> peak_rss_bytes, slowest_batch_ns;
  bool managed = false;
  Stats before, after, at_end;  // around the slices; after all roots were dropped
  AllocationCount count;        // mode count
  std::uint64_t total_bytes_warm = 0;
  std::uint64_t timed_ns = 0;  // from the start line of time to the end of the last slice
  std::uint64_t full_collection_ns = 0, full_collection_objects = 0;  // 0: it has none
  std::vector<Figure> figures;                                        // the workload's own
  std::uint64_t slice_units = 0, slice_ns = 0;                        // mode pilot
  std::vector<Presence> present;                            // mode presence: after each slice
  std::uint64_t first_touch_ns = 0, first_touch_pages = 0;  // mode split: CPU time of so many
  // Mode turns. Of a turn: its samples and the rest of background work. After each sample: all
  // collections since the start line of time, and the full ones among them.
  std::vector<std::uint64_t> turn_ns, sample_collections, sample_full_collections;
  std::uint64_t parked_cpu_ns = 0;            // between turns, in all
  std::uint64_t extra_units = 0;              // of a thread, beyond those asked for
  std::optional<std::uint64_t> run_delay_ns;  // of all threads, since the start line of time
  std::optional<std::uint64_t> rss_after_free_bytes;  // malloc's, when everything was freed
  // Mode life: when the work had ended, and so many ms after it was freed.
  std::uint64_t rss_before_free_bytes = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rss_after_free;
  // Where asked: every unit, slice by slice and thread by thread.
  std::vector<std::uint64_t> batch_ns;
};

// Owns one run of one workload. The steps are public because Google Benchmark's loop sits between
// them.
class Invocation {
 public:
  explicit Invocation(Request const& request);

  void set_up();  // to the start line of time
  std::uint64_t
  run_slice();      // one sample; its time in ns. pre: called at most request.samples times
  void pilot();     // instead of slices: doubles a slice until it takes request.target_ns
  void live();      // instead of slices: mode life, whose watching is part of finish()
  void look();      // instead of slices: looks at the heap after each of them
  void run_turn();  // mode turns: the next turn's samples; parks
  void park();      // mode turns: after set_up; until the next turn nothing here is to run
  void finish();    // from the end of the last slice to the tear-down

  Measurement const& measurement() const noexcept { return measured_; }

 private:
  void record_batches(Crew::Makespan makespan);
  void keep_batches(Crew::Makespan makespan);
  std::optional<std::uint64_t> run_delay_ns();
  void record_collections();
  Crew::Makespan timed_slice(std::uint64_t units);
  void time_full_collection();
  void time_first_touch();
  std::uint64_t timed_units(std::uint64_t units);
  // Extra work at the end of a sample that took these times, which become what is booked to it.
  void settle(std::uint64_t units, std::uint64_t& taken_ns, std::uint64_t& cpu_ns);
  void hold_extra_memory();
  void watch_freed_memory();

  Request const& request_;
  std::uint64_t const slice_units_;
  Crew crew_;
  MemoryMeter memory_;
  std::unique_ptr<Instance> instance_;
  Measurement measured_;
  bool batches_ = false;                               // a unit is about 1000 ops
  std::vector<std::vector<std::uint64_t>> unit_ends_;  // per thread, of one slice
  std::uint64_t start_line_ns_ = 0;
  Usage usage_start_;
  std::uint64_t parked_since_cpu_ns_ = 0;
  std::optional<std::uint64_t> run_delay_before_ns_;
  std::optional<ExtraLedger> extra_;
  double ahead_ns_ = 0, ahead_cpu_ns_ = 0;
  std::uint64_t collections_ = 0;  // of the heap, at the end of the last sample
};

}  // namespace churn::cell
