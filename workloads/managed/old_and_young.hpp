// What:  churn of rings beside a large old structure that nothing of the churn touches.
// Why:   the generational hypothesis as it is meant: all garbage is young, all that is old lives.
//        A full collection visits the old structure, in one of the two shapes between which
//        marking differs most: an array whose objects lie in the order in which they are met, and
//        a graph in which each step is a cache miss.
// Op:    one node of a ring: allocated, linked, summed, dropped. What a full collection costs per
//        object is its own metric.
// How:   shape=0: a table of `held` nodes, each of which names its parent, node (i - 1) / 2.
//        shape=1: `held` nodes without a table; one slot of each follows a random circle through
//        all, so that all live, the other names a node at random.
// Invariant: between units every thread has its old structure and `live` whole rings.
// Source: the two shapes of our own floors for marking; D. Ungar, Generation Scavenging, 1984, for
//        the hypothesis.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/rings.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/shuffle.hpp"
#include "workloads/parts/units.hpp"

namespace churn::old_and_young {

inline constexpr std::array parameters{
    ring_parameter,
    live_rings_parameter,
    ParameterInfo{"held", 100'000, 1, 10'000'000, "nodes of the old structure of each thread"},
    ParameterInfo{"shape", 0, 0, 1, "of the old structure: 0 array with parent links, 1 random"},
};

inline constexpr WorkloadInfo info{
    .name = "old-and-young",
    .summary =
        "ring churn beside a large old structure: an array with parent links or a random graph",
    .source = "after Ungar, Generation Scavenging, 1984; the shapes are our own",
    .op = "one node of a ring allocated, linked, summed once and dropped",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
    .makes_cycles = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : rings_(context),
        rings_per_unit_(rounds_per_unit(rings_.nodes())),
        held_(static_cast<std::uint32_t>(context["held"])),
        random_(context["shape"] == 1),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return rings_per_unit_ * rings_.nodes(); }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.roots.emplace(m);
    Local& old = *seat.roots->old;
    m.allocate(old, table_shape());
    fill_table(m, old, seat.state.random);
    if (random_) dissolve_table(m, old, seat.state.random);
    rings_.set_up(m, seat, nothing_more);
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    typename Rings<M>::State state = seat.state;  // a copy, so that it can stay in registers
    for (std::uint64_t i = 0; i < rings_per_unit_; ++i) {
      rings_.replace_one(m, **seat.table, state, nothing_more, nothing_own);
    }
    seat.state = state;
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    Ref const old = (*seat.roots->old).get();
    std::uint64_t const held = random_ ? walk_circle<false>(m, old) : walk_table(m, old);
    return mix(rings_.sum(m, seat, nothing_own), held);
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Seat& seat = seats_[thread];
    rings_.dispose(m, seat);
    Ref const old = (*seat.roots->old).get();
    if (random_) {
      walk_circle<true>(m, old);
      return;
    }
    for (std::uint32_t i = 0; i < held_; ++i) m.release(m.read(old, i), node);
    m.release(old, table_shape());
  }

  void teardown(M&, std::uint32_t thread) {
    seats_[thread].table.reset();
    seats_[thread].roots.reset();
  }

 private:
  static constexpr Shape node{2, 8};
  static constexpr std::uint32_t parent = 0;              // in the array
  static constexpr std::uint32_t onward = 0, across = 1;  // in the graph

  struct Roots {
    explicit Roots(M& m) : old(m) {}
    typename M::Root old;  // the table, or a node of the circle
  };
  struct alignas(128) Seat : Rings<M>::Seat {
    std::optional<Roots> roots;
  };

  static constexpr auto nothing_more = [](M&, auto&, auto&) {};
  static constexpr auto nothing_own = [](M&, Ref) { return std::uint64_t{0}; };

  Shape table_shape() const noexcept { return {held_, 0}; }

  [[gnu::cold]] void fill_table(M& m, Local& table, Random& random) {
    typename M::template Frame<1> fresh(m);
    for (std::uint32_t i = 0; i < held_; ++i) {
      m.allocate(fresh[0], node);
      Ref const added = fresh[0].get();
      set_word(m.payload(added, node), random.next());
      if (!random_ && i > 0) m.write_new(added, parent, m.read(table.get(), (i - 1) / 2));
      m.write(table.get(), i, std::move(fresh[0]));
    }
  }

  // Links the table's nodes to a circle in random order, each also to another one; leaves in
  // `old` a node of the circle and drops the table.
  [[gnu::cold]] void dissolve_table(M& m, Local& old, Random& random) {
    Shuffle const shuffle(held_, random.next());
    Ref const table = old.get();
    for (std::uint32_t i = 0; i < held_; ++i) {
      Ref const from = m.read(table, shuffle[i]);
      m.write(from, onward, m.read(table, shuffle[i + 1 == held_ ? 0 : i + 1]));
      m.write(from, across, m.read(table, static_cast<std::uint32_t>(random.below(held_))));
    }
    typename M::template Frame<1> start(m);
    m.set(start[0], m.read(table, shuffle[0]));
    if constexpr (Releases<M>) m.release(table, table_shape());
    m.move(old, start[0]);
  }

  [[gnu::cold]] std::uint64_t walk_table(M& m, Ref table) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < held_; ++i) {
      Ref const at = m.read(table, i);
      sum = 3 * sum + word(m.payload(at, node));
      if (i > 0) sum += m.read(at, parent) == m.read(table, (i - 1) / 2);
    }
    return sum;
  }

  // A node is given back when the circle has left it, so `across` is not followed then: what it
  // names may be gone.
  template <bool releasing>
  [[gnu::cold]] std::uint64_t walk_circle(M& m, Ref start) {
    Ref at = start;
    std::uint64_t sum = 0;
    for (std::uint32_t left = held_; left > 0; --left) {
      Ref const following = m.read(at, onward);
      sum = 3 * sum + word(m.payload(at, node));
      if constexpr (releasing) {
        m.release(at, node);
      } else {
        sum += 5 * word(m.payload(m.read(at, across), node));
      }
      at = following;
    }
    return at == start ? sum : ~sum;
  }

  Rings<M> const rings_;
  std::uint64_t const rings_per_unit_;
  std::uint32_t const held_;
  bool const random_;
  std::vector<Seat> seats_;
};

}  // namespace churn::old_and_young
