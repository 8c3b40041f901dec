// What:  sequences of managed objects, each made as a whole list before a consumer takes its
//        elements one by one.
// Why:   one half of a pair: sequence-generator makes the same elements for the same consumer
//        without ever holding a sequence. The difference is what holding it costs in time and
//        memory.
// Op:    one element: made, put into the list, taken out, summed when the consumer lets it go.
// Invariant: between units nothing but the consumer's window is live.
// Source: list against generator, the first advice of most texts on iterators; the pair is our own.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/sequence.hpp"
#include "workloads/parts/units.hpp"

namespace churn::sequence_list {

inline constexpr WorkloadInfo info{
    .name = "sequence-list",
    .summary = "sequences of objects, each made as a whole list before it is consumed",
    .source = "list against generator; the counterpart of managed/sequence-generator",
    .op = "one element made, listed, taken out, summed once and dropped",
    .parameters = sequence::parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
};

template <class M>
class Workload {
 public:
  explicit Workload(WorkloadContext const& context)
      : length_(static_cast<std::uint32_t>(context["length"])),
        sequences_per_unit_(rounds_per_unit(length_)),
        seats_(seats_for<sequence::Seat<M>>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return sequences_per_unit_ * length_; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) { seats_[thread].window.emplace(m); }

  void run(M& m, std::uint32_t thread) {
    sequence::Seat<M>& seat = seats_[thread];
    Shape const list_shape{length_, 0};
    for (std::uint64_t i = 0; i < sequences_per_unit_; ++i) {
      typename M::template Frame<2> frame(m);
      auto& list = frame[0];
      auto& element = frame[1];
      m.allocate(list, list_shape);
      for (std::uint32_t position = 0; position < length_; ++position) {
        sequence::produce(m, element, seat.random, position);
        m.write(list.get(), position, std::move(element));
      }
      for (std::uint32_t position = 0; position < length_; ++position) {
        m.take(element, list.get(), position);
        seat.window->push(m, std::move(element));
      }
      if constexpr (Releases<M>) m.release(list.get(), list_shape);
    }
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    return seats_[thread].window->sum(m);
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    seats_[thread].window->dispose(m);
  }

  void teardown(M&, std::uint32_t thread) { seats_[thread].window.reset(); }

 private:
  std::uint32_t const length_;
  std::uint64_t const sequences_per_unit_;
  std::vector<sequence::Seat<M>> seats_;
};

}  // namespace churn::sequence_list
