// What:  a heap in which each object is one malloc, with accounts, a limit and statistics; the base
//        of no-reclaim and of the counting collectors.
// Why:   what happens when memory ends, and what a heap reports, must be the same for all of them.
// How:   Self (the derived heap) provides collect(account, generation). Header derives from
//        ObjectLinks and has describe(shape) and shape(); an empty one takes no memory. A heap that
//        keeps more for each mutator derives AccountT from Account<Counter>.
// Errors: past the heap limit, or when malloc gives null, one full collection is forced; if that
//        does not help, stop(Outcome::out_of_memory).
// Thread-safety: with SharedCounter for several mutators, with PlainCounter for one.
#pragma once

#include <array>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "collectors/parts/accounts.hpp"
#include "collectors/parts/cell.hpp"
#include "collectors/parts/collection_clock.hpp"
#include "collectors/parts/object_list.hpp"
#include "collectors/parts/out_of_memory.hpp"
#include "collectors/parts/pauses.hpp"
#include "collectors/parts/reference.hpp"
#include "collectors/parts/roots.hpp"
#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"

namespace churn::collectors {

inline constexpr std::uint32_t full_collection = generations - 1;

template <class Self, class HeaderT, class Counter, class AccountT = collectors::Account<Counter>>
class MallocHeap {
 public:
  using Header = HeaderT;
  using Account = AccountT;
  static constexpr std::size_t header_bytes = std::is_empty_v<Header> ? 0 : sizeof(Header);

  explicit MallocHeap(HeapOptions const& options, std::uint64_t poll_bytes = never_poll)
      : accounts_(options.heap_limit_bytes, options.parts.reclamation ? poll_bytes : never_poll) {}
  MallocHeap(MallocHeap const&) = delete;
  MallocHeap& operator=(MallocHeap const&) = delete;
  ~MallocHeap() {
    if constexpr (CHURN_VERIFYING) objects_.for_each([](Header* object) { std::free(object); });
  }

  Account& attach() { return accounts_.attach(Self::traits.max_mutators); }
  void detach(Account& account) { accounts_.detach(account); }
  RootList<Local>& root_list() noexcept { return roots_; }

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    std::size_t const bytes = header_bytes + requested_bytes(shape);
    if (!account.covers(bytes)) [[unlikely]] {
      poll(account, bytes);
    }
    // One byte at least: malloc(0) may give null.
    void* cell = zeroed_cell(bytes | (bytes == 0));
    if (cell == nullptr) [[unlikely]] {
      cell = try_again(account, bytes);
    }
    account.charge(bytes);
    auto* const slots = static_cast<std::byte*>(cell) + header_bytes;
    if constexpr (header_bytes != 0) {
      auto* const header = ::new (cell) Header;
      header->describe(shape);
      objects_.add(header);
    }
    return Ref(slots);
  }

  // For the split (parts/split_heap.hpp): an object that no account knows.
  static constexpr std::size_t placed_bytes(Shape shape) noexcept {
    return header_bytes + requested_bytes(shape);
  }
  CHURN_ALWAYS_INLINE Ref place(auto&, std::byte* cell, Shape shape) noexcept {
    if constexpr (header_bytes != 0) (::new (cell) Header)->describe(shape);
    return Ref(cell + header_bytes);
  }

  // A slot now names this object; of `moved_into`, the reference came from a local or another slot,
  // so that no count has changed. For a heap that must know; here nothing.
  void stored(Ref) noexcept {}
  void moved_into(Ref, Ref) noexcept {}

  void drop_global(Ref object) {
    if (!object) return;
    std::lock_guard const lock(globals_mutex_);
    self().drop(accounts_.spare(), object);
  }

  Stats stats() {
    Totals const totals = accounts_.totals();
    Stats stats;
    stats.collections = collections_;
    stats.reclaimed_objects = found_by_collections_;
    // What no collection found was reclaimed by counting.
    stats.reclaimed_objects[0] += totals.reclaimed_objects;
    for (auto const found : found_by_collections_) stats.reclaimed_objects[0] -= found;
    stats.allocated_objects = totals.allocated_objects;
    stats.allocated_bytes = totals.charged - header_bytes * totals.allocated_objects;
    stats.reclaimed_bytes = totals.returned - header_bytes * totals.reclaimed_objects;
    stats.collector_cpu_ns = clock_.total_ns();
    pauses_.report(stats);
    return stats;
  }

  void quiesce() noexcept {}
  void resume() noexcept {}
  void start_line() { pauses_.start_line(); }

 protected:
  static Header* header_of(Ref object) noexcept {
    return reinterpret_cast<Header*>(object.slots()) - 1;
  }
  static Header* header_of(Word reference) noexcept { return header_of(Ref::of(reference)); }
  static Ref reference_to(Header* header) noexcept { return Ref(header + 1); }
  static Word* slots_of(Header* header) noexcept { return reinterpret_cast<Word*>(header + 1); }

  // pre: unreachable, and nothing will look at it again.
  CHURN_ALWAYS_INLINE void free_cell(Account& account, Header* header) {
    account.give_back(header_bytes + requested_bytes(header->shape()));
    objects_.remove(header);
    poison(header);
    std::free(header);
  }
  // So that whoever still looks at a dead object finds nothing that could pass for a live one.
  static void poison(Header* header) noexcept {
    if constexpr (CHURN_VERIFYING && header_bytes != 0) {
      std::memset(static_cast<void*>(header + 1), 0xdb, requested_bytes(header->shape()));
    }
  }

  // Called now and then by a mutator that allocates, at a GC point; a derived heap may hide it.
  void at_poll(Account&) {}

  // Of a collection on this thread; for book().
  std::uint64_t begin_collection(std::uint32_t generation) noexcept {
    return PauseLog::records ? clock_.begin(generation) : 0;
  }
  // Books a collection and returns what it found.
  std::uint64_t book(std::uint32_t generation, std::uint64_t objects, std::uint64_t start_ns) {
    ++collections_[generation];
    found_by_collections_[generation] += objects;
    if constexpr (PauseLog::records) clock_.end(generation, start_ns);
    pauses_.record_since(start_ns);
    return objects;
  }

  void check_totals() const {
    Totals const totals = accounts_.totals();
    bool const more_reclaimed_than_allocated =
        totals.reclaimed_objects > totals.allocated_objects || totals.returned > totals.charged;
    CHURN_CHECK(!more_reclaimed_than_allocated);
  }

  Accounts<Account> accounts_;
  RootList<Local> roots_;
  ObjectList<Header> objects_;
  PauseLog pauses_;

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  CHURN_NEVER_INLINE void poll(Account& account, std::size_t bytes) {
    if (accounts_.grant(account, bytes)) {
      self().at_poll(account);
      return;
    }
    self().collect(account, full_collection);
    if (accounts_.grant(account, bytes)) return;
    stop_at_limit(accounts_, bytes);
  }

  CHURN_NEVER_INLINE void* try_again(Account& account, std::size_t bytes) {
    self().collect(account, full_collection);
    if (void* const cell = zeroed_cell(bytes | (bytes == 0))) return cell;
    stop_without_memory(accounts_, bytes);
  }

  std::mutex globals_mutex_;
  std::array<std::uint64_t, generations> collections_{}, found_by_collections_{};
  CollectionClock<> clock_;
};

}  // namespace churn::collectors
