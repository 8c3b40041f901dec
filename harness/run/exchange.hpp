// What:  the JSON that goes to a cell program and comes back, as plain values. The keys are
//        documented in harness/core/protocol.hpp.
// Rule:  a record is somebody else's output: every key is checked for its type, and for agreement
//        with what was asked, before a number of it is believed. What fails that has crashed.
// Cost:  the only unit here that reads JSON of cells; 0.1 ms a record. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/extra_work.hpp"
#include "results/store/records.hpp"

namespace churn::run {

enum class Mode { time, count, pilot, presence, turns, split, life };

// The fixed work of one invocation, per thread.
struct Work {
  std::uint64_t units = 0;  // all samples together: a multiple of samples
  std::uint64_t samples = 0;
  std::uint64_t warmup_units = 0;
  bool operator==(Work const&) const = default;
};

// Mode turns: how many, and whether this process moves first (0) or second (1).
struct Turns {
  std::uint64_t count = 0;
  std::uint32_t place = 0;
  bool batches = false;  // the time of every unit is asked for
};

struct LibraryFile {
  std::string path;
  std::uint64_t device = 0, inode = 0;
};

struct Asked {
  Mode mode = Mode::time;
  std::string workload, file;  // file: of a workload that reads one
  std::map<std::string, std::int64_t> parameters, collector_parameters;
  std::uint32_t threads = 1;
  std::uint64_t heap_limit_bytes = 0, seed = 0, target_ns = 0;
  Work work;
  std::optional<LibraryFile> library;  // none: glibc
  std::vector<int> cpus;
  Turns turns;
  Parts parts;  // mode split
  ExtraWork extra;
  bool dirty_heap = false;
  std::uint32_t keep_one_of = 0;  // mode life: blocks that outlive the workload; 0: none
};

std::string to_request(Asked const& asked);

struct Record {
  Outcome outcome = Outcome::crashed;
  std::string reason;
  std::string checksum;
  std::uint64_t ops_per_unit = 0;                                            // of one thread
  std::uint64_t slice_units = 0, slice_ns = 0;                               // mode pilot
  std::uint64_t peak_live_bytes = 0, total_bytes = 0, total_bytes_warm = 0;  // mode count
  std::vector<std::uint64_t> present_objects, present_bytes;                 // mode presence
  double first_touches_ns =
      0;  // mode split, beside sample_cpu_ns: of its new pages, as priced there
  // Mode turns, beside what mode time gives; the last two of managed heaps alone:
  std::vector<std::uint64_t> turn_ns, sample_collections, sample_full_collections, batch_ns;
  // Mode time:
  std::uint64_t clock_setup_ns = 0;
  std::vector<std::uint64_t> sample_ns, sample_cpu_ns;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rss_time_line;
  std::map<std::string, double> figures;  // by report name; blow_up is not among them
  std::vector<store::HistogramRow> histograms;
  std::string rest;  // the record as it came, without the arrays above
};

// A text that is not the record of what was asked gives `crashed` and says what is wrong with it.
Record read_record(std::string const& text, Asked const& asked);

// The stored form of an invocation that left no record: what it last said, as JSON.
std::string record_of_words(std::string const& words);

}  // namespace churn::run
