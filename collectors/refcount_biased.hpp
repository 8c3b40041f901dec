// What:  reference counting for several mutators in which an object's owner, the mutator that made
//        it, counts without locked instructions, and the others share an atomic count.
// Why:   almost all objects are counted by one thread alone: beside refcount-atomic this shows what
//        knowing that is worth.
// When not: objects that are made by one thread and dropped by another, one after the other: each
//        goes through a queue. Cycles leak.
// How:   counts as in parts/biased_count.hpp. An object whose last reference an owner cannot see is
//        queued for it (parts/owner_queue.hpp); it looks there whenever it allocates, at
//        safepoints, before it blocks and before it ends. While it is blocked, or gone, whoever
//        would queue does the owner's part. An owner's number and queue belong to its account:
//        the next mutator with that account owns what its former user owned.
// Weak references and watched deaths as in parts/noted_heap.hpp: one bit of the shared count.
// Collections: collect() has all queues emptied, those of other running mutators by them, so it
//        waits until they come to a GC point. What goes from queue to queue while several run is
//        awaited a few times at most: exact is what one finds that runs alone.
// Invariants: an object is in a queue if and only if its count says so.
// Cost:  16 bytes an object. The owner: as refcount, plus comparing the owner, plus a look at the
//        queue's word at each allocation. Others: as refcount-atomic.
// Source: J. Choi, T. Shull, J. Torrellas, PACT 2018; owners that end and queues that are left
//        behind are not treated there.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "collectors/parts/biased_count.hpp"
#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/mutator.hpp"
#include "collectors/parts/noted_heap.hpp"
#include "collectors/parts/owner_queue.hpp"
#include "collectors/parts/racing_slot.hpp"
#include "collectors/parts/split_heap.hpp"

namespace churn::refcount_biased {

using Count = collectors::BiasedCount;

inline constexpr Traits traits{.cycles = false,
                               .counts = true,
                               .shared_slots = true,
                               .cells_from_malloc = true,
                               .weak = true,
                               .finalizers = true,
                               .max_mutators = Count::most_owners};

struct Header : collectors::ObjectLinks {
  union {
    collectors::BiasedHalves halves;
    collectors::Word count;  // dead: the next dead object
  };
  std::uint32_t slots, payload_bytes;

  void describe(Shape shape) noexcept {
    slots = shape.slots;
    payload_bytes = shape.payload_bytes;
  }
  Shape shape() const noexcept { return {slots, payload_bytes}; }
  std::uint32_t slot_count() const noexcept { return slots; }
};

struct Account : collectors::Account<collectors::SharedCounter> {
  Count::Owner owner = Count::nobody;  // for good, from the first attachment
  collectors::OwnerQueue<Header> queue;
};

struct Notes {
  static void note(Header* header) noexcept { Count::note(header->halves); }
  static bool noted(Header* header) noexcept { return Count::noted(header->halves); }
  static bool retain_living(Header* header) noexcept {
    return Count::retain_living(header->halves, Count::nobody);
  }
  static void revive(Header* header) noexcept { Count::revive(header->halves); }
};

class Heap;
using Counting = collectors::CountingHeap<Heap, Header, Count, collectors::SharedCounter, Account>;

class Heap : public collectors::NotedHeap<Counting, Header, Notes, true> {
  using Base = NotedHeap;
  using Ref = collectors::Ref;
  using Word = collectors::Word;
  friend Counting;
  friend Counting::MallocHeap;

 public:
  using Account = refcount_biased::Account;
  static constexpr Traits const& traits = refcount_biased::traits;

  using Base::Base;

  Account& attach() {
    Account& account = Base::attach();
    if (account.owner == Count::nobody) {
      std::lock_guard const lock(owners_mutex_);
      owners_.push(&account);
      account.owner = Count::owner(static_cast<std::uint32_t>(owners_.size()));
    }
    account.queue.come();
    return account;
  }
  void detach(Account& account) {
    leave(account);
    Base::detach(account);
  }

