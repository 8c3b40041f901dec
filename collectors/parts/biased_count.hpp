// What:  a reference count in two halves: one that only the object's owner counts, without locked
//        instructions, and one that all other threads share.
// Why:   most objects are only ever touched by the thread that made them, and for those an atomic
//        count costs twenty times a plain one.
// How:   the owner's half holds who owns the object and how often it has retained it; the shared
//        half a signed count and three flags. The count is the sum of both; the shared count may be
//        negative, since others drop references that the owner has retained. While the owner
//        has some left, nobody else can tell whether the last is gone: so who takes the shared
//        count below zero queues the object for its owner, who then moves its own count over to the
//        shared one: the halves are merged. They are too when the owner's count reaches zero
//        otherwise. Of a merged object everyone uses the shared half.
// Invariants: of a merged or queued object nothing but that flag changes hands: a queued object is
//        freed by whoever takes it from the queue, by nobody else, so it may be named there; a
//        merged one is never queued. An owner's count of zero means merged or queued. Who could
//        have freed an object by an operation does not touch it afterwards.
// Noted: of an object that weak references name, someone who holds none may make a reference. So
//        its death is an exchange of the shared half, which ends at merged and zero, and a weak
//        reference takes its own by an exchange, too, which finds out whether that has happened.
// Limits: an owner's count that is full goes on in the shared half. The shared count has 29 bits:
//        2 GiB of slots in other hands that all name one object.
// Cost:  the owner: a load, a test and a store, and a second load at the last drop. Others: a
//        compare-exchange.
// Source: J. Choi, T. Shull, J. Torrellas, Biased reference counting: minimizing atomic operations
//        in garbage collection, PACT 2018. There the flag "queued" stands in the count's word, and
//        here too: outside of it an object can be freed between the drop and the flag.
// Thread-safety: as said. `AtomicRef` is a parameter so that a scheduler can drive the
//        interleaving.
#pragma once

#include <atomic>
#include <cstdint>

namespace churn::collectors {

struct BiasedHalves {
  std::uint32_t own;     // the owner, then its count
  std::uint32_t shared;  // a signed count, then the flags
};

template <template <class> class AtomicRef = std::atomic_ref>
class BiasedCountOf {
  using Half = std::uint32_t;
  static constexpr int owner_shift = 20, shared_shift = 3;
  static constexpr Half full = (Half{1} << owner_shift) - 1;
  static constexpr Half merged = 1, queued = 2, noted_bit = 4, one = Half{1} << shared_shift;

 public:
  // An owner's number, as the fast paths need it.
  using Owner = Half;
  static constexpr std::uint32_t most_owners = (Half{1} << (32 - owner_shift)) - 1;
  // pre: 0 < number <= most_owners
  static constexpr Owner owner(std::uint32_t number) noexcept { return number << owner_shift; }
  static constexpr std::uint32_t number(Owner owner) noexcept { return owner >> owner_shift; }
  static constexpr Owner nobody = 0;  // owns nothing

  enum class Drop { others_remain, was_last, was_last_and_noted, to_be_queued };

  static void start(BiasedHalves& halves, Owner owner) noexcept { halves = {owner + 1, 0}; }

  static void retain(BiasedHalves& halves, Owner self) noexcept {
    // All of `own` is relaxed: the owner alone writes it, others only compare its upper bits, which
    // do not change; whoever acts for the owner is ordered by the owner's lock.
    AtomicRef<Half> const own(halves.own);
    Half const seen = own.load(std::memory_order_relaxed);
    if (seen - self - 1 < full - 1) {  // it counts at least one, and is not full
      own.store(seen + 1, std::memory_order_relaxed);
    } else {
      // Relaxed: a reference is made from another one.
      AtomicRef<Half>(halves.shared).fetch_add(one, std::memory_order_relaxed);
    }
  }

  // to_be_queued: the caller hands the object to owner_of() it, and the object stays until then.
  static Drop drop(BiasedHalves& halves, Owner self) noexcept {
    AtomicRef<Half> const own(halves.own);
    Half const seen = own.load(std::memory_order_relaxed);  // see retain
    Half const count = seen - self;
    if (count - 2 < full - 1) {
      own.store(seen - 1, std::memory_order_relaxed);
      return Drop::others_remain;
    }
    return count == 1 ? drop_own_last(halves, self) : drop_shared(halves);
  }

  // Of an object that is queued, which stays so until merge.
  static std::uint32_t owner_of(BiasedHalves& halves) noexcept {
    return number(AtomicRef<Half>(halves.own).load(std::memory_order_relaxed));  // see retain
  }

