// A cache of values of very different sizes: hash chains find a key, a list by use finds what goes
// when the cache is full. A put makes a new value; what it takes the place of, or the value that
// was used longest ago, is freed. Half of the puts go to an eighth of the keys.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/page_array.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::lru_cache {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"entries", 20'000, 2, 100'000'000, "that the cache of a thread holds"},
    ParameterInfo{"keys", 80'000, 2, 1'000'000'000, "there are"},
    ParameterInfo{"max", 4'096, 64, 1 << 24, "bytes of the greatest entry; small ones are many"},
};

constexpr WorkloadInfo info{
    .name = "lru-cache",
    .summary = "a cache of values of very different sizes, the least recently used evicted",
    .source = "memcached and its like, as programmers meet them",
    .op = "one put: an entry made, and the one that has to go read and freed",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

struct Entry {
  Entry* next;           // in its chain
  Entry *newer, *older;  // by use
  std::uint64_t key, stamp;
  std::size_t bytes;  // with this head
};

class Cache {
 public:
  explicit Cache(std::size_t entries) : most_(entries), chains_(entries) {}

  // What had to go said this, or 0.
  CHURN_ALWAYS_INLINE std::uint64_t put(std::uint64_t key, std::size_t bytes,
                                        std::uint64_t stamp) noexcept {
    Entry* old = *link_of(key);
    if (old == nullptr && entries_ == most_) old = oldest_;
    std::uint64_t const sum = old == nullptr ? 0 : remove(old);
    Block const block = Block::make(bytes, stamp);
    auto** const link = link_of(key);
    auto* const fresh = new (block.start) Entry{nullptr, nullptr, newest_, key, stamp, bytes};
    *link = fresh;
    (newest_ == nullptr ? oldest_ : newest_->newer) = fresh;
    newest_ = fresh;
    ++entries_;
    return sum;
  }
  // By use; the order matters.
  std::uint64_t sum() const noexcept {
    std::uint64_t sum = 0;
    for (Entry const* at = oldest_; at != nullptr; at = at->newer) sum = mix(sum, value(at));
    return sum;
  }
  // At the end of the workload.
  void let_go() noexcept {
    while (newest_ != nullptr) churn::let_go(std::exchange(newest_, newest_->older));
    oldest_ = nullptr;
  }

 private:
  // Where the entry of the key is named, or would be.
  Entry** link_of(std::uint64_t key) noexcept {
    Entry** at = &chains_[scaled(static_cast<std::uint32_t>(mix(0, key)), most_)];
    while (*at != nullptr && (*at)->key != key) at = &(*at)->next;
    return at;
  }
  static std::uint64_t value(Entry const* entry) noexcept {
    auto const* const start = reinterpret_cast<std::byte const*>(entry);
    return mix(entry->key, entry->stamp + static_cast<std::uint64_t>(start[entry->bytes - 1]));
  }
  std::uint64_t remove(Entry* entry) noexcept {
    std::uint64_t const sum = value(entry);
    *link_of(entry->key) = entry->next;
    (entry->newer == nullptr ? newest_ : entry->newer->older) = entry->older;
    (entry->older == nullptr ? oldest_ : entry->older->newer) = entry->newer;
    --entries_;
    std::free(entry);
    return sum;
  }

  std::size_t most_, entries_ = 0;
  PageArray<Entry*> chains_;
  Entry *newest_ = nullptr, *oldest_ = nullptr;
};

class LruCache final : public Instance {
 public:
  explicit LruCache(WorkloadContext const& context)
      : entries_(static_cast<std::uint64_t>(context["entries"])),
        keys_(static_cast<std::uint64_t>(context["keys"])),
        greatest_(static_cast<std::size_t>(context["max"])) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, Cache(entries_)});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }
  // Full, as a cache that has run for a while.
  void setup(std::uint32_t thread) override {
    Seat& seat = seats_[thread];
    for (std::uint64_t key = 0; key < std::min(keys_, entries_); ++key) {
      std::uint64_t const draw = seat.random.next();
      seat.cache.put(key, size(draw), draw);
    }
  }

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] { put_some(seats_[thread]); });
  }
  std::uint64_t check(std::uint32_t thread) override {
    return mix(seats_[thread].sum, seats_[thread].cache.sum());
  }
  void teardown(std::uint32_t thread) override { seats_[thread].cache.let_go(); }

 private:
  struct alignas(128) Seat {
    Random random;
    std::uint64_t sum;
    Cache cache;
  };

  CHURN_NEVER_INLINE void put_some(Seat& seat) const noexcept {
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = seat.random.next();
      std::uint64_t const key = seat.random.below(draw % 2 == 0 ? keys_ : keys_ / 8 + 1);
      seat.sum += seat.cache.put(key, size(draw), draw);
    }
  }

  // Each octave is half as likely as the one below it.
  std::size_t size(std::uint64_t draw) const noexcept {
    constexpr std::size_t least = sizeof(Entry) + 16;
    std::size_t const low = least << __builtin_ctzll(draw >> 1 | 1u << 24);
    return std::min(low + scaled(static_cast<std::uint32_t>(draw >> 32), low), greatest_);
  }

  std::uint64_t const entries_, keys_;
  std::size_t const greatest_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<LruCache>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::lru_cache
