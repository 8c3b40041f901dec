// What:  a tracing collector that stops the world, marks what is reachable and allocates into what
//        is not. N mutators.
// Why:   a mutator pays for a reference nothing but the store: no counts, no barriers. What is dead
//        costs nothing either; the price is paid for what is live, and in pauses.
// When not: a large live heap and a bound on pauses: each collection marks all that is live, while
//        everybody waits. Much that lives shortly beside much that is old: generational-copying.
// How:   1. when enough has been allocated since the last time, the world is stopped;
//        2. what roots name is marked, and what that names (parts/marker.hpp), by `markers` threads
//           where the heap is large enough (parts/marking_team.hpp);
//        3. weak references to what is not marked are cleared; watched objects that are not marked
//           become ready, and they and what they reach are marked after all (parts/deaths.hpp);
//        4. the marks of each block are counted, and the world goes on. Sweeping is lazy: whoever
//           allocates goes through the blocks and fills the gaps between marks
//           (parts/block_space.hpp). Objects never move.
// Trigger: parts/tracing_heap.hpp.
// Invariants: between collections an object that was there at the last one is marked exactly if it
//        was live then.
// Cost:  8 bytes an object and rounding up to 16; 0.8 % of the heap for marks. Marking: 5 ns per
//        object in arrays, 30 in a random graph of ten million (see parts/marker.hpp).
// Source: J. McCarthy, Recursive functions of symbolic expressions, CACM 1960; lazy sweeping: R. J.
//        M. Hughes, A semi-incremental garbage collection algorithm, 1982.
#pragma once

#include <array>
#include <string_view>

#include "collectors/parts/marking_team.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/tracing_heap.hpp"
#include "collectors/parts/tracing_mutator.hpp"

namespace churn::mark_sweep {

inline constexpr Traits traits{.weak = true, .finalizers = true};

inline constexpr std::array parameters{
    collectors::growth_parameter,
    collectors::huge_pages_parameter,
    collectors::markers_parameter,
    collectors::step_parameter,
};

class Heap : public collectors::TracingHeap<Heap> {
  using Base = TracingHeap;
  friend Base;

 public:
  static constexpr Traits const& traits = mark_sweep::traits;

  explicit Heap(HeapOptions const& options)
      : Base(options), team_(space_.marks(), setting(options, collectors::markers_parameter)) {}

 private:
  // Without generations every collection is a full one.
  std::uint64_t collect_stopped(Account&, std::uint32_t) { return mark_and_settle(team_); }

  collectors::MarkingTeam team_;
};

struct Collector {
  using Heap = mark_sweep::Heap;
  using Mutator = collectors::TracingMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::TracingMutator>;
  static constexpr Traits const& traits = mark_sweep::traits;
  static constexpr std::string_view summary =
      "tracing: stops the world, marks, allocates into the gaps";
  static constexpr auto const& parameters = mark_sweep::parameters;
};

}  // namespace churn::mark_sweep
