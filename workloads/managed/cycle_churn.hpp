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
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/rings.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/units.hpp"

namespace churn::cycle_churn {

inline constexpr std::array parameters{
    ring_parameter,
    live_rings_parameter,
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
    .splits = true,
};

template <class M>
class Workload {
 public:
  explicit Workload(WorkloadContext const& context)
      : rings_(context),
        rings_per_unit_(rounds_per_unit(rings_.nodes())),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return rings_per_unit_ * rings_.nodes(); }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    rings_.set_up(m, seats_[thread], nothing_more);
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
    return rings_.sum(m, seats_[thread], nothing_own);
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    rings_.dispose(m, seats_[thread]);
  }

  void teardown(M&, std::uint32_t thread) { seats_[thread].table.reset(); }

 private:
  struct alignas(128) Seat : Rings<M>::Seat {};

  static constexpr auto nothing_more = [](M&, auto&, auto&) {};
  static constexpr auto nothing_own = [](M&, typename M::Ref) { return std::uint64_t{0}; };

  Rings<M> const rings_;
  std::uint64_t const rings_per_unit_;
  std::vector<Seat> seats_;
};

}  // namespace churn::cycle_churn
