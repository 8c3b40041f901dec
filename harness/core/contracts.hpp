// What:  the two contracts of the suite: what an in-project allocator is, and what a mutator of a
//        managed heap can do. Each optional promise of a collector is a bit of `Traits` and a
//        concept.
// Why:   workloads are templates over these, so the hot path has static dispatch: a virtual mutator
//        distorts what is measured by 1.2 to 4.1 times.
//
// Words
//   Ref      one word, null by default, unowned. Valid until this mutator's next GC point AND while
//            reachable by a path that this thread has not itself cut. Never stored in memory that
//            outlives a GC point, never kept across a suspension.
//   Local    one word, owned, always inside a Frame, Root or Global; what survives a GC point.
//   Frame<N> N Locals, strictly last in first out, machine stack only; frame[i] is a Local.
//   Root     one Local of any lifetime and order: members, coroutine frames. Created and destroyed
//            through the same mutator, on its thread. *root is its Local.
//   Global   one Local shared by all mutators, *global. Creating and destroying it locks; its Local
//            follows the rules of an unshared slot: the program orders access to it (mutex, join,
//            barrier).
//   Blocked  while one exists its mutator may wait (locks, joins, I/O, another thread's turn)
//            without holding up a collection; no other operation of that mutator is allowed
//            meanwhile.
//
// GC points: allocate, safepoint, collect, attaching (the constructor of Mutator), detaching (its
// destructor), entering and leaving Blocked. Only there do objects move. Counting may reclaim, and
// may stop the world, wherever a reference is dropped: write, take into a non-null local, set,
// move, clear, exchange_shared, ~Frame, ~Root, ~Global. It neither moves objects nor runs user code
// there.
//
// Thread-safety: a mutator belongs to the thread that created it. Different mutators of one heap
// run concurrently as far as Traits::max_mutators allows.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/histogram.hpp"
#include "harness/core/promises.hpp"

