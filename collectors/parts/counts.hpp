// What:  the reference count of one object, as a policy over a word of its header: plain for one
//        mutator, atomic for several.
// Why:   the same collector in both forms: the price of atomicity is then the only difference.
// Cost:  plain an addition; atomic a locked one, except that dropping the only reference is a load.
// Source: the orders are those of Boost.Atomic's reference counting example: a new reference is
//        made from an existing one, so retaining needs no order; the last drop must see all others.
#pragma once

#include <atomic>

#include "collectors/parts/reference.hpp"

namespace churn::collectors {

struct PlainCount {
  static void retain(Word& count) noexcept { ++count; }
  static bool drop(Word& count) noexcept { return --count == 0; }
  static Word value(Word count) noexcept { return count; }
};

// `AtomicRef` is a parameter so that a scheduler can drive the interleaving.
template <template <class> class AtomicRef>
struct AtomicCountOf {
  static void retain(Word& count) noexcept {
    AtomicRef<Word>(count).fetch_add(1, std::memory_order_relaxed);
  }
  // True when that was the last reference. A count of one is ours: nobody else can raise it.
  static bool drop(Word& count) noexcept {
    AtomicRef<Word> const shared(count);
    // The acquire load pairs with the release half of the others' fetch_sub.
    if (shared.load(std::memory_order_acquire) == 1) return true;
    return shared.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  // pre: no other thread counts this object now.
  static Word value(Word count) noexcept { return count; }
};
using AtomicCount = AtomicCountOf<std::atomic_ref>;

}  // namespace churn::collectors
