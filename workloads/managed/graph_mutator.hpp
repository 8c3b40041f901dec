// What:  a directed graph of fixed size whose edges are rewired at random, one after another.
// Why:   every store writes a young object into an old one, anywhere in the heap, and every object
//        that dies had become old in between: what generational hypotheses, remembered sets and
//        deletion barriers fear most. Nothing but edges is ever allocated.
// Op:    one edge: allocated, put in the place of another, which is read and dropped.
// How:   a node has `degree` slots, each of which holds an edge object that names both its ends.
//        The payload of a node counts the edges that lead to it, so that each rewiring touches
//        three nodes.
// Invariant: between units each node has all its edges, and the nodes' counts add up to their
//        number. teardown() takes the edges away: without them nothing is cyclic.
// Source: our own; random rewiring is the mutator of most tests of collectors.
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
#include "workloads/parts/seats.hpp"
#include "workloads/parts/units.hpp"

namespace churn::graph_mutator {

inline constexpr std::array parameters{
    ParameterInfo{"nodes", 10'000, 1, 10'000'000, "of the graph of each thread"},
    ParameterInfo{"degree", 4, 1, 1'000, "edges that leave each node"},
};

inline constexpr WorkloadInfo info{
    .name = "graph-mutator",
    .summary = "a graph of fixed size whose edges, objects of their own, are rewired at random",
    .source = "our own; random rewiring is the mutator of most tests of collectors",
    .op = "one edge allocated and linked in the place of another, which is read and dropped",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
    .splits = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : nodes_(static_cast<std::uint32_t>(context["nodes"])),
        degree_(static_cast<std::uint32_t>(context["degree"])),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return ops_aimed_at; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.table.emplace(m);
    Local& table = **seat.table;
    m.allocate(table, table_shape());
    typename M::template Frame<1> fresh(m);
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      m.allocate(fresh[0], node_shape());
      m.write(table.get(), i, std::move(fresh[0]));
    }
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      for (std::uint32_t slot = 0; slot < degree_; ++slot) {
        make_edge(m, fresh[0], table, i, seat.state.random);
        m.write(m.read(table.get(), i), slot, std::move(fresh[0]));
      }
    }
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    State state = seat.state;  // a copy, so that it can stay in registers
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) rewire_one(m, **seat.table, state);
    seat.state = state;
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    Ref const table = (**seat.table).get();
    std::uint64_t sum = seat.state.sum, incoming = 0;
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      Ref const node = m.read(table, i);
      incoming += count(m, node);
      for (std::uint32_t slot = 0; slot < degree_; ++slot) {
        sum = mix(sum, value(m, node, m.read(node, slot)));
      }
    }
    return mix(sum, incoming);
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Ref const table = (**seats_[thread].table).get();
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      Ref const node = m.read(table, i);
      for (std::uint32_t slot = 0; slot < degree_; ++slot) m.release(m.read(node, slot), edge);
      m.release(node, node_shape());
    }
    m.release(table, table_shape());
  }

  [[gnu::cold]] void teardown(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    if constexpr (!Releases<M>) {  // else the nodes are gone
      for (std::uint32_t i = 0; i < nodes_; ++i) {
        Ref const node = m.read((**seat.table).get(), i);
        for (std::uint32_t slot = 0; slot < degree_; ++slot) m.write(node, slot, Ref{});
      }
    }
    seat.table.reset();
  }

 private:
  static constexpr Shape edge{2, 8};
  static constexpr std::uint32_t from = 0, to = 1;

  struct State {
    Random random{0};
    std::uint64_t sum = 0;
  };
  struct alignas(128) Seat {
    State state;
    std::optional<typename M::Root> table;
  };

  Shape table_shape() const noexcept { return {nodes_, 0}; }
  Shape node_shape() const noexcept { return {degree_, 8}; }

  std::uint64_t count(M& m, Ref node) const noexcept { return word(m.payload(node, node_shape())); }
  void add_to_count(M& m, Ref node, std::uint64_t change) const noexcept {
    std::byte* const payload = m.payload(node, node_shape());
    set_word(payload, word(payload) + change);
  }

  // From the node at `source` to one at random.
  CHURN_ALWAYS_INLINE void make_edge(M& m, Local& out, Local& table, std::uint32_t source,
                                     Random& random) {
    auto const target = static_cast<std::uint32_t>(random.below(nodes_));
    m.allocate(out, edge);
    Ref const added = out.get();
    Ref const goal = m.read(table.get(), target);
    set_word(m.payload(added, edge), random.next());
    m.write_new(added, from, m.read(table.get(), source));
    m.write_new(added, to, goal);
    add_to_count(m, goal, 1);
  }

  // Of an edge of `node`; another figure if it does not start there.
  std::uint64_t value(M& m, Ref node, Ref out) const noexcept {
    std::uint64_t const weight = word(m.payload(out, edge));
    return m.read(out, from) == node ? weight : ~weight;
  }

  CHURN_ALWAYS_INLINE void rewire_one(M& m, Local& table, State& state) {
    typename M::template Frame<1> fresh(m);
    auto const source = static_cast<std::uint32_t>(state.random.below(nodes_));
    auto const slot = static_cast<std::uint32_t>(state.random.below(degree_));
    make_edge(m, fresh[0], table, source, state.random);
    Ref const node = m.read(table.get(), source);
    Ref const old = m.read(node, slot);
    add_to_count(m, m.read(old, to), ~std::uint64_t{0});
    state.sum = 3 * state.sum + value(m, node, old);
    if constexpr (Releases<M>) m.release(old, edge);
    m.write(node, slot, std::move(fresh[0]));
  }

  std::uint32_t const nodes_, degree_;
  std::vector<Seat> seats_;
};

}  // namespace churn::graph_mutator
