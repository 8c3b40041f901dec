// What:  resources that want to be told of their death: made, watched, replaced at random, and
//        finalized when the collector has found them dead.
// Why:   finalizers make death visible: an object must outlive its own death with all it reaches,
//        be handed out exactly once, and may come back. What that costs is paid by every object
//        that could have one.
// Op:    one resource with its buffer: allocated, put in the place of another, which is read and
//        dropped; and whoever has died meanwhile is finalized.
// How:   one resource in `every` is watched. Finalizing checks that the resource is whole, and lets
//        it go; one in eight is kept for a second life, from which it is dropped unwatched. At the
//        end full collections find all that are dead, or the sum is wrong.
// Checksum: which collection finds whom is the collector's business, so the finalized are summed
//        commutatively, and their second lives change nothing that is summed.
// Invariant: between units `live` resources are reachable, and at most `second_lives` others.
// Source: guardians: R. K. Dybvig, C. Bruggeman, D. Eby, Guardians in a generation-based garbage
//        collector, PLDI 1993; the program is our own.
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

namespace churn::finalizers {

inline constexpr std::array parameters{
    ParameterInfo{"live", 1'000, 1, 4'000'000, "resources that each thread keeps alive"},
    ParameterInfo{"every", 4, 1, 1'000'000, "one resource in so many has a finalizer"},
};

inline constexpr WorkloadInfo info{
    .name = "finalizers",
    .summary = "resources whose deaths are told: finalized once, one in eight comes back",
    .source = "after Dybvig, Bruggeman and Eby, Guardians, PLDI 1993",
    .op = "one resource and its buffer allocated, read, dropped, and perhaps finalized",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .needs_finalizers = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : live_(static_cast<std::uint32_t>(context["live"])),
        every_(static_cast<std::uint64_t>(context["every"])),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return ops_aimed_at; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.roots.emplace(m);
    m.allocate(*seat.roots->table, Shape{live_, 0});
    m.allocate(*seat.roots->again, Shape{second_lives, 0});
    typename M::template Frame<1> fresh(m);
    for (std::uint32_t i = 0; i < live_; ++i) {
      make(m, fresh[0], seat);
      m.write((*seat.roots->table).get(), i, std::move(fresh[0]));
    }
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      replace_one(m, seat);
      finalize_ready(m, seat);
    }
  }

  // What one thread has dropped may be another one's to finalize: only the total is determined.
  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    do m.collect(generations - 1);
    while (finalize_ready(m, seat));
    std::uint64_t sum = seat.sum;
    for (std::uint32_t i = 0; i < live_; ++i) {
      sum = mix(sum, value(m, m.read((*seat.roots->table).get(), i)));
    }
    return sum + seat.finalized;
  }

  // Those that still live die now, and would wait for ever to be told.
  [[gnu::cold]] void teardown(M& m, std::uint32_t thread) {
    seats_[thread].roots.reset();
    typename M::template Frame<1> dead(m);
    bool any;
    do {
      m.collect(generations - 1);
      any = false;
      for (std::uint64_t tag = 0; m.next_dead(dead[0], tag);) any = true;
    } while (any);
  }

 private:
  // Payload of a resource: its number, which is its tag too, and a stamp, which its buffer repeats.
  static constexpr Shape resource{1, 16}, buffer{0, 8};
  static constexpr std::uint32_t second_lives = 64;
  static constexpr std::uint64_t one_comes_back_in = 8;

  struct Roots {
    explicit Roots(M& m) : table(m), again(m) {}
    typename M::Root table, again;
  };
  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t made = 0, sum = 0, finalized = 0;
    std::optional<Roots> roots;
  };

  CHURN_ALWAYS_INLINE void make(M& m, Local& out, Seat& seat) {
    typename M::template Frame<1> held(m);
    std::uint64_t const stamp = seat.random.next();
    m.allocate(held[0], buffer);
    set_word(m.payload(held[0].get(), buffer), stamp);
    m.allocate(out, resource);
    Ref const made = out.get();
    std::uint64_t const number = seat.made++;
    set_word(m.payload(made, resource), number, 0);
    set_word(m.payload(made, resource), stamp, 1);
    m.write_new(made, 0, std::move(held[0]));
    if (number % every_ == 0) m.watch(made, number);
  }

  // Another figure for one that is not whole.
  std::uint64_t value(M& m, Ref at) noexcept {
    std::byte const* const payload = m.payload(at, resource);
    std::uint64_t const told = mix(word(payload, 0), word(payload, 1));
    return word(m.payload(m.read(at, 0), buffer)) == word(payload, 1) ? told : ~told;
  }

  CHURN_ALWAYS_INLINE void replace_one(M& m, Seat& seat) {
    typename M::template Frame<1> fresh(m);
    make(m, fresh[0], seat);
    auto const slot = static_cast<std::uint32_t>(seat.random.below(live_));
    Ref const table = (*seat.roots->table).get();
    seat.sum = mix(seat.sum, value(m, m.read(table, slot)));
    m.write(table, slot, std::move(fresh[0]));
  }

  // Whether anybody was ready.
  bool finalize_ready(M& m, Seat& seat) {
    typename M::template Frame<1> dead(m);
    std::uint64_t tag = 0;
    bool any = false;
    while (m.next_dead(dead[0], tag)) {
      any = true;
      seat.finalized += mix(tag, value(m, dead[0].get()));
      std::uint64_t const watched = tag / every_;
      if (watched % one_comes_back_in != 0) continue;
      auto const place = static_cast<std::uint32_t>(watched / one_comes_back_in % second_lives);
      m.write((*seat.roots->again).get(), place, std::move(dead[0]));
    }
    return any;
  }

  std::uint32_t const live_;
  std::uint64_t const every_;
  std::vector<Seat> seats_;
};

}  // namespace churn::finalizers
