// A chained hash table of entries of many small sizes: puts of random keys, each a new entry that
// takes the place of an older one of its key; the bucket array doubles as the table fills. When it
// holds `entries` it is dropped, and another one begins.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "harness/core/let_go.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/block.hpp"
#include "workloads/parts/sizes.hpp"
#include "workloads/parts/units.hpp"

namespace churn::hash_map {

extern MallocWorkload const workload;

namespace {

constexpr std::array parameters{
    ParameterInfo{"entries", 50'000, 1, 100'000'000, "at which a table is dropped"},
    ParameterInfo{"max", 64, 8, 1 << 20, "bytes of the longest value"},
};

constexpr WorkloadInfo info{
    .name = "hash-map",
    .summary = "chained hash tables that grow entry by entry, rehash, and are dropped",
    .source = "std::unordered_map with strings for values, as programmers meet it",
    .op = "one put: an entry made, and what it takes the place of read and freed",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
};

struct Entry {
  Entry* next;
  std::uint64_t key, stamp;
  std::size_t bytes;  // of the value behind it
};

class Map {
 public:
  std::size_t entries() const noexcept { return entries_; }

  // What the old entry of the key said, or 0.
  CHURN_ALWAYS_INLINE std::uint64_t put(std::uint64_t key, std::size_t bytes,
                                        std::uint64_t stamp) noexcept {
    if (entries_ >= buckets_) grow();
    Entry** at = &table_[mix(0, key) & (buckets_ - 1)];
    while (*at != nullptr && (*at)->key != key) at = &(*at)->next;
    Entry* const old = *at;
    auto* const start = unstamped(sizeof(Entry) + bytes);
    std::memset(start + sizeof(Entry), static_cast<int>(stamp), bytes);
    *at = new (start) Entry{old == nullptr ? nullptr : old->next, key, stamp, bytes};
    if (old != nullptr) return dropped(old);
    ++entries_;
    return 0;
  }

  // Depends on what is in it, not on the order.
  std::uint64_t sum() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets_; ++i) {
      for (Entry const* at = table_[i]; at != nullptr; at = at->next) sum += value(at);
    }
    return sum;
  }
  // At the end of the workload.
  void let_go() noexcept {
    for (std::size_t i = 0; i < buckets_; ++i) {
      for (Entry* at = table_[i]; at != nullptr;) {
        Entry* const entry = at;
        at = at->next;
        churn::let_go(entry);
      }
    }
    churn::let_go(std::exchange(table_, nullptr));
    buckets_ = entries_ = 0;
  }
  std::uint64_t clear() noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets_; ++i) {
      for (Entry* at = table_[i]; at != nullptr;) {
        Entry* const entry = at;
        at = at->next;
        sum += dropped(entry);
      }
    }
    std::free(std::exchange(table_, nullptr));
    buckets_ = entries_ = 0;
    return sum;
  }

 private:
  static constexpr std::size_t least_buckets = 16;

  static std::uint64_t value(Entry const* entry) noexcept {
    auto const* const bytes = reinterpret_cast<std::byte const*>(entry + 1);
    return mix(entry->key, entry->stamp + (static_cast<std::uint64_t>(bytes[0]) << 8) +
                               static_cast<std::uint64_t>(bytes[entry->bytes - 1]));
  }
  static std::uint64_t dropped(Entry* entry) noexcept {
    std::uint64_t const sum = value(entry);
    std::free(entry);
    return sum;
  }

  CHURN_NEVER_INLINE void grow() noexcept {
    std::size_t const buckets = buckets_ == 0 ? least_buckets : 2 * buckets_;
    auto** const table = reinterpret_cast<Entry**>(unstamped(buckets * sizeof(Entry*)));
    std::memset(static_cast<void*>(table), 0, buckets * sizeof(Entry*));
    for (std::size_t i = 0; i < buckets_; ++i) {
      for (Entry* at = table_[i]; at != nullptr;) {
        Entry* const entry = at;
        at = at->next;
        Entry*& head = table[mix(0, entry->key) & (buckets - 1)];
        entry->next = std::exchange(head, entry);
      }
    }
    std::free(table_);
    table_ = table;
    buckets_ = buckets;
  }

  Entry** table_ = nullptr;
  std::size_t buckets_ = 0, entries_ = 0;
};

class HashMap final : public Instance {
 public:
  explicit HashMap(WorkloadContext const& context)
      : entries_(static_cast<std::uint64_t>(context["entries"])),
        greatest_(static_cast<std::uint64_t>(context["max"])) {
    for (std::uint32_t thread = 0; thread < context.threads; ++thread) {
      seats_.push_back({Random::fork(context.seed, thread), 0, {}});
    }
  }

  std::uint64_t ops_per_unit() const noexcept override { return ops_aimed_at; }
  void setup(std::uint32_t) override {}

  void run(std::uint32_t thread, std::uint64_t units, UnitTimes times) override {
    run_units(units, times, [&] { put_some(seats_[thread]); });
  }
  std::uint64_t check(std::uint32_t thread) override {
    return mix(seats_[thread].sum, seats_[thread].map.sum());
  }
  void teardown(std::uint32_t thread) override { seats_[thread].map.let_go(); }

 private:
  struct alignas(128) Seat {
    Random random;
    std::uint64_t sum;
    Map map;
  };

  CHURN_NEVER_INLINE void put_some(Seat& seat) const noexcept {
    for (std::uint64_t i = 0; i < ops_aimed_at; ++i) {
      std::uint64_t const draw = seat.random.next();
      std::uint64_t const key = seat.random.below(2 * entries_);
      std::size_t const bytes = 1 + scaled(static_cast<std::uint32_t>(draw >> 32), greatest_);
      seat.sum += seat.map.put(key, bytes, draw);
      if (seat.map.entries() >= entries_) seat.sum += seat.map.clear();
    }
  }

  std::uint64_t const entries_, greatest_;
  std::vector<Seat> seats_;
};

std::unique_ptr<Instance> make(WorkloadContext const& context) {
  return std::make_unique<HashMap>(context);
}

}  // namespace

MallocWorkload const workload{&info, make};

}  // namespace churn::hash_map
