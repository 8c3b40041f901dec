// What:  what a workload says of itself, what it is given, and the erased form in which the cell
//        program runs it. A managed workload is a template over the mutator; a malloc workload is
//        plain malloc and free. Types are erased here, once per run of many units, never per
//        operation.
//
// A managed workload is one header, workloads/managed/NAME.hpp with '-' as '_', that defines in
// churn::NAME (underscores):
//     inline constexpr WorkloadInfo info{...};
//     template <class M> class Workload {
//       Workload(WorkloadContext const&);          // no mutator yet: parameters, plain tables
//       void setup(M&, std::uint32_t thread);      // on each thread, concurrently: roots, live set
//       void run(M&, std::uint32_t thread);        // exactly one unit; the only timed part
//       std::uint64_t check(M&, std::uint32_t thread);  // this thread's checksum; threads are
//       summed void dispose(M&, std::uint32_t thread) requires Releases<M>;  // if it knows its
//                                                  deaths: release // all that is still live; run()
//                                                  releases the rest
//       void teardown(M&, std::uint32_t thread);   // drop every root
//     };
// It may also have, for one that needs them:
//       Workload(WorkloadContext const&, Heap&);   // instead: roots that all mutators share
//       void start_line();              // no thread runs: what figures() tells of begins here
//       std::vector<Figure> figures();  // after check: what only the workload can know
// A malloc workload is one source, workloads/malloc/NAME.cpp, that defines the same without M, as a
// class derived from Instance, and `extern MallocWorkload const workload` in churn::NAME.
//
// The checksum depends on seed, parameters, threads and units, never on the back end, and re-reads
// objects late (at eviction, at the end), not right after they are built.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"

namespace churn {

struct WorkloadInfo {
  std::string_view name;  // "cycle-churn"; the kind ("managed/", "malloc/") is added by the tables
  std::string_view summary;  // one line
  std::string_view source;   // paper, program or article that the shape comes from
  std::string_view op;       // what one op is: the denominator of time_per_op_ns
  std::span<ParameterInfo const> parameters = {};
  std::uint32_t min_threads = 1, max_threads = 1;  // inclusive; a multiple of min_threads
  bool disposes = false;      // managed: has dispose(), so `manual` and the live-bytes oracle apply
  bool makes_cycles = false;  // managed: leaves unreachable cycles behind; without cycles they leak
  bool allocates = true;      // each op allocates, in the process that is measured
  bool shares = false;        // managed: its threads use the same slots
  bool forks = false;         // managed: its work is done in forked processes
  bool needs_weak = false;    // managed: WeakReferences
  bool needs_finalizers = false;  // managed: Finalizes, and every death found
  bool reads_file = false;        // malloc: named as NAME:FILE, it takes its shape from that file
  bool splits = false;  // managed: its time can be split by what a collector does; each of these
                        // is compiled once more per collector, and needs no death to be found
  // Why its times rank and average no back ends, if so: they are paced by a clock, or the same to
  // within 5 % on every allocator. Then it stays out of `quick`, too.
  std::string_view why_unranked = {};
};

// What a managed heap holds at one moment; bytes as they were requested.
struct Presence {
  std::uint64_t objects = 0, bytes = 0;
};

// One number of a workload's own, under its name in harness/core/metrics.hpp.
struct Figure {
  std::string_view metric;
  std::uint64_t value = 0;
};

// What an instance is built from. Settings hold every declared parameter, checked against its
// bounds.
struct WorkloadContext {
  std::uint64_t seed = 1;
  std::uint32_t threads = 1;
  std::vector<Setting> settings;
  std::string file = {};  // of a workload that reads one; empty: none was named

  // pre: the workload declares the parameter.
  CHURN_NEVER_INLINE std::int64_t operator[](std::string_view name) const noexcept {
    for (auto const& each : settings) {
      if (each.name == name) return each.value;
    }
    CHURN_CHECK(!"a workload reads a parameter that it does not declare");
    return 0;
  }
};

// Where the times of single units go while a slice is timed. The buffer belongs to the harness and
// is mapped before the start line. Null `next`: not recording.
struct UnitTimes {
  std::uint64_t* next = nullptr;
  std::uint64_t* end = nullptr;
};

// One workload at one scale on one back end. Calls for the same thread come from the same OS
// thread; between calls the thread may wait, so a managed instance keeps its mutator Blocked
// meanwhile.
class Instance {
 public:
  Instance() = default;
  Instance(Instance const&) = delete;
  Instance& operator=(Instance const&) = delete;
  virtual ~Instance() = default;

  virtual std::uint64_t ops_per_unit() const noexcept = 0;  // of one thread's unit, fixed
  virtual void setup(std::uint32_t thread) = 0;
  virtual void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) = 0;
  virtual std::uint64_t check(std::uint32_t thread) = 0;
  virtual void teardown(std::uint32_t thread) = 0;
  // Managed heaps only: full collection by this thread while the others are blocked; statistics.
  virtual void collect(std::uint32_t /*thread*/) {}
  virtual void start_line() {}  // what is measured over windows of time begins here
  virtual std::vector<Figure> figures() { return {}; }
  virtual bool managed() const noexcept { return false; }
  virtual Stats stats() { return {}; }
  // Managed heaps only, while no mutator runs: no background work between the two.
  virtual void quiesce() {}
  virtual void resume() {}
  // While no mutator runs; what an oracle says is alive, and no more.
  virtual Presence present() { return {}; }
};

struct MallocWorkload {
  WorkloadInfo const* info;
  std::unique_ptr<Instance> (*make)(WorkloadContext const& context);
};

// A managed workload on a heap, whichever of the two constructors it has.
template <class Workload, class Heap>
Workload make_workload(WorkloadContext const& context, Heap& heap) {
  if constexpr (std::constructible_from<Workload, WorkloadContext const&, Heap&>) {
    return Workload(context, heap);
  } else {
    return Workload(context);
  }
}

// Runs `unit` `units` times and stamps the end of each one where asked. Shared by all instances, so
// that every back end pays the same. One loop for both: the unit is compiled once.
template <class Unit>
CHURN_ALWAYS_INLINE void run_units(std::uint64_t units, UnitTimes times, Unit&& unit) {
  bool const stamping = CHURN_RECORDS != 0 && times.next != nullptr;
  CHURN_CHECK(!stamping || static_cast<std::uint64_t>(times.end - times.next) >= units);
  for (std::uint64_t i = 0; i < units; ++i) {
    unit();
    if (stamping) *times.next++ = now_ns();
  }
}

}  // namespace churn
