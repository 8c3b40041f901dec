// What:  a cache that forgets what was used longest ago: a hash table of chains whose entries are
//        also in a doubly linked list in the order of their use.
// Why:   every hit rewrites six references among old objects, every miss lets the oldest object of
//        all die: a cache is where the assumption that the old goes on living is most wrong.
// Op:    one key put: its value replaced if it is cached (a hit), else an entry added and the
//        oldest evicted. At the standard parameters every second one is a hit.
// How:   keys come from a power law, so that few are asked for often. Every put makes a fresh value
//        object; an entry lives from its miss to its eviction. A sentinel closes the list.
// Invariant: between units the cache is full. teardown() unlinks what is left: without the list
//        nothing is cyclic.
// Source: the structure is folklore (functools.lru_cache, memcached); adversarial to generational
//        collectors as H. Baker says in "Infant mortality and generational garbage collection",
//        SIGPLAN Notices 28(4), 1993.
#pragma once

#include <array>
#include <bit>
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

namespace churn::lru_cache {

inline constexpr std::array parameters{
    ParameterInfo{"entries", 4'000, 1, 4'000'000, "that the cache of each thread holds"},
    ParameterInfo{"keys", 40'000, 1, 1'000'000'000, "that are asked for, few of them often"},
};

inline constexpr WorkloadInfo info{
    .name = "lru-cache",
    .summary = "a hash table whose entries are listed by their use; the oldest is evicted",
    .source = "folklore of caches; after Baker, Infant mortality and generational GC, 1993",
    .op = "one key put into the cache: a value replaced, or an entry added and the oldest evicted",
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
      : entries_(static_cast<std::uint32_t>(context["entries"])),
        buckets_(std::bit_ceil(entries_)),
        keys_(static_cast<std::uint64_t>(context["keys"])),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return ops_aimed_at; }

  // Fills the cache with keys that nobody asks for, so that it is full from the first op on.
  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.roots.emplace(m);
    m.allocate(*seat.roots->buckets, table_shape());
    m.allocate(*seat.roots->sentinel, entry);
    Ref const sentinel = (*seat.roots->sentinel).get();
    m.write_new(sentinel, newer, sentinel);
    m.write_new(sentinel, older, sentinel);
    typename M::template Frame<1> fresh(m);
    for (std::uint32_t i = 0; i < entries_; ++i) {
      make_value(m, fresh[0], seat.random);
      add(m, seat, keys_ + i, std::move(fresh[0]));
    }
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) put(m, seat, pick(seat.random));
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    Ref const sentinel = (*seat.roots->sentinel).get();
    std::uint64_t sum = seat.sum, length = 0;
    for (Ref at = m.read(sentinel, older); at != sentinel && length <= entries_; ++length) {
      Ref const found = find(m, seat, word(m.payload(at, entry)));
      sum = mix(sum, found == at ? value_of(m, at) : ~value_of(m, at));
      at = m.read(at, older);
    }
    return mix(sum, length);
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Seat& seat = seats_[thread];
    for (std::uint32_t i = 0; i < entries_; ++i) evict_oldest(m, seat);
    m.release((*seat.roots->sentinel).get(), entry);
    m.release((*seat.roots->buckets).get(), table_shape());
  }

  [[gnu::cold]] void teardown(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    if constexpr (!Releases<M>) {  // else dispose has done it
      for (std::uint32_t i = 0; i < entries_; ++i) evict_oldest(m, seat);
      Ref const sentinel = (*seat.roots->sentinel).get();
      m.write(sentinel, newer, Ref{});
      m.write(sentinel, older, Ref{});
    }
    seat.roots.reset();
  }

 private:
  // Payload of an entry: its key. Of a value: a stamp.
  static constexpr Shape entry{4, 8}, value{0, 16};
  static constexpr std::uint32_t chained = 0, newer = 1, older = 2, held = 3;

  struct Roots {
    explicit Roots(M& m) : buckets(m), sentinel(m) {}
    typename M::Root buckets, sentinel;  // the sentinel's `older` is the newest entry
  };
  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t sum = 0;
    std::optional<Roots> roots;
  };

  Shape table_shape() const noexcept { return {buckets_, 0}; }

  // The fifth power of a uniform number: 63 % fall on the first tenth of the keys.
  std::uint64_t pick(Random& random) const noexcept {
    double const share = random.unit(), square = share * share;
    return static_cast<std::uint64_t>(square * square * share * static_cast<double>(keys_));
  }
  std::uint32_t bucket_of(std::uint64_t key) const noexcept {
    return static_cast<std::uint32_t>(mix(0, key)) & (buckets_ - 1);
  }

  // Null where the key is not cached. A chain is never longer than the cache: a heap that ties it
  // to a knot gives a wrong answer, not none.
  Ref find(M& m, Seat& seat, std::uint64_t key) {
    Ref at = m.read((*seat.roots->buckets).get(), bucket_of(key));
    for (std::uint32_t left = entries_; at != Ref{} && left > 0; --left) {
      if (word(m.payload(at, entry)) == key) return at;
      at = m.read(at, chained);
    }
    return Ref{};
  }

  void put(M& m, Seat& seat, std::uint64_t key) {
    typename M::template Frame<1> fresh(m);
    make_value(m, fresh[0], seat.random);
    Ref const cached = find(m, seat, key);
    if (cached == Ref{}) {
      evict_oldest(m, seat);
      add(m, seat, key, std::move(fresh[0]));
      return;
    }
    seat.sum = 3 * seat.sum + value_of(m, cached);
    if constexpr (Releases<M>) m.release(m.read(cached, held), value);
    m.write(cached, held, std::move(fresh[0]));
    unlink(m, cached);
    link_as_newest(m, seat, cached);
  }

  CHURN_ALWAYS_INLINE void make_value(M& m, Local& out, Random& random) {
    m.allocate(out, value);
    std::byte* const payload = m.payload(out.get(), value);
    std::uint64_t const stamp = random.next();
    set_word(payload, stamp, 0);
    set_word(payload, ~stamp, 1);
  }
  std::uint64_t value_of(M& m, Ref cached) noexcept {
    std::byte const* const payload = m.payload(m.read(cached, held), value);
    return word(payload, 0) - 3 * word(payload, 1);
  }

  void add(M& m, Seat& seat, std::uint64_t key, Local&& made) {
    typename M::template Frame<1> added(m);
    m.allocate(added[0], entry);
    Ref const fresh = added[0].get();
    set_word(m.payload(fresh, entry), key);
    m.write_new(fresh, held, std::move(made));
    Ref const buckets = (*seat.roots->buckets).get();
    m.write_new(fresh, chained, m.read(buckets, bucket_of(key)));
    m.write(buckets, bucket_of(key), fresh);
    link_as_newest(m, seat, fresh);
  }

  // pre: the entry is not in the list
  void link_as_newest(M& m, Seat& seat, Ref fresh) {
    Ref const sentinel = (*seat.roots->sentinel).get();
    Ref const second = m.read(sentinel, older);
    m.write(fresh, older, second);
    m.write(fresh, newer, sentinel);
    m.write(second, newer, fresh);
    m.write(sentinel, older, fresh);
  }
  // The entry lives on: its chain holds it.
  void unlink(M& m, Ref cached) {
    Ref const after = m.read(cached, older), before = m.read(cached, newer);
    m.write(before, older, after);
    m.write(after, newer, before);
  }

  void evict_oldest(M& m, Seat& seat) {
    Ref const oldest = m.read((*seat.roots->sentinel).get(), newer);
    seat.sum = mix(seat.sum, value_of(m, oldest) + word(m.payload(oldest, entry)));
    unlink(m, oldest);
    Ref const buckets = (*seat.roots->buckets).get();
    std::uint32_t const bucket = bucket_of(word(m.payload(oldest, entry)));
    Ref const following = m.read(oldest, chained);
    Ref at = m.read(buckets, bucket);
    if constexpr (Releases<M>) {
      m.release(m.read(oldest, held), value);
      m.release(oldest, entry);
    }
    if (at == oldest) {
      m.write(buckets, bucket, following);
      return;
    }
    for (std::uint32_t left = entries_; m.read(at, chained) != oldest && left > 0; --left) {
      at = m.read(at, chained);
    }
    m.write(at, chained, following);
  }

  std::uint32_t const entries_, buckets_;
  std::uint64_t const keys_;
  std::vector<Seat> seats_;
};

}  // namespace churn::lru_cache
