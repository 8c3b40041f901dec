// What:  how many objects and bytes each mutator has allocated and reclaimed, and the heap limit.
// Why:   exact figures must not cost the hot path more than a few instructions: a mutator adds to
//        its own counters and compares one sum with one bound; only where the bound is passed does
//        it ask for more, under a lock, and all accounts are summed.
// How:   `charged` only grows. A grant sets `poll_at` to at most charged + what the limit leaves,
//        so no allocation can pass the limit between two grants. What others were granted but have
//        not used counts as used: with several mutators the limit may be met early, by at most
//        1/256 of it for each; with one mutator it is exact.
// Cost:  five instructions an allocation, two a reclamation; a grant is a lock and a sum.
// Thread-safety: an account belongs to one mutator at a time; with SharedCounter, grant and totals
//        may run beside all of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "harness/core/check.hpp"

namespace churn::collectors {

// As Accounts::poll_bytes: polls at the limit alone.
inline constexpr std::uint64_t never_poll = std::numeric_limits<std::uint64_t>::max() / 4;

// For heaps of one mutator.
class PlainCounter {
 public:
  static constexpr bool shared = false;
  std::uint64_t get() const noexcept { return value_; }
  void set(std::uint64_t value) noexcept { value_ = value; }
  void add(std::uint64_t value) noexcept { value_ += value; }

 private:
  std::uint64_t value_ = 0;
};

// Written by its owner alone and read by others at any time: relaxed, since each value stands for
// itself and no other memory is published with it.
class SharedCounter {
 public:
  static constexpr bool shared = true;
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::uint64_t value) noexcept { set(get() + value); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

template <class CounterT>
struct Account {
  using Counter = CounterT;

  // Whether `bytes` more, header included, are granted already.
  bool covers(std::uint64_t bytes) const noexcept { return charged.get() + bytes <= poll_at.get(); }
  void charge(std::uint64_t bytes) noexcept {
    charged.add(bytes);
    allocated_objects.add(1);
  }
  void give_back(std::uint64_t bytes) noexcept {
    returned.add(bytes);
    reclaimed_objects.add(1);
  }

  Counter allocated_objects, reclaimed_objects;
  Counter charged, returned;  // bytes with headers, both only grow
  Counter poll_at;
};

struct Totals {
  std::uint64_t allocated_objects = 0, reclaimed_objects = 0, charged = 0, returned = 0;
};

template <class AccountT>
class Accounts {
 public:
  // Without a limit (0), and below it, a mutator polls after `poll_bytes` more.
  Accounts(std::uint64_t limit_bytes, std::uint64_t poll_bytes)
      : limit_bytes_(limit_bytes), poll_bytes_(poll_bytes) {
    if (limit_bytes != 0 && AccountT::Counter::shared) {
      poll_bytes_ = std::min(poll_bytes_, std::max<std::uint64_t>(limit_bytes / 256, 1));
    }
  }

  // For a new mutator: an account that nobody uses, with the sums of its former users.
  AccountT& attach(std::uint32_t max_mutators) {
    std::lock_guard const lock(mutex_);
    bool const too_many_mutators = attached_ >= max_mutators;
    CHURN_CHECK(!too_many_mutators);
    ++attached_;
    // One mutator at a time, and no other thread that drops references: one account for all.
    if constexpr (!AccountT::Counter::shared) return spare_;
    for (auto& seat : seats_) {
      if (seat->taken) continue;
      seat->taken = true;
      return seat->account;
    }
    seats_.push_back(std::make_unique<Seat>());
    return seats_.back()->account;
  }
  void detach(AccountT& account) {
    std::lock_guard const lock(mutex_);
    account.poll_at.set(account.charged.get());
    for (auto& seat : seats_) {
      if (&seat->account == &account) seat->taken = false;
    }
    --attached_;
  }

  // Lets the account charge at least `bytes` more, or returns false where the limit forbids it.
  bool grant(AccountT& account, std::uint64_t bytes) {
    std::lock_guard const lock(mutex_);
    account.poll_at.set(account.charged.get());
    std::uint64_t share = poll_bytes_;
    if (limit_bytes_ != 0) {
      std::uint64_t const used = used_bytes();
      if (used + bytes > limit_bytes_) return false;
      share = std::min(share, limit_bytes_ - used);
    }
    account.poll_at.set(account.charged.get() + std::max(bytes, share));
    return true;
  }

  std::uint64_t limit_bytes() const noexcept { return limit_bytes_; }

  // Over all accounts.
  std::uint64_t sum(typename AccountT::Counter AccountT::* counter) const {
    std::lock_guard const lock(mutex_);
    return sum_locked(counter);
  }
  Totals totals() const {
    std::lock_guard const lock(mutex_);
    return {sum_locked(&AccountT::allocated_objects), sum_locked(&AccountT::reclaimed_objects),
            sum_locked(&AccountT::charged), sum_locked(&AccountT::returned)};
  }

  // Used only under the caller's own lock: for references that are dropped without a mutator.
  AccountT& spare() noexcept { return spare_; }

 private:
  struct alignas(128) Seat {
    AccountT account;
    bool taken = true;
  };

  template <class Visit>
  void for_each(Visit visit) const {
    visit(spare_);
    for (auto const& seat : seats_) visit(seat->account);
  }
  template <class Member>
  std::uint64_t sum_locked(Member counter) const {
    std::uint64_t sum = 0;
    for_each([&](AccountT const& account) { sum += (account.*counter).get(); });
    return sum;
  }

  // What is present, plus what was granted and not yet charged.
  std::uint64_t used_bytes() const {
    std::uint64_t granted = 0, returned = 0;
    for_each([&](AccountT const& account) {
      granted += std::max(account.charged.get(), account.poll_at.get());
      returned += account.returned.get();
    });
    return granted - returned;
  }

  std::uint64_t const limit_bytes_;
  std::uint64_t poll_bytes_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Seat>> seats_;
  AccountT spare_;
  std::uint32_t attached_ = 0;
};

}  // namespace churn::collectors
