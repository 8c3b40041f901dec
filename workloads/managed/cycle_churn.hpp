// What:  churn of cyclic garbage: doubly linked rings of k nodes; each new ring replaces a live
//        one, which is summed once, on its way out, and dropped.
// Why:   the smallest program that plain reference counts cannot run in bounded memory. k sets how
//        much a cycle detector must trace per ring, `live` how much it must not reclaim.
// Op:    one node: allocated, linked, summed, dropped.
// Invariant: between units every thread has `live` whole rings, in a table that one Root holds.
// Source: ring churn as cycle collectors are usually shown; the problem is that of D. Bacon and
//        V. Rajan, "Concurrent Cycle Collection in Reference Counted Systems", ECOOP 2001.
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
#include "workloads/parts/units.hpp"

namespace churn::cycle_churn {

inline constexpr std::array parameters{
    ParameterInfo{"ring", 10, 1, 1'000'000, "nodes in a ring"},
    ParameterInfo{"live", 16, 1, 4'000'000, "rings that each thread keeps alive"},
};

inline constexpr WorkloadInfo info{
    .name = "cycle-churn",
    .summary = "rings of nodes: each new one replaces a live one, which becomes cyclic garbage",
    .source = "after Bacon and Rajan, Concurrent Cycle Collection, ECOOP 2001",
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
      : ring_(static_cast<std::uint32_t>(context["ring"])),
        live_(static_cast<std::uint32_t>(context["live"])),
        rings_per_unit_(rounds_per_unit(ring_)),
        seats_(context.threads) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_[thread].state.random = Random::fork(context.seed, thread);
    }
  }

  std::uint64_t ops_per_unit() const noexcept { return rings_per_unit_ * ring_; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.table.emplace(m);
    m.allocate(**seat.table, table_shape());
    for (std::uint32_t slot = 0; slot < live_; ++slot) {
      typename M::template Frame<1> ring(m);
      build(m, ring[0], seat.state.random.next());
      m.write((**seat.table).get(), slot, std::move(ring[0]));
    }
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    State state = seat.state;  // a copy, so that it can stay in registers
    for (std::uint64_t i = 0; i < rings_per_unit_; ++i) replace_one(m, **seat.table, state);
    seat.state = state;
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    std::uint64_t sum = seat.state.sum;
    for (std::uint32_t slot = 0; slot < live_; ++slot) {
      sum = mix(sum, walk<false>(m, m.read((**seat.table).get(), slot), slot % 2));
    }
    return sum;
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Seat& seat = seats_[thread];
    Ref const table = (**seat.table).get();
    for (std::uint32_t slot = 0; slot < live_; ++slot) walk<true>(m, m.read(table, slot), next);
    m.release(table, table_shape());
  }

  void teardown(M&, std::uint32_t thread) { seats_[thread].table.reset(); }

 private:
  static constexpr Shape node{2, 8};
  static constexpr std::uint32_t next = 0, previous = 1;

  struct State {
    Random random{0};
    std::uint64_t sum = 0, rings = 0;
  };
  struct alignas(128) Seat {
    State state;
    std::optional<typename M::Root> table;
  };

  Shape table_shape() const noexcept { return {live_, 0}; }

  CHURN_ALWAYS_INLINE void replace_one(M& m, Local& table_root, State& state) {
    typename M::template Frame<1> ring(m);
    build(m, ring[0], state.random.next());
    auto const slot = static_cast<std::uint32_t>(state.random.below(live_));
    Ref const table = table_root.get();
    // By turns forwards and backwards, so that a wrong link in either direction shows.
    auto const direction = static_cast<std::uint32_t>(state.rings++ % 2);
    state.sum = mix(state.sum, walk<Releases<M>>(m, m.read(table, slot), direction));
    m.write(table, slot, std::move(ring[0]));
  }

  // Leaves a new ring's first node in `first`; payloads count up from `start`. Where a reference is
  // not needed again it is moved, so that a counting collector pays for two of a node's four
  // stores.
  CHURN_ALWAYS_INLINE void build(M& m, Local& first, std::uint64_t start) {
    typename M::template Frame<2> frame(m);
    Local& last = frame[0];
    Local& fresh = frame[1];
    m.allocate(first, node);
    set_word(m.payload(first.get(), node), start);
    m.set(last, first.get());
    for (std::uint64_t value = start + 1, end = start + ring_; value != end; ++value) {
      m.allocate(fresh, node);
      Ref const added = fresh.get(), before = last.get();
      set_word(m.payload(added, node), value);
      m.write_new(added, previous, std::move(last));
      m.write(before, next, added);
      m.move(last, fresh);
    }
    Ref const head = first.get(), tail = last.get();
    m.write_new(tail, next, head);
    m.write(head, previous, std::move(last));
  }

  // Once round from `head`. The sum depends on every payload and on the order; it tells a ring that
  // does not close. With `releasing`, each node is given back as soon as it has been left.
  template <bool releasing>
  CHURN_ALWAYS_INLINE std::uint64_t walk(M& m, Ref head, std::uint32_t direction) {
    Ref node_at = head;
    std::uint64_t sum = 0;
    for (std::uint32_t left = ring_; left > 0; --left) {
      Ref const following = m.read(node_at, direction);
      sum = 3 * sum + word(m.payload(node_at, node));
      if constexpr (releasing) m.release(node_at, node);
      node_at = following;
    }
    return node_at == head ? sum : ~sum;
  }

  std::uint32_t const ring_, live_;
  std::uint64_t const rings_per_unit_;
  std::vector<Seat> seats_;
};

}  // namespace churn::cycle_churn