  // GC points.
  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    safepoint(account);
    Ref const object = Base::make(account, shape);
    Count::start(header_of(object)->halves, account.owner);
    return object;
  }
  CHURN_ALWAYS_INLINE Ref place(Account& account, std::byte* cell, Shape shape) noexcept {
    Ref const object = Base::place(account, cell, shape);
    Count::start(header_of(object)->halves, account.owner);
    return object;
  }
  CHURN_ALWAYS_INLINE void safepoint(Account& account) {
    if (account.queue.pending()) [[unlikely]] {
      take_queued(account);
    }
  }
  void leave(Account& account) {
    do {
      take_queued(account);
    } while (!account.queue.go());
  }
  void come_back(Account& account) { account.queue.come(); }

  CHURN_ALWAYS_INLINE void retain(Account& account, Ref object) noexcept {
    Count::retain(header_of(object)->halves, account.owner);
  }
  Ref load_racing(Account& account, Word* slot) noexcept {
    return Ref::of(collectors::RacingSlot(*slot).load(
        [this, &account](Word value) { retain(account, Ref::of(value)); }));
  }
  Ref exchange_racing(Word* slot, Ref value) noexcept {
    return Ref::of(collectors::RacingSlot(*slot).exchange(value.word()));
  }
  Ref strengthen(Account& account, Weak& weak) noexcept {
    return owned(deaths_.strengthen(weak, [&account](Header* header) {
      return Count::retain_living(header->halves, account.owner);
    }));
  }
  std::uint64_t reference_count(Ref object) const noexcept {
    return static_cast<std::uint64_t>(Count::value(header_of(object)->halves));
  }

  // Returns the objects that were freed because all queues were emptied; none of them was found by
  // looking for garbage, so this is no collection. The generation does not matter.
  std::uint64_t collect(Account& account, std::uint32_t) {
    std::uint64_t const before = accounts_.sum(&Account::reclaimed_objects);
    leave(account);
    for (int round = 0; round < most_rounds && await_others(account); ++round) continue;
    come_back(account);
    return accounts_.sum(&Account::reclaimed_objects) - before;
  }

  // No mutator runs, or only the caller's.
  void verify() {
    check_totals();
    collectors::recount<Header>(objects_, roots_, [this](Header const* header, Word references) {
      references += kept_apart(header);
      bool const count_is_the_number_of_references =
          Count::value(header->halves) == static_cast<std::int64_t>(references);
      CHURN_CHECK(count_is_the_number_of_references);
      CHURN_CHECK(!Count::is_queued(header->halves));
    });
  }

 private:
  static constexpr int most_rounds = 16;

  // Hook of the base.
  CHURN_ALWAYS_INLINE bool lose(Account& account, Header* header) {
    switch (Count::drop(header->halves, account.owner)) {
      case Count::Drop::others_remain:
        return false;
      case Count::Drop::was_last:
        return true;
      case Count::Drop::was_last_and_noted:
        return deaths_.dies(header);
      case Count::Drop::to_be_queued:
        break;
    }
    return queue(header);
  }
  // True if its owner is away and would have found it dead.
  CHURN_NEVER_INLINE bool queue(Header* header) {
    Account& owner = account_of(Count::owner_of(header->halves));
    bool const dead = owner.queue.put(header, [header] { return Count::merge(header->halves); });
    return dead && lets_go(header);
  }
  Account& account_of(std::uint32_t number) {
    std::lock_guard const lock(owners_mutex_);
    return *owners_[number - 1];
  }

  CHURN_NEVER_INLINE void take_queued(Account& account) {
    collectors::OwnerQueue<Header>::Taken place;
    for (;;) {
      std::span<Header*> const taken = account.queue.take(place);
      if (taken.empty()) return;
      for (Header* const header : taken) {
        if (Count::merge(header->halves) && lets_go(header)) reclaim(account, header);
      }
    }
  }
  // True if another mutator had something to take. pre: the caller is away
  bool await_others(Account const& account) {
    std::uint32_t const self = Count::number(account.owner);
    std::size_t owners = 0;
    {
      std::lock_guard const lock(owners_mutex_);
      owners = owners_.size();
    }
    bool waited = false;
    for (std::uint32_t number = 1; number <= owners; ++number) {
      if (number != self && account_of(number).queue.await_taken()) waited = true;
    }
    return waited;
  }

  std::mutex owners_mutex_;
  collectors::PageBuffer<Account> owners_;  // by number, less one
};

struct Collector {
  using Heap = refcount_biased::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = refcount_biased::traits;
  static constexpr std::string_view summary =
      "counts that an object's maker keeps without atomics; cycles leak and are reported";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::refcount_biased
