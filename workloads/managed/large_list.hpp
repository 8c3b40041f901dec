// What:  a list of many small objects: grown by append through ever larger arrays, read from end to
//        end, dropped as a whole.
// Why:   large objects, the cost of growth, a live set that rises from nothing to n and falls at
//        once: the longest pauses of a counting collector (one cascade of n) and of a tracing one
//        (all young).
// Op:    one element: appended, read once, dropped. A unit is a whole list, so a slowest batch of
//        1000 ops is defined only near n = 1000.
// Memory: n objects and, during the last growth, up to 3 n slots. A list cannot hold more than the
//        slots of one object, which the greatest n respects.
// Invariant: nothing is live between units.
// Source: the append loop of interpreters' list benchmarks; growth by doubling as in C++ vectors.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/seats.hpp"

namespace churn::large_list {

inline constexpr std::array parameters{
    ParameterInfo{"elements", 100'000, 1, 10'000'000, "in the list when it is complete"},
};

inline constexpr WorkloadInfo info{
    .name = "large-list",
    .summary = "one long list grown by append, read from end to end and dropped at once",
    .source =
        "append loops of interpreters' benchmark suites; growth by doubling as in C++ vectors",
    .op = "one list element appended, read once and dropped",
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
      : elements_(static_cast<std::uint32_t>(context["elements"])),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return elements_; }

  [[gnu::cold]] void setup(M&, std::uint32_t) {}

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    typename M::template Frame<1> list(m);
    std::uint32_t const capacity = fill(m, list[0], seat.random);
    seat.sum = mix(seat.sum, total(m, list[0].get()));
    if constexpr (Releases<M>) m.release(list[0].get(), Shape{capacity, 0});
  }

  [[gnu::cold]] std::uint64_t check(M&, std::uint32_t thread) { return seats_[thread].sum; }

  [[gnu::cold]] void dispose(M&, std::uint32_t)
    requires Releases<M>
  {}

  void teardown(M&, std::uint32_t) {}

 private:
  static constexpr Shape element{0, 8};
  static constexpr std::uint32_t first_capacity = 8;
  static constexpr std::uint32_t most_slots = (1u << 24) - 1;

  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t sum = 0;
  };

  // Returns the capacity that the list has come to.
  std::uint32_t fill(M& m, Local& list, Random& random) {
    typename M::template Frame<1> fresh(m);
    std::uint32_t capacity = first_capacity;
    m.allocate(list, Shape{capacity, 0});
    for (std::uint32_t length = 0; length < elements_; ++length) {
      if (length == capacity) capacity = grow(m, list, capacity);
      m.allocate(fresh[0], element);
      set_word(m.payload(fresh[0].get(), element), random.next());
      m.write(list.get(), length, std::move(fresh[0]));
    }
    return capacity;
  }

  CHURN_NEVER_INLINE std::uint32_t grow(M& m, Local& list, std::uint32_t capacity) {
    typename M::template Frame<1> larger(m);
    std::uint32_t const doubled = std::min(2 * capacity, most_slots);
    m.allocate(larger[0], Shape{doubled, 0});
    Ref const old = list.get();
    m.move_slots(larger[0].get(), 0, old, 0, capacity);
    if constexpr (Releases<M>) m.release(old, Shape{capacity, 0});
    m.move(list, larger[0]);
    return doubled;
  }

  std::uint64_t total(M& m, Ref list) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < elements_; ++i) {
      Ref const at = m.read(list, i);
      sum = 3 * sum + word(m.payload(at, element));
      if constexpr (Releases<M>) m.release(at, element);
    }
    return sum;
  }

  std::uint32_t const elements_;
  std::vector<Seat> seats_;
};

}  // namespace churn::large_list
