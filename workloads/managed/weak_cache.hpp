// What:  a cache that keeps nothing alive: it names its values weakly, and what nobody uses any
//        more may be gone when it is asked for again, and is made anew.
// Why:   interning tables and caches of derived data hold what they hold through weak references;
//        each collection has to look at all of them, and each answer races with a death.
// Op:    one lookup: the value strengthened or made, and a fresh object that uses it put in the
//        place of the one that was put there longest ago, which is read and dropped.
// How:   a value lives while one of the latest `uses` uses names it. How many lookups miss is the
//        collector's business, so nothing that is summed depends on it: a value follows from its
//        key, whether old or new.
// Invariant: between units the weak table has an entry for each key and the uses are complete.
// Source: weak interning as in Java's WeakHashMap and Python's WeakValueDictionary; the program is
//        our own.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/units.hpp"

namespace churn::weak_cache {

inline constexpr std::array parameters{
    ParameterInfo{"keys", 5'000, 1, 4'000'000, "with a weak reference each, in each thread"},
    ParameterInfo{"uses", 1'000, 1, 4'000'000, "that keep their values alive, in each thread"},
};

inline constexpr WorkloadInfo info{
    .name = "weak-cache",
    .summary = "a cache of weak references whose values live only while something uses them",
    .source = "weak interning tables; the program is our own",
    .op = "one lookup: a value found or made, and an object that uses it in another one's place",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .needs_weak = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : keys_(static_cast<std::uint64_t>(context["keys"])),
        uses_(static_cast<std::uint32_t>(context["uses"])),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return ops_aimed_at; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.table.emplace(m);
    m.allocate(**seat.table, Shape{uses_, 0});
    for (std::uint64_t key = 0; key < keys_; ++key) seat.weak.emplace_back(m);
    for (std::uint32_t i = 0; i < uses_; ++i) use_one(m, seat);
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) use_one(m, seat);
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    std::uint64_t sum = seat.sum;
    for (std::uint32_t i = 0; i < uses_; ++i) {
      sum = mix(sum, seen(m, m.read((**seat.table).get(), i)));
    }
    return sum;
  }

  [[gnu::cold]] void teardown(M&, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.weak.clear();
    seat.table.reset();
  }

 private:
  // A use tells for which key it was made; a value is the key's and says so twice.
  static constexpr Shape use{1, 8}, value{0, 16};

  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t sum = 0, used = 0;
    std::optional<typename M::Root> table;
    std::deque<typename M::Weak> weak;  // by key; never moved
  };

  std::uint64_t seen(M& m, Ref at) noexcept {
    std::byte const* const payload = m.payload(m.read(at, 0), value);
    std::uint64_t const key = word(m.payload(at, use));
    return mix(key, word(payload, 0)) + word(payload, 1);
  }

  CHURN_NEVER_INLINE void make_value(M& m, Local& out, std::uint64_t key) {
    m.allocate(out, value);
    set_word(m.payload(out.get(), value), key, 0);
    set_word(m.payload(out.get(), value), mix(0, key), 1);
  }

  CHURN_ALWAYS_INLINE void use_one(M& m, Seat& seat) {
    typename M::template Frame<2> frame(m);
    Local &found = frame[0], &fresh = frame[1];
    double const share = seat.random.unit();  // squared: small keys are asked for more often
    auto const key = static_cast<std::uint64_t>(share * share * static_cast<double>(keys_));
    if (!m.strengthen(found, seat.weak[key])) {
      make_value(m, found, key);
      m.weaken(seat.weak[key], found.get());
    }
    m.allocate(fresh, use);
    set_word(m.payload(fresh.get(), use), key);
    m.write_new(fresh.get(), 0, std::move(found));
    auto const slot = static_cast<std::uint32_t>(seat.used++ % uses_);
    Ref const table = (**seat.table).get();
    if (Ref const oldest = m.read(table, slot); oldest != Ref{}) {
      seat.sum = mix(seat.sum, seen(m, oldest));
    }
    m.write(table, slot, std::move(fresh));
  }

  std::uint64_t const keys_;
  std::uint32_t const uses_;
  std::vector<Seat> seats_;
};

}  // namespace churn::weak_cache
