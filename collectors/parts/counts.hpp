// What:  the reference count of one object, as a policy over a word of its header: plain for one
//        mutator, atomic for several.
// Why:   the same collector in both forms: the price of atomicity is then the only difference.
// How:   the top bit says that the object's death is of interest to somebody (noted, see
//        parts/counted_deaths.hpp); it is set once and takes no part in the count.
// Cost:  plain an addition; atomic a locked one, except that dropping the only reference is a load.
// Source: the orders are those of Boost.Atomic's reference counting example: a new reference is
//        made from an existing one, so retaining needs no order; the last drop must see all others.
#pragma once

#include <atomic>

#include "collectors/parts/reference.hpp"

namespace churn::collectors {

inline constexpr Word noted_bit = Word{1} << 63;

struct PlainCount {
  static void retain(Word& count) noexcept { ++count; }
  // True when that was the last reference.
  static bool drop(Word& count) noexcept { return (--count << 1) == 0; }
  static Word value(Word count) noexcept { return count & ~noted_bit; }

  static void note(Word& count) noexcept { count |= noted_bit; }
  static bool noted(Word count) noexcept { return (count & noted_bit) != 0; }
  // Whether there was a reference left; then there is one more.
  static bool retain_living(Word& count) noexcept {
    if ((count << 1) == 0) return false;
    ++count;
    return true;
  }
  // From zero to one.
  static void revive(Word& count) noexcept { ++count; }
};

// `AtomicRef` is a parameter so that a scheduler can drive the interleaving.
template <template <class> class AtomicRef>
struct AtomicCountOf {
  static void retain(Word& count) noexcept {
    AtomicRef<Word>(count).fetch_add(1, std::memory_order_relaxed);
  }
  // True when that was the last reference. An unnoted count of one is ours: nobody else can raise
  // it. A noted one can be raised through a weak reference.
  static bool drop(Word& count) noexcept {
    AtomicRef<Word> const shared(count);
    // The acquire load pairs with the release half of the others' fetch_sub.
    if (shared.load(std::memory_order_acquire) == 1) return true;
    return (shared.fetch_sub(1, std::memory_order_acq_rel) << 1) == 2;
  }
  // pre: no other thread counts this object now.
  static Word value(Word count) noexcept { return count & ~noted_bit; }

  // By one who holds a reference, whose own drop orders it before the last one's look: relaxed.
  static void note(Word& count) noexcept {
    AtomicRef<Word>(count).fetch_or(noted_bit, std::memory_order_relaxed);
  }
  // pre: the count has been seen to reach zero.
  static bool noted(Word& count) noexcept {
    return (AtomicRef<Word>(count).load(std::memory_order_relaxed) & noted_bit) != 0;
  }
  // The object is read under the lock that also orders its death: relaxed.
  static bool retain_living(Word& count) noexcept {
    AtomicRef<Word> const shared(count);
    Word seen = shared.load(std::memory_order_relaxed);
    while ((seen << 1) != 0) {
      if (shared.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  static void revive(Word& count) noexcept {
    AtomicRef<Word>(count).fetch_add(1, std::memory_order_relaxed);
  }
};
using AtomicCount = AtomicCountOf<std::atomic_ref>;

}  // namespace churn::collectors
