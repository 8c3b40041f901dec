// What:  churn of rings, each of which also points into one long doubly linked list that lives.
// Why:   the worst case of trial deletion: to learn that a dead ring of ten nodes is dead, a
//        collector that follows every reference visits the whole list, again and again. One that
//        knows old from young, or bounds its work, does not notice.
// Op:    one node of a ring: allocated, linked, summed, dropped.
// How:   the rings name list nodes at random among `doors`, evenly spread over the list, so that
//        their reference counts lie apart but are found without walking.
// Invariant: between units every thread has its whole list and `live` whole rings.
// Source: the objection to synchronous cycle collection that leads D. Bacon and V. Rajan to buffer
//        and age candidates, "Concurrent Cycle Collection in Reference Counted Systems", ECOOP
//        2001, section 4; measured against production collectors by us.
#pragma once

#include <algorithm>
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
#include "workloads/parts/units.hpp"

namespace churn::adversary {

inline constexpr std::array parameters{
    ring_parameter,
    live_rings_parameter,
    ParameterInfo{"list", 100'000, 1, 100'000'000,
                  "nodes of the list that each thread keeps alive"},
};

inline constexpr WorkloadInfo info{
    .name = "adversary",
    .summary =
        "ring churn where each ring points into a long live list: cycle detectors' worst case",
    .source = "after Bacon and Rajan, Concurrent Cycle Collection, ECOOP 2001, section 4",
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
  using RingTable = Rings<M, 3>;

 public:
  explicit Workload(WorkloadContext const& context)
      : rings_(context),
        rings_per_unit_(rounds_per_unit(rings_.nodes())),
        list_(static_cast<std::uint64_t>(context["list"])),
        doors_(static_cast<std::uint32_t>(std::min<std::uint64_t>(list_, most_doors))),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return rings_per_unit_ * rings_.nodes(); }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.roots.emplace(m);
    build_list(m, seat);
    rings_.set_up(m, seat, into_the_list(seat));
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    typename RingTable::State state = seat.state;  // a copy, so that it can stay in registers
    for (std::uint64_t i = 0; i < rings_per_unit_; ++i) {
      rings_.replace_one(m, **seat.table, state, into_the_list(seat), list_value);
    }
    seat.state = state;
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    std::uint64_t const rings = rings_.sum(m, seat, list_value);
    Ref const first = m.read((*seat.roots->doors).get(), 0);
    std::uint64_t const forwards = walk<false>(m, first, next);
    return mix(mix(rings, forwards), walk<false>(m, m.read(first, previous), previous));
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Seat& seat = seats_[thread];
    rings_.dispose(m, seat);
    Ref const table = (*seat.roots->doors).get();
    walk<true>(m, m.read(table, 0), next);
    m.release(table, Shape{doors_, 0});
  }

  void teardown(M&, std::uint32_t thread) {
    seats_[thread].table.reset();
    seats_[thread].roots.reset();
  }

 private:
  static constexpr Shape node{2, 8};
  static constexpr std::uint32_t next = 0, previous = 1;
  static constexpr std::uint64_t most_doors = 1024;

  struct Roots {
    explicit Roots(M& m) : doors(m) {}
    typename M::Root doors;  // a table of list nodes; the first of the list is at 0
  };
  struct alignas(128) Seat : RingTable::Seat {
    std::optional<Roots> roots;
  };

  auto into_the_list(Seat& seat) const noexcept {
    return [&seat, this](M& m, Local& head, auto& state) {
      auto const door = static_cast<std::uint32_t>(state.random.below(doors_));
      Ref const table = (*seat.roots->doors).get();
      m.write(head.get(), RingTable::own_slot, m.read(table, door));
    };
  }
  static constexpr auto list_value = [](M& m, Ref head) {
    return word(m.payload(m.read(head, RingTable::own_slot), node));
  };

  // The list is closed to a ring, so that both ends are found from its first node.
  [[gnu::cold]] void build_list(M& m, Seat& seat) {
    Local& doors = *seat.roots->doors;
    m.allocate(doors, Shape{doors_, 0});
    typename M::template Frame<3> frame(m);
    Local &first = frame[0], &last = frame[1], &fresh = frame[2];
    std::uint32_t door = 0;
    for (std::uint64_t i = 0; i < list_; ++i) {
      m.allocate(fresh, node);
      set_word(m.payload(fresh.get(), node), seat.state.random.next());
      if (i == list_ * door / doors_) m.write(doors.get(), door++, fresh.get());
      if (i == 0) {
        m.set(first, fresh.get());
      } else {
        Ref const before = last.get();
        m.write(before, next, fresh.get());
        m.write_new(fresh.get(), previous, std::move(last));
      }
      m.move(last, fresh);
    }
    Ref const tail = last.get();
    m.write(tail, next, first.get());
    m.write(first.get(), previous, std::move(last));
  }

  template <bool releasing>
  [[gnu::cold]] std::uint64_t walk(M& m, Ref start, std::uint32_t direction) {
    Ref at = start;
    std::uint64_t sum = 0;
    for (std::uint64_t left = list_; left > 0; --left) {
      Ref const following = m.read(at, direction);
      sum = 3 * sum + word(m.payload(at, node));
      if constexpr (releasing) m.release(at, node);
      at = following;
    }
    return at == start ? sum : ~sum;
  }

  RingTable const rings_;
  std::uint64_t const rings_per_unit_, list_;
  std::uint32_t const doors_;
  std::vector<Seat> seats_;
};

}  // namespace churn::adversary
