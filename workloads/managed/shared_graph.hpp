// What:  a graph that several mutators change at the same time: all read its slots while others
//        exchange them.
// Why:   everything else here keeps its objects to one thread. Here an object is published by one
//        thread, followed by a second and dropped by a third, the case for which shared reads,
//        atomic or biased counts and concurrent barriers exist, and in which they race.
// Op:    one node: allocated, linked to a node that is there, put in the place of a third one,
//        which is read, cut off and dropped; and one walk of two steps through the graph.
// How:   a table that all threads share names `nodes` nodes; each node names one that was there
//        before it. Whoever exchanges a node out of the table alone owns its edge and takes it
//        away, so that no chain of the dead grows. Edges lead to older nodes only: nothing is
//        cyclic.
// Checksum: each node counts once, when it leaves the table or at the end; which thread meets it
//        when is chance, so the sum is commutative. What is met on a walk must be sound, and adds
//        only if it is not.
// Invariant: between units the table is full.
// Source: our own; the exchange that publishes and the one that unlinks are those of lock-free
//        stacks.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/progress.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/units.hpp"

namespace churn::shared_graph {

inline constexpr std::array parameters{
    ParameterInfo{"nodes", 1'000, 1, 10'000'000, "of the graph that all threads share"},
};

inline constexpr WorkloadInfo info{
    .name = "shared-graph",
    .summary = "a graph whose slots several mutators read and exchange at the same time",
    .source = "our own, after the exchanges of lock-free stacks",
    .op = "one node published in the place of another, which is dropped, and two nodes visited",
    .parameters = parameters,
    .min_threads = 2,
    .max_threads = 64,
    .shares = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  template <class Heap>
  Workload(WorkloadContext const& context, Heap& heap)
      : nodes_(static_cast<std::uint32_t>(context["nodes"])),
        table_(heap),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return ops_aimed_at; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    if (thread == 0) {
      build(m, seats_[0].random);
      built_.advance();
    } else {
      typename M::Blocked waiting(m);
      built_.await(1);
    }
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) replace_one(m, seat);
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    std::uint64_t sum = seats_[thread].sum;
    if (thread != 0) return sum;
    Ref const table = (*table_).get();
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      Ref const at = m.read(table, i);
      sum += value(m, at) + flaw_of_edge(m, m.read(at, before));
    }
    return sum;
  }

  [[gnu::cold]] void teardown(M& m, std::uint32_t thread) {
    if (thread == 0) m.clear(*table_);
  }

 private:
  static constexpr Shape node{1, 16};
  static constexpr std::uint32_t before = 0;
  // Added for what must not be, and for the one node that has no edge.
  static constexpr std::uint64_t unsound = 0x6f64'6420'6e6f'6465, edgeless = 0x6c6f'6e65;

  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t sum = 0;
  };

  [[gnu::cold]] void build(M& m, Random& random) {
    m.allocate(*table_, Shape{nodes_, 0});
    typename M::template Frame<1> fresh(m);
    for (std::uint32_t i = 0; i < nodes_; ++i) {
      make(m, fresh[0], random);
      Ref const table = (*table_).get();
      // The first of all has nobody before it; it is the only node without an edge.
      if (i > 0) m.write_new(fresh[0].get(), before, m.read(table, i - 1));
      m.write(table, i, std::move(fresh[0]));
    }
  }

  CHURN_ALWAYS_INLINE void make(M& m, Local& out, Random& random) {
    m.allocate(out, node);
    std::byte* const payload = m.payload(out.get(), node);
    std::uint64_t const stamp = random.next();
    set_word(payload, stamp, 0);
    set_word(payload, mix(0, stamp), 1);
  }

  // What a node adds when it leaves.
  std::uint64_t value(M& m, Ref at) noexcept {
    return mix(word(m.payload(at, node), 0), word(m.payload(at, node), 1));
  }
  // Zero, if the node is whole.
  std::uint64_t flaw(M& m, Ref at) noexcept {
    std::byte const* const payload = m.payload(at, node);
    return word(payload, 1) == mix(0, word(payload, 0)) ? 0 : unsound;
  }
  std::uint64_t flaw_of_edge(M& m, Ref to) noexcept { return to == Ref{} ? edgeless : flaw(m, to); }

  CHURN_ALWAYS_INLINE void replace_one(M& m, Seat& seat) {
    typename M::template Frame<4> frame(m);
    Local &fresh = frame[0], &neighbour = frame[1], &old = frame[2], &edge = frame[3];
    make(m, fresh, seat.random);
    std::uint64_t const pick = seat.random.next();
    m.read_shared(neighbour, (*table_).get(), place(pick & 0xffff'ffff));
    seat.sum += flaw(m, neighbour.get());
    m.write_new(fresh.get(), before, neighbour.get());
    m.exchange_shared(old, (*table_).get(), place(pick >> 32), std::move(fresh));
    seat.sum += value(m, old.get());
    // Others may be following the edge that is taken away. `fresh` has been moved from: null.
    m.exchange_shared(edge, old.get(), before, std::move(fresh));
    seat.sum += flaw_of_edge(m, edge.get());
    m.read_shared(edge, neighbour.get(), before);
    if (edge.get() != Ref{}) seat.sum += flaw(m, edge.get());
  }
  std::uint32_t place(std::uint64_t bits) const noexcept {
    return static_cast<std::uint32_t>((bits * nodes_) >> 32);
  }

  std::uint32_t const nodes_;
  typename M::Global table_;
  Progress built_;
  std::vector<Seat> seats_;
};

}  // namespace churn::shared_graph
