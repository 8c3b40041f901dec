// What:  every metric that churn reports: its name, its unit and what it means, in one table.
// Why:   records, reports, exports and `churn list metrics` must use the same words, units last.
// Rule:  smaller is better, but for the utilizations (mmu_). A figure that a machine or a back end
//        cannot give is absent, never zero: whoever prints metrics takes the names that are there
//        from this table.
// Adding one: a line here, in the order in which a reader wants them; the rest follows.
#pragma once

#include <array>
#include <string_view>

namespace churn {

struct MetricInfo {
  std::string_view name;     // "pause_max_ns"
  std::string_view unit;     // "ns", "bytes", "objects", "pages", "count" or "ratio"
  std::string_view summary;  // one line
};

inline constexpr std::array<MetricInfo, 68> metrics{{
    {"time_per_op_ns", "ns", "wall time of one op; each workload says what its op is"},
    {"cpu_per_op_ns", "ns", "CPU time of one op, of all threads of the process together"},
    {"system_per_op_ns", "ns", "the part of that CPU time spent in the kernel"},
    {"slowest_batch_ns", "ns", "the slowest 1 000 ops of an invocation"},
    {"latency_p50_ns", "ns", "median time from a request's scheduled arrival to its answer"},
    {"latency_p99_ns", "ns", "99th percentile of the same"},
    {"latency_p999_ns", "ns", "99.9th percentile, where there were 1 000 requests"},
    {"latency_p9999_ns", "ns", "99.99th percentile, where there were 10 000 requests"},
    {"latency_max_ns", "ns", "longest time from a request's scheduled arrival to its answer"},
    {"malloc_p50_ns", "ns", "median time of a call of malloc, less what reading the clock takes"},
    {"malloc_p99_ns", "ns", "99th percentile of the same"},
    {"malloc_p999_ns", "ns", "99.9th percentile, where there were 1 000 calls"},
    {"malloc_p9999_ns", "ns", "99.99th percentile, where there were 10 000 calls"},
    {"malloc_max_ns", "ns", "longest call of malloc"},
    {"local_free_p50_ns", "ns", "the same of free, for blocks that the thread itself made"},
    {"local_free_p99_ns", "ns", "99th percentile"},
    {"local_free_p999_ns", "ns", "99.9th percentile"},
    {"local_free_p9999_ns", "ns", "99.99th percentile"},
    {"local_free_max_ns", "ns", "longest of these"},
    {"remote_free_p50_ns", "ns", "the same of free, for blocks that another thread made"},
    {"remote_free_p99_ns", "ns", "99th percentile"},
    {"remote_free_p999_ns", "ns", "99.9th percentile"},
    {"remote_free_p9999_ns", "ns", "99.99th percentile"},
    {"remote_free_max_ns", "ns", "longest of these"},
    {"minor_faults", "count", "pages first touched in the timed part, without reading from disk"},
    {"peak_rss_bytes", "bytes", "most resident memory from the start line on (VmHWM, reset there)"},
    {"rss_start_bytes", "bytes", "resident memory at the start line, before the workload's set-up"},
    {"peak_live_bytes", "bytes", "most bytes requested and not yet freed, from an untimed pass"},
    {"blow_up", "ratio", "growth of resident memory over peak_live_bytes; 1 wastes nothing"},
    {"rss_before_free_bytes", "bytes",
     "resident when the work had ended, all that lives still there"},
    {"rss_after_free_0s_bytes", "bytes", "resident when everything was freed, at once"},
    {"rss_after_free_100ms_bytes", "bytes", "the same 0.1 s later, in which nothing was called"},
    {"rss_after_free_1s_bytes", "bytes", "the same after 1 s"},
    {"rss_after_free_5s_bytes", "bytes", "the same after 5 s"},
    {"rss_after_most_free_0s_bytes", "bytes", "resident when all but one block in 100 was freed"},
    {"rss_after_most_free_100ms_bytes", "bytes",
     "the same 0.1 s later, in which nothing was called"},
    {"rss_after_most_free_1s_bytes", "bytes", "the same after 1 s"},
    {"rss_after_most_free_5s_bytes", "bytes", "the same after 5 s"},
    {"unshared_pages", "pages", "pages that a forked worker which only reads came to own"},
    {"pause_p50_ns", "ns", "median pause of the mutators for the collector"},
    {"pause_p99_ns", "ns", "99th percentile of the pauses"},
    {"pause_max_ns", "ns", "longest pause"},
    {"pause_total_ns", "ns", "sum of all pauses of an invocation"},
    {"time_to_safepoint_max_ns", "ns", "longest wait until every mutator had stopped"},
    {"mmu_1ms", "ratio", "least share of any 1 ms that the collector left to the mutators"},
    {"mmu_10ms", "ratio", "the same of any 10 ms"},
    {"mmu_100ms", "ratio", "the same of any 100 ms"},
    {"collector_cpu_per_op_ns", "ns", "CPU time of collections and of the collector's own threads"},
    {"lower_bound_overhead_ratio", "ratio",
     "CPU time over the least that any collector here left to the program itself"},
    {"overhead_allocation_ns", "ns", "CPU time of an op for allocating as it does, over bumping"},
    {"overhead_barrier_ns", "ns", "the same for what it does where references are copied"},
    {"overhead_reclamation_ns", "ns", "the same for reclaiming, less what reused memory saves"},
    {"overhead_interaction_ns", "ns", "the rest of its overhead: what these do to each other"},
    {"full_collection_per_object_ns", "ns", "a full collection of the live objects, for each"},
    {"falsely_retained_objects", "objects", "kept at the end though nothing exact names them"},
    {"collections_gen0", "count", "collections of the youngest generation"},
    {"collections_gen1", "count", "collections of the middle generation"},
    {"collections_gen2", "count", "full collections; all of them without generations"},
    {"collections_in_samples", "count", "collections within the timed samples"},
    {"reclaimed_gen0_objects", "objects", "objects reclaimed by counting and in generation 0"},
    {"reclaimed_gen1_objects", "objects", "objects reclaimed by collections of generation 1"},
    {"reclaimed_gen2_objects", "objects", "objects reclaimed by full collections"},
    {"floating_garbage_mean_objects", "objects", "dead and not yet reclaimed, on average"},
    {"floating_garbage_max_objects", "objects", "the same at its most"},
    {"floating_garbage_mean_bytes", "bytes", "bytes of the dead and not yet reclaimed, on average"},
    {"floating_garbage_max_bytes", "bytes", "the same at its most"},
    {"unreclaimed_at_end_objects", "objects", "dead objects still held when the work has ended"},
    {"unreclaimed_at_end_bytes", "bytes", "bytes of those objects, as they were requested"},
}};

// Null where there is none of that name.
constexpr MetricInfo const* find_metric(std::string_view name) noexcept {
  for (auto const& each : metrics) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

}  // namespace churn
