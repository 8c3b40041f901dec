// What:  doubly linked rings of nodes in a table of live ones: built, walked once on their way out,
//        replaced. What cycle-churn, adversary and old-and-young have in common.
// Why:   they must differ in what lies beside the rings alone, or their times do not compare.
// How:   a ring's first node may have slots of its own behind the two links; whoever asked for them
//        fills them when a ring is complete and reads them before it is walked.
// Invariant: between calls a table holds `live` whole rings.
// Cost:  an allocation, two stores and two moves a node; inlined where it is called.
// Thread-safety: a Seat belongs to its mutator's thread; Rings itself is immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"

namespace churn {

inline constexpr ParameterInfo ring_parameter{"ring", 10, 1, 1'000'000, "nodes in a ring"};
inline constexpr ParameterInfo live_rings_parameter{"live", 16, 1, 4'000'000,
                                                    "rings that each thread keeps alive"};

template <class M, std::uint32_t head_slots = 2>
class Rings {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  static constexpr std::uint32_t own_slot = 2;  // the head's first beyond its links

  struct State {
    Random random{0};
    std::uint64_t sum = 0, rings = 0;
  };
  struct Seat {
    State state;
    std::optional<typename M::Root> table;
  };

  // pre: the workload declares the two parameters above
  explicit Rings(WorkloadContext const& context) noexcept
      : nodes_(static_cast<std::uint32_t>(context[ring_parameter.name])),
        live_(static_cast<std::uint32_t>(context[live_rings_parameter.name])) {}

  std::uint32_t nodes() const noexcept { return nodes_; }

  // completed(m, head, state): a ring is there, its first node in the local `head`.
  template <class Completed>
  [[gnu::cold]] void set_up(M& m, Seat& seat, Completed&& completed) const {
    seat.table.emplace(m);
    m.allocate(**seat.table, table_shape());
    for (std::uint32_t slot = 0; slot < live_; ++slot) {
      typename M::template Frame<1> ring(m);
      build(m, ring[0], seat.state.random.next());
      completed(m, ring[0], seat.state);
      m.write((**seat.table).get(), slot, std::move(ring[0]));
    }
  }

  // left(m, head) is added to the checksum of the ring that makes room.
  template <class Completed, class Left>
  CHURN_ALWAYS_INLINE void replace_one(M& m, Local& table_root, State& state, Completed&& completed,
                                       Left&& left) const {
    typename M::template Frame<1> ring(m);
    build(m, ring[0], state.random.next());
    completed(m, ring[0], state);
    auto const slot = static_cast<std::uint32_t>(state.random.below(live_));
    Ref const table = table_root.get();
    Ref const old = m.read(table, slot);
    // By turns forwards and backwards, so that a wrong link in either direction shows.
    auto const direction = static_cast<std::uint32_t>(state.rings++ % 2);
    std::uint64_t const own = left(m, old);
    state.sum = mix(state.sum, own + walk<Releases<M>>(m, old, direction));
    m.write(table, slot, std::move(ring[0]));
  }

  template <class Left>
  [[gnu::cold]] std::uint64_t sum(M& m, Seat& seat, Left&& left) const {
    std::uint64_t sum = seat.state.sum;
    for (std::uint32_t slot = 0; slot < live_; ++slot) {
      Ref const head = m.read((**seat.table).get(), slot);
      std::uint64_t const own = left(m, head);
      sum = mix(sum, own + walk<false>(m, head, slot % 2));
    }
    return sum;
  }

  [[gnu::cold]] void dispose(M& m, Seat& seat) const
    requires Releases<M>
  {
    Ref const table = (**seat.table).get();
    for (std::uint32_t slot = 0; slot < live_; ++slot) walk<true>(m, m.read(table, slot), next);
    m.release(table, table_shape());
  }

 private:
  static constexpr Shape head{head_slots, 8}, node{2, 8};
  static constexpr std::uint32_t next = 0, previous = 1;

  Shape table_shape() const noexcept { return {live_, 0}; }

  // Leaves a new ring's first node in `first`; payloads count up from `start`. Where a reference is
  // not needed again it is moved, so that a counting collector pays for two of a node's four
  // stores.
  CHURN_ALWAYS_INLINE void build(M& m, Local& first, std::uint64_t start) const {
    typename M::template Frame<2> frame(m);
    Local& last = frame[0];
    Local& fresh = frame[1];
    m.allocate(first, head);
    set_word(m.payload(first.get(), head), start);
    m.set(last, first.get());
    for (std::uint64_t value = start + 1, end = start + nodes_; value != end; ++value) {
      m.allocate(fresh, node);
      Ref const added = fresh.get(), before = last.get();
      set_word(m.payload(added, node), value);
      m.write_new(added, previous, std::move(last));
      m.write(before, next, added);
      m.move(last, fresh);
    }
    Ref const start_node = first.get(), tail = last.get();
    m.write_new(tail, next, start_node);
    m.write(start_node, previous, std::move(last));
  }

  // Once round from `start`. The sum depends on every payload and on the order; it tells a ring
  // that does not close. With `releasing`, each node is given back as soon as it has been left.
  template <bool releasing>
  CHURN_ALWAYS_INLINE std::uint64_t walk(M& m, Ref start, std::uint32_t direction) const {
    Ref node_at = start;
    std::uint64_t sum = 0;
    std::uint32_t left = nodes_;
    if constexpr (head_slots != node.slots) {
      node_at = step<releasing, head>(m, node_at, direction, sum);
      --left;
    }
    for (; left > 0; --left) node_at = step<releasing, node>(m, node_at, direction, sum);
    return node_at == start ? sum : ~sum;
  }
  template <bool releasing, Shape const& shape>
  CHURN_ALWAYS_INLINE static Ref step(M& m, Ref at, std::uint32_t direction, std::uint64_t& sum) {
    Ref const following = m.read(at, direction);
    sum = 3 * sum + word(m.payload(at, shape));
    if constexpr (releasing) m.release(at, shape);
    return following;
  }

  std::uint32_t const nodes_, live_;
};

}  // namespace churn