namespace churn {

// ---- allocators ----

// `align` is a power of two; null means no memory. `thread_exit` runs on a thread that is about to
// end.
template <class A>
concept Allocator = requires(void* block, std::size_t size, std::size_t align) {
  { A::allocate(size, align) } noexcept -> std::same_as<void*>;
  { A::deallocate(block) } noexcept -> std::same_as<void>;
  { A::usable_size(block) } noexcept -> std::same_as<std::size_t>;
  { A::thread_exit() } noexcept -> std::same_as<void>;
};

// ---- collectors ----

// Slots hold references, the payload is bytes that no collector looks at, aligned to 8 and zeroed
// on allocation like the slots. Pass constants where the shape is known: offsets fold away.
struct Shape {
  std::uint32_t slots = 0, payload_bytes = 0;
};
// What an object of this shape asks for, before any header: the unit of live bytes and heap limits.
constexpr std::uint64_t requested_bytes(Shape shape) noexcept {
  return std::uint64_t{8} * shape.slots +
         ((std::uint64_t{shape.payload_bytes} + 7) & ~std::uint64_t{7});
}

// What a collector promises. Every field has a default, so that a new one breaks nobody.
struct Traits {
  bool reclaims = true;            // gives memory back before its heap ends
  bool cycles = true;              // reclaims unreachable cycles
  bool moves = false;              // objects change address at GC points
  bool generational = false;       // collect(0) and collect(1) are not full collections
  bool concurrent = false;         // works beside running mutators
  bool counts = false;             // keeps reference counts
  bool conservative = false;       // may keep dead objects: reported, not wrong
  bool manual_release = false;     // the workload's dispose() calls release() once per object
  bool shared_slots = true;        // *_shared may be called by several mutators
  bool cells_from_malloc = false;  // each object is one malloc: the allocator axis applies
  bool reports_objects = true;     // Stats counts allocated and reclaimed objects and bytes
  bool weak = false;               // WeakReferences
  bool finalizers = false;         // Finalizes
  bool in_place = false;           // FinalizesInPlace
  bool controls = false;           // Controls
  std::uint32_t max_mutators = ~0u;
  std::uint32_t max_slots = (1u << 24) - 1;
  std::uint32_t owned_threads = 0;  // background threads, stopped by quiesce()
};

// The windows over which pauses are summed (minimum mutator utilization).
inline constexpr std::array<std::uint64_t, 3> pause_windows_ns{1'000'000, 10'000'000, 100'000'000};

// What a heap has done since it was made. A collector without generations counts everything as
// generation 2 (full collections); one that only counts references leaves `collections` at zero and
// books what counting frees under reclaimed_objects[0].
struct Stats {
  std::array<std::uint64_t, generations> collections{}, reclaimed_objects{};
  std::uint64_t allocated_objects = 0, allocated_bytes = 0;  // bytes are requested_bytes
  std::uint64_t reclaimed_bytes = 0;
  std::uint64_t time_to_safepoint_max_ns = 0;
  // CPU time of collections and of threads that the collector owns; freeing by counting is not
  // told apart from the mutator's own work.
  std::uint64_t collector_cpu_ns = 0;
  // Conservative collectors, after a full collection: present, and reachable by no contract path.
  std::uint64_t falsely_retained_objects = 0;
  // The most paused time within any window, since the heap's start line.
  std::array<std::uint64_t, pause_windows_ns.size()> most_paused_ns{};
  Histogram pauses;  // ns; for counting: a freeing cascade of more than 64 objects, or a collection
  // Objects not yet reclaimed, garbage included.
  std::uint64_t present_objects() const noexcept {
    std::uint64_t reclaimed = 0;
    for (auto const count : reclaimed_objects) reclaimed += count;
    return allocated_objects - reclaimed;
  }
  std::uint64_t present_bytes() const noexcept { return allocated_bytes - reclaimed_bytes; }
};

struct Setting {
  std::string name;
  std::int64_t value = 0;
};

// A parameter is a whole number; command lines may write 10k, 4M, 1G (powers of 1000, or of 1024
// with a trailing i: 4Mi). One with words is written as one of them, and its value is that one's
// index. pre: minimum <= standard <= maximum; with words these are 0 and the last one's index
struct ParameterInfo {
  std::string_view name;
  std::int64_t standard = 0, minimum = 0, maximum = 0;
  std::string_view summary;
  std::span<std::string_view const> words = {};
};

// What a heap does of its work. Those that say so (collectors/parts/split_heap.hpp) leave some of
// it out, to measure what it costs: then a heap that reclaims nothing begins no collection.
struct Parts {
  bool allocation = true;   // its own; else cells are taken from pages one after the other
  bool barriers = true;     // what it does where references are copied, stored and dropped
  bool reclamation = true;  // only with both others
};

// How a heap is made. The limit counts requested bytes plus headers (0: none); reaching it forces
// one full collection, then stop(Outcome::out_of_memory). `settings` are the collector's
// parameters, each of which it has declared and which were checked against its bounds before.
struct HeapOptions {
  std::uint64_t heap_limit_bytes = 0;
  std::vector<Setting> settings = {};
  Parts parts = {};

