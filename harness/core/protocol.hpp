// What:  what `churn` and a cell program say to each other. `churn` starts
//            churn-cell-X --churn_request=FILE --churn_record=FILE
//        (usually /dev/fd/N, so that the command line has a constant size); the program reads one
//        JSON object, runs one cell, writes one JSON object and ends with exit status 0 whatever
//        the outcome. A process that ends without a complete record has crashed.
//            churn-cell-X --describe
//        prints what the program can run, as JSON.
// Version: one number for request, record and description. A key may be added within a version;
//        changing the meaning of one, or removing it, raises the number. Both sides refuse a number
//        they do not know, by name: a gate runs cells of an older build.
//
// Request: protocol, mode ("time", "count", "pilot", "presence", "turns", "split" or "life"),
//   workload ("managed/cycle-churn"), parameters {name: integer}, collector_parameters {name:
//   integer}, threads, heap_limit_bytes (0: none), seed, units (per thread, all samples together;
//   a multiple of samples), samples, warmup_units (per thread), target_ns (pilot: run doubling
//   slices until one takes this long, then report its size), library {path, device, inode} or null
//   for glibc (what the proof of the back end compares with), cpus [integer…] (thread t is pinned
//   to the t-th; empty: not pinned), turns {count, place (0: moves first, 1: second), page (a file
//   of one page that both processes map, see harness/core/turn_word.hpp), batches (absent: false)}
//   (mode "turns"; samples is a multiple of count), parts [those of "allocation", "barriers",
//   "reclamation" that run; the last with the others alone] (mode "split"; threads is 1), extra
//   {per_mille, shape, bytes} (modes "time" and "turns": work and memory beyond what was asked
//   for, see harness/core/extra_work.hpp; absent: none), dirty_heap (true: malloc's heap is
//   littered first, see harness/cell/litter.hpp; absent: false), keep_one_of (mode "life": one
//   block in so many outlives the workload; absent: 0, none does), watch_ms [..] (mode "life":
//   when resident memory is read, after the workload has freed what it had; ascending; absent:
//   [0]).
//
// Record, always: protocol, outcome, reason (empty when ok).
//   When the workload ran to its end: mode, workload, collector, threads, units, samples,
//   ops_per_unit (one thread), checksum (hexadecimal string), proof {entry point: file}.
//   Mode "time", outcome ok: clock_setup_ns (CLOCK_MONOTONIC when setup began), setup_ns,
//   sample_ns [..], sample_cpu_ns [..], rss_time_line [[ns since start line, bytes]..], user_ns,
//   system_ns, minor_faults, major_faults, rss_start_bytes, peak_rss_bytes, slowest_batch_ns
//   (absent where a unit is not about 1000 ops), workload_figures {metric: whole number} where the
//   workload has some of its own, and for managed heaps collector_stats {collections
//   [3], reclaimed_objects [3], allocated_objects, unreclaimed_at_end_objects,
//   unreclaimed_at_end_bytes, collections_in_samples, pause {count, p50_ns, p99_ns, max_ns,
//   total_ns, buckets [[upper ns, count]..]}, time_to_safepoint_max_ns, most_paused [[window ns,
//   paused ns]..], collector_cpu_ns, falsely_retained_objects, full_collection {ns, objects}}. A
//   figure that the back end cannot give is absent, not zero.
//   Mode "count", under libchurn_count.so: peak_live_bytes, total_bytes, calls, all since the start
//   line (before setup), and total_bytes_warm, the part asked for before the first sample.
//   Mode "pilot": slice_units, slice_ns (of one slice after warm-up).
//   Mode "presence": present_objects [..], present_bytes [..], after each sample; where the
//   workload releases its objects, of those that live, else of those not yet reclaimed.
//   Mode "turns": the keys of mode "time" but for slowest_batch_ns and full_collection,
//   rss_time_line with one reading a turn, and turn_ns [..] (a turn's samples and the rest of the
//   collector's background work), parked_cpu_ns (used between turns, in all), run_delay_ns (what
//   threads waited for a processor, in all; absent where the kernel does not tell), for malloc
//   rss_after_free_0s_bytes (when everything was freed), for managed heaps sample_collections [..]
//   and sample_full_collections [..] (after each sample, since the first), and where asked for, if
//   a unit is about 1000 ops, batch_ns [..] (every unit, sample by sample, thread by thread).
//   Mode "split": sample_cpu_ns [..], minor_faults, first_touch {ns, pages} (CPU time of the first
//   touch of so many new pages, for comparison).
//   Mode "life", of malloc alone: rss_before_free_bytes (when the work had ended), rss_after_free
//   [[ms since the workload freed what it had, bytes]..].
//   Where extra was asked for: extra_units (of a thread, beyond units).
//
// Description: protocol, collector (null for malloc) {name, summary, traits {every field of
//   Traits by its name, true/false as 1/0; as they are in the environment of the call},
//   varies_with [the variables of the environment on which they depend], parameters [{name,
//   summary, standard, minimum, maximum, words [..] if its values are indices of words}..]},
//   workloads [{name ("managed/cycle-churn"), summary, source, op, parameters [..],
//   min_threads, max_threads, disposes, makes_cycles, why_not (empty where this program runs it),
//   why_no_split (empty where mode "split" does; absent: there is none)}..], modes [name..]
//   (absent: time, count and pilot), extra_work [shape..] (absent: none).
#pragma once

#include <cstdint>
#include <string_view>

namespace churn {

inline constexpr std::uint32_t protocol_version = 1;

inline constexpr std::string_view request_option = "--churn_request=";
inline constexpr std::string_view record_option = "--churn_record=";
inline constexpr std::string_view describe_option = "--describe";

// Settings of in-project malloc libraries ("prefault=1G;other=2"), read by them at load time.
inline constexpr char allocator_settings_variable[] = "CHURN_ALLOCATOR";

// Exported by libchurn_count.so, found with dlsym; counts requested bytes over the whole process.
// reset makes what is live now the zero line.
inline constexpr char count_reset_symbol[] = "churn_count_reset";
inline constexpr char count_read_symbol[] = "churn_count_read";
struct AllocationCount {
  std::uint64_t peak_live_bytes = 0, total_bytes = 0, calls = 0;
};
using CountReset = void (*)() noexcept;
using CountRead = AllocationCount (*)() noexcept;

}  // namespace churn
