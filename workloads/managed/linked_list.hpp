// What:  a singly linked list, grown at its head, walked from end to end and dropped at once.
// Why:   one dead object drags a million others behind it, one at a time: whoever frees or marks by
//        recursion runs out of stack, and whoever frees eagerly makes the program wait for the
//        whole list. It also is the graph on which no prefetching helps a marker.
// Op:    one node: allocated, linked, read once, dropped. A unit is a whole list.
// Memory: n nodes of one slot and 8 bytes; nodes=10000000 is the depth that settles it.
// Invariant: nothing is live between units.
// Source: the oldest objection to counting: J. Weizenbaum, Symmetric list processor, CACM 6(9),
//        1963, frees such lists piece by piece.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/seats.hpp"

namespace churn::linked_list {

inline constexpr std::array parameters{
    ParameterInfo{"nodes", 100'000, 1, 100'000'000, "in the list when it is complete"},
};

inline constexpr WorkloadInfo info{
    .name = "linked-list",
    .summary = "one long singly linked list built, walked from end to end and dropped at once",
    .source = "Weizenbaum, Symmetric list processor, CACM 6(9), 1963: freeing without recursion",
    .op = "one list node allocated, linked, read once and dropped",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : nodes_(static_cast<std::uint64_t>(context["nodes"])), seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return nodes_; }

  [[gnu::cold]] void setup(M&, std::uint32_t) {}

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    typename M::template Frame<1> list(m);
    build(m, list[0], seat.random);
    seat.sum = mix(seat.sum, total(m, list[0].get()));
  }

  [[gnu::cold]] std::uint64_t check(M&, std::uint32_t thread) { return seats_[thread].sum; }

  [[gnu::cold]] void dispose(M&, std::uint32_t)
    requires Releases<M>
  {}

  void teardown(M&, std::uint32_t) {}

 private:
  static constexpr Shape node{1, 8};
  static constexpr std::uint32_t next = 0;

  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t sum = 0;
  };

  void build(M& m, Local& head, Random& random) {
    typename M::template Frame<1> fresh(m);
    for (std::uint64_t i = 0; i < nodes_; ++i) {
      m.allocate(fresh[0], node);
      Ref const added = fresh[0].get();
      set_word(m.payload(added, node), random.next());
      m.write_new(added, next, std::move(head));
      m.move(head, fresh[0]);
    }
  }

  // Of all payloads in their order, and of how many there are.
  std::uint64_t total(M& m, Ref head) {
    std::uint64_t sum = 0, length = 0;
    for (Ref at = head; at != Ref{} && length <= nodes_; ++length) {
      Ref const following = m.read(at, next);
      sum = 3 * sum + word(m.payload(at, node));
      if constexpr (Releases<M>) m.release(at, node);
      at = following;
    }
    return mix(sum, length);
  }

  std::uint64_t const nodes_;
  std::vector<Seat> seats_;
};

}  // namespace churn::linked_list