  std::int64_t setting(std::string_view name, std::int64_t otherwise) const noexcept {
    for (auto const& each : settings) {
      if (each.name == name) return each.value;
    }
    return otherwise;
  }
};

// clang-format off: the columns say more than the rules
template <class M>
concept Mutator = requires(M& m, typename M::Ref r, typename M::Local& l, Shape s,
                           std::uint32_t i) {
  requires std::regular<typename M::Ref> && sizeof(typename M::Ref) == sizeof(void*);
  requires !std::copyable<typename M::Local>;
  { l.get() } noexcept -> std::same_as<typename M::Ref>;
  // GC points
  { m.allocate(l, s) } -> std::same_as<void>;             // into a root; old value dropped after
  { m.safepoint() } -> std::same_as<void>;
  { m.collect(i) } -> std::same_as<std::uint64_t>;        // generation; objects found unreachable
  // slots that nobody else writes at the same time (publication by mutex, join or *_shared)
  { m.read(r, i) } noexcept -> std::same_as<typename M::Ref>;
  { m.write(r, i, r) } -> std::same_as<void>;             // full barrier: old one dropped, new kept
  { m.write(r, i, std::move(l)) } -> std::same_as<void>;  // same, takes l over; l becomes null
  // initialising stores: slot still null and no GC point since allocate
  { m.write_new(r, i, r) } noexcept -> std::same_as<void>;
  { m.write_new(r, i, std::move(l)) } noexcept -> std::same_as<void>;
  { m.take(l, r, i) } -> std::same_as<void>;              // move out: l = slot, slot = null
  // growth: (to, its first, from, its first, how many); target is null, source becomes null
  { m.move_slots(r, i, r, i, i) } -> std::same_as<void>;
  { m.payload(r, s) } noexcept -> std::same_as<std::byte*>;  // until the next GC point
  // locals
  { m.set(l, r) } -> std::same_as<void>;
  { m.move(l, l) } -> std::same_as<void>;                 // (to, from): from is null; self: nothing
  { m.clear(l) } -> std::same_as<void>;
  // slots that race: acquire load into a root, acq_rel exchange, with the collector's barrier
  { m.read_shared(l, r, i) } -> std::same_as<void>;
  // (old out, object, slot, new in)
  { m.exchange_shared(l, r, i, std::move(l)) } -> std::same_as<void>;
  typename M::template Frame<4>;
  typename M::Root;
  typename M::Global;
  typename M::Blocked;
  requires std::constructible_from<typename M::template Frame<4>, M&>;
  requires std::constructible_from<typename M::Root, M&>;
  requires requires(typename M::template Frame<4>& frame, typename M::Root& root,
                    typename M::Global& global) {
    { frame[i] } -> std::same_as<typename M::Local&>;
    { *root } -> std::same_as<typename M::Local&>;
    { *global } -> std::same_as<typename M::Local&>;
  };
  requires std::constructible_from<typename M::Blocked, M&>;
};
// clang-format on

// The object is dead and its memory may be reused. pre: r is not null and not released before.
template <class M>
concept Releases = requires(M& m, typename M::Ref r, Shape s) {
  { m.release(r, s) } noexcept -> std::same_as<void>;
};

// A collector is one header, collectors/NAME.hpp with '-' as '_', that defines
// churn::NAME::Collector: Heap, Mutator, traits, summary, parameters.
// clang-format off
template <class C>
concept Collector =
    Mutator<typename C::Mutator> && std::constructible_from<typename C::Heap, HeapOptions const&> &&
    std::constructible_from<typename C::Mutator, typename C::Heap&> &&
    std::constructible_from<typename C::Mutator::Global, typename C::Heap&> &&
    (!C::traits.manual_release || Releases<typename C::Mutator>) &&
    (!C::traits.weak || WeakReferences<typename C::Mutator>) &&
    (!C::traits.finalizers || Finalizes<typename C::Mutator>) &&
    (!C::traits.in_place || FinalizesInPlace<typename C::Mutator>) &&
    (!C::traits.controls || Controls<typename C::Mutator>) && requires(typename C::Heap& h) {
      { C::traits } -> std::convertible_to<Traits const&>;
      { C::summary } -> std::convertible_to<std::string_view>;
      { h.stats() } -> std::same_as<Stats>;   // while no mutator runs, or by the only one
      { h.verify() } -> std::same_as<void>;   // no mutator runs: every reachable slot names a live
                                              // object, counts agree; CHURN_CHECK otherwise
      { h.quiesce() } -> std::same_as<void>;  // no background work until resumed, queues drained
      { h.resume() } -> std::same_as<void>;
      { h.start_line() } -> std::same_as<void>;  // most_paused_ns is of what comes from here on
    };
// clang-format on

}  // namespace churn