  // The owner, or who acts for it, has taken the object from the queue. True if it is dead.
  static bool merge(BiasedHalves& halves) noexcept {
    AtomicRef<Half> const own(halves.own), shared(halves.shared);
    Half const seen = own.load(std::memory_order_relaxed);  // see retain
    own.store(seen & ~full, std::memory_order_relaxed);     // before the object may be freed
    Half value = shared.load(std::memory_order_relaxed);
    for (;;) {
      Half const wanted = ((value & ~queued) | merged) + ((seen & full) << shared_shift);
      // Acquire pairs with the release of earlier drops, release with the acquire of later ones.
      if (shared.compare_exchange_weak(value, wanted, std::memory_order_acq_rel,
                                       std::memory_order_relaxed)) {
        return count_in(wanted) == 0;
      }
    }
  }

  // By one who holds a reference, whose own drop orders it before the last one: relaxed.
  static void note(BiasedHalves& halves) noexcept {
    AtomicRef<Half>(halves.shared).fetch_or(noted_bit, std::memory_order_relaxed);
  }
  // pre: it is dead
  static bool noted(BiasedHalves& halves) noexcept {
    return (AtomicRef<Half>(halves.shared).load(std::memory_order_relaxed) & noted_bit) != 0;
  }
  // A reference more, unless it is dead. pre: noted, and it is not freed meanwhile. The caller's
  // lock also orders the death: relaxed.
  static bool retain_living(BiasedHalves& halves, Owner self) noexcept {
    AtomicRef<Half> const own(halves.own), shared(halves.shared);
    Half const seen = own.load(std::memory_order_relaxed);  // see retain
    if (seen - self - 1 < full - 1) {
      own.store(seen + 1, std::memory_order_relaxed);
      return true;
    }
    Half value = shared.load(std::memory_order_relaxed);
    while ((value & merged) == 0 || count_in(value) != 0) {
      if (shared.compare_exchange_weak(value, value + one, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  // From zero to one. pre: noted and dead
  static void revive(BiasedHalves& halves) noexcept {
    AtomicRef<Half>(halves.shared).fetch_add(one, std::memory_order_relaxed);
  }

  // pre: no other thread counts this object now.
  static std::int64_t value(BiasedHalves const& halves) noexcept {
    return static_cast<std::int64_t>(halves.own & full) + count_in(halves.shared);
  }
  static bool is_queued(BiasedHalves const& halves) noexcept {
    return (halves.shared & queued) != 0;
  }

 private:
  static std::int32_t count_in(Half shared) noexcept {
    return static_cast<std::int32_t>(shared) >> shared_shift;
  }

  static Drop drop_own_last(BiasedHalves& halves, Owner self) noexcept {
    AtomicRef<Half>(halves.own).store(self, std::memory_order_relaxed);  // see retain
    AtomicRef<Half> const shared(halves.shared);
    Half value = shared.load(std::memory_order_acquire);  // pairs with the release of others' drops
    for (;;) {
      // Then there is no reference left, and nobody who could make one.
      if (value == 0) return Drop::was_last;
      if ((value & queued) != 0) return Drop::others_remain;  // it is merged from the queue
      // Release: who drops the last one must see all that was done here. Acquire: as above.
      if (shared.compare_exchange_weak(value, value | merged, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
        return count_in(value) == 0 ? Drop::was_last_and_noted : Drop::others_remain;
      }
    }
  }

  static Drop drop_shared(BiasedHalves& halves) noexcept {
    AtomicRef<Half> const shared(halves.shared);
    Half value = shared.load(std::memory_order_acquire);  // pairs with the release of others' drops
    for (;;) {
      bool const is_merged = (value & merged) != 0;
      // A merged count of one is ours: nobody else can raise it, if nothing names it weakly.
      if (value == (merged | one)) return Drop::was_last;
      Half wanted = value - one;
      bool const queues = !is_merged && count_in(wanted) < 0 && (value & queued) == 0;
      if (queues) wanted |= queued;
      // Release pairs with the acquire of whoever drops the last one, or merges.
      if (shared.compare_exchange_weak(value, wanted, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
        if (is_merged && count_in(wanted) == 0) return Drop::was_last_and_noted;
        return queues ? Drop::to_be_queued : Drop::others_remain;
      }
    }
  }
};
using BiasedCount = BiasedCountOf<>;

}  // namespace churn::collectors
