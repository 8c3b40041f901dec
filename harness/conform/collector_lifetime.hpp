// What:  properties of life and death: what is reachable stays, what is not goes, exactly as far as
//        the collector promises; and the numbers that say so.
// Why:   a collector that frees too much crashes late, one that frees too little looks fast.
// Cost:  a few ms each; the long lists about 0.1 s, or 1 s at their nightly length.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <cstdlib>

#include "harness/conform/collector_child.hpp"
#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

// Runs body on a thread with a stack of so many bytes and waits for it; passes a Violation on.
template <class Body>
void on_small_stack(std::size_t bytes, Body const& body) {
  struct Call {
    Body const& body;
    std::exception_ptr failure;
  } call{body, nullptr};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  expect(pthread_attr_setstacksize(&attributes, bytes) == 0, "cannot set the stack size");
  pthread_t thread;
  auto const run = [](void* erased) -> void* {
    auto* const call = static_cast<Call*>(erased);
    try {
      call->body();
    } catch (...) {
      call->failure = std::current_exception();
    }
    return nullptr;
  };
  expect(pthread_create(&thread, &attributes, run, &call) == 0, "cannot start a thread");
  pthread_attr_destroy(&attributes);
  pthread_join(thread, nullptr);
  if (call.failure) std::rethrow_exception(call.failure);
}

// The nightly suite asks for ten million.
inline std::uint64_t long_list_nodes() {
  char const* const text = std::getenv("CHURN_TEST_LIST_NODES");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 10);
}
constexpr std::size_t small_stack_bytes = 256 * 1024;

template <Collector C>
struct LifetimeProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  static void reachable_objects_survive() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<2> frame(hand.m);
    constexpr std::uint64_t live = 1023;
    constexpr Shape table{live, 0}, leaf{3, 48};
    hand.allocate(frame[0], table, 0);
    Random random(5);
    for (std::uint64_t i = 0; i < live; ++i) {  // a tree with random cross links, held by a table
      hand.allocate(frame[1], leaf, i);
      if (i > 0) {
        hand.m.write(hand.m.read(frame[0].get(), static_cast<std::uint32_t>((i - 1) / 2)),
                     (i - 1) % 2, frame[1].get());
        auto const any = static_cast<std::uint32_t>(random.below(i));
        hand.m.write(frame[1].get(), 2, hand.m.read(frame[0].get(), any));
      }
      hand.m.write(frame[0].get(), static_cast<std::uint32_t>(i), std::move(frame[1]));
    }
    std::uint64_t garbage = 0;
    for (std::uint32_t round = 0; round < 10; ++round) {
      for (int i = 0; i < 200; ++i, garbage += 10) hand.build_list(frame[1], 10);
      hand.m.clear(frame[1]);
      hand.m.collect(round % generations);
      for (std::uint64_t i = 0; i < live; ++i) {
        Ref const object = hand.m.read(frame[0].get(), static_cast<std::uint32_t>(i));
        hand.expect_intact(object, leaf, i);
        for (std::uint32_t side = 0; side < 2; ++side) {
          if (2 * i + side + 1 >= live) continue;
          hand.expect_intact(hand.m.read(object, side), leaf, 2 * i + side + 1);
        }
      }
    }
    subject.expect_present(live + 1, 0, garbage);
  }

  static void acyclic_garbage_goes() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<4> frame(hand.m);
    hand.build_list(frame[0], 1000);
    subject.expect_present(1000, 0, 0);
    hand.m.clear(frame[0]);
    subject.expect_present(0, 0, 1000);
    hand.allocate(frame[0], 0);  // a diamond, which goes when its last corner does
    hand.allocate(frame[1], 1);
    hand.allocate(frame[2], 2);
    hand.allocate(frame[3], 3);
    hand.m.write(frame[1].get(), 0, frame[3].get());
    hand.m.write(frame[2].get(), 0, std::move(frame[3]));
    hand.m.write(frame[0].get(), 0, frame[1].get());
    hand.m.write(frame[0].get(), 1, std::move(frame[2]));
    hand.m.clear(frame[0]);
    subject.expect_present(2, 0, 1002);
    hand.expect_intact(hand.m.read(frame[1].get(), 0), 3);
    hand.m.clear(frame[1]);
    subject.expect_present(0, 0, 1004);
  }

  // Drops rings of so many members, a few hundred objects at a time.
  template <std::uint64_t members>
  static void rings_go() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    std::uint64_t dropped = 0;
    for (int round = 0; round < 20; ++round) {
      Frame<1> frame(hand.m);
      hand.build_ring(frame[0], members);
      hand.expect_path(frame[0].get(), members);
      expect(hand.expect_path(frame[0].get(), members) == frame[0].get(), "the ring is not closed");
      if (round % 5 == 4) subject.expect_present(members, dropped, 0);
      hand.m.clear(frame[0]);
      dropped += members;
      if (round % 5 == 4) subject.expect_present(0, dropped, 0);
    }
    subject.expect_allocated();
  }

  static void rings_with_tails_go() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<3> frame(m);
    hand.allocate(frame[2], 777);  // live, named by every tail
    hand.build_ring(frame[0], 10);
    for (int i = 0; i < 10; ++i) {
      hand.build_list(frame[1], 20);
      m.write(frame[1].get(), 1, frame[2].get());
      m.write(frame[0].get(), 1, std::move(frame[1]));
      m.set(frame[0], m.read(frame[0].get(), 0));
    }
    subject.expect_present(211, 0, 0);
    m.clear(frame[0]);
    subject.expect_present(1, 210, 0);
    hand.expect_intact(frame[2].get(), 777);
    m.write(frame[2].get(), 0, Ref{});
    hand.allocate(frame[0], 778);
    m.write(frame[2].get(), 1, std::move(frame[0]));
    subject.expect_present(2, 210, 0);
    m.clear(frame[2]);
    // Where the rings stay, so does what their tails name.
    subject.expect_present(0, 212, 0);
  }

  static void one_member_keeps_its_ring() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    hand.build_ring(frame[0], 100);
    m.set(frame[1], m.read(m.read(frame[0].get(), 0), 0));
    m.clear(frame[0]);
    for (std::uint32_t generation = 0; generation < generations; ++generation) {
      m.collect(generation);
      hand.expect_path(frame[1].get(), 98, 2);
    }
    subject.expect_present(100, 0, 0);
    m.write(frame[1].get(), 0, Ref{});  // cut: now a list that ends in the rooted member
    subject.expect_present(1, 0, 99);
  }

  // Suspected while alive, and found innocent, and only then dropped: must still be found.
  static void what_was_suspected_early_goes_late() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    std::uint64_t dropped = 0;
    for (std::uint32_t generation = 0; generation < generations; ++generation) {
      Frame<2> frame(m);
      hand.build_ring(frame[0], 5);
      m.set(frame[1], frame[0].get());
      m.clear(frame[1]);  // a drop that leaves references
      for (int i = 0; i < 4; ++i) m.collect(generation);
      hand.expect_path(frame[0].get(), 5);
      m.clear(frame[0]);
      dropped += 5;
      subject.expect_present(0, dropped, 0);
    }
  }

  static void dead_rings_joined_in_chains_go() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    for (std::uint64_t i = 0; i < 50; ++i) {  // each ring names the next: only the last is a sink
      hand.build_ring(frame[1], 4, 4 * i);
      m.write(frame[1].get(), 1, std::move(frame[0]));
      m.move(frame[0], frame[1]);
    }
    subject.expect_present(200, 0, 0);
    for (std::uint64_t i = 50; i-- > 25;) {
      hand.expect_path(frame[0].get(), 4, 4 * i);
      m.set(frame[0], m.read(frame[0].get(), 1));
    }
    subject.expect_present(100, 100, 0);
    hand.expect_path(frame[0].get(), 4, 96);
    m.clear(frame[0]);
    subject.expect_present(0, 200, 0);
  }

  static void collect_says_what_it_found() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<1> frame(hand.m);
    hand.m.collect(full);
    for (std::uint64_t members : {1, 7, 100}) {
      hand.build_ring(frame[0], members);
      Stats const before = stats(subject);
      expect_equal(hand.m.collect(full), 0, "objects found unreachable while all are live");
      hand.m.clear(frame[0]);
      expect_equal(hand.m.collect(full), collects_cycles<C> ? members : 0,
                   "objects found unreachable");
      expect_equal(hand.m.collect(full), 0, "objects found unreachable a second time");
      Stats const after = stats(subject);
      expect_equal(after.collections[full] - before.collections[full], collects_cycles<C> ? 3 : 0,
                   "full collections counted");
      if (collects_cycles<C>) {
        expect(after.pauses.count() >= before.pauses.count() + 3, "a collection has no pause");
      }
    }
  }

  static void stats_add_up() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<2> frame(hand.m);
    for (Shape const shape : {Shape{0, 0}, {1, 1}, {3, 20}, {100, 1000}}) {
      for (int i = 0; i < 10; ++i) hand.allocate(frame[0], shape, 1);
    }
    hand.build_ring(frame[1], 3);
    subject.expect_allocated();
    subject.expect_present(4, 0, 39);
    hand.m.clear(frame[0]);
    hand.m.clear(frame[1]);
    subject.expect_present(0, 3, 40);
    Stats const end = stats(subject);
    std::uint64_t const ring_bytes = 3 * requested_bytes(node);
    expect_equal(end.present_bytes(),
                 !C::traits.reclaims ? hand.allocated_bytes
                 : C::traits.cycles  ? 0
                                     : ring_bytes,
                 "bytes present at the end");
  }

  // No call of collect: what the collector does by itself must keep cyclic garbage bounded.
  static void garbage_does_not_pile_up() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<2> frame(hand.m);
    hand.build_ring(frame[1], 500);  // something live, or nothing is ever old
    for (int i = 0; i < 60'000; ++i) hand.build_ring(frame[0], 4);
    hand.m.clear(frame[0]);
    std::uint64_t const present = stats(subject).present_objects();
    if (present > 60'000) {
      violated("of 240000 objects in dead rings " + std::to_string(present) + " are still present",
               Place::current());
    }
    hand.expect_path(frame[1].get(), 500);
    subject.expect_present(500, 240'000, 0);
  }

  static void long_list_drops_on_a_small_stack() {
    on_small_stack(small_stack_bytes, [] {
      Subject<C> subject;
      auto& hand = *subject.hand;
      Frame<1> frame(hand.m);
      std::uint64_t const n = long_list_nodes();
      hand.build_list(frame[0], n);
      subject.expect_present(n, 0, 0);
      hand.m.clear(frame[0]);
      subject.expect_present(0, 0, n);
    });
  }

  static void long_ring_collects_on_a_small_stack() {
    on_small_stack(small_stack_bytes, [] {
      Subject<C> subject;
      auto& hand = *subject.hand;
      Frame<1> frame(hand.m);
      std::uint64_t const n = long_list_nodes();
      hand.build_ring(frame[0], n);
      hand.m.collect(full);
      hand.expect_path(frame[0].get(), 1000);
      hand.m.clear(frame[0]);
      subject.expect_present(0, n, 0);
    });
  }

  // Both sides of every node, so that neither "last slot first" nor "first slot first" is safe.
  static void deep_tree_drops_on_a_small_stack() {
    on_small_stack(small_stack_bytes, [] {
      Subject<C> subject;
      auto& hand = *subject.hand;
      Frame<3> frame(hand.m);
      std::uint64_t const n = long_list_nodes() / 4;
      for (std::uint64_t i = 0; i < n; ++i) {
        hand.allocate(frame[1], 2 * i);
        hand.allocate(frame[2], 2 * i + 1);
        hand.m.write(frame[1].get(), i % 2, std::move(frame[0]));
        hand.m.write(frame[1].get(), (i + 1) % 2, std::move(frame[2]));
        hand.m.move(frame[0], frame[1]);
      }
      hand.m.clear(frame[0]);
      subject.expect_present(0, 0, 2 * n);
    });
  }

  static void released_memory_comes_back()
    requires Releases<M>
  {
    Subject<C> subject;
    M& m = subject.hand->m;
    Frame<1> frame(m);
    constexpr Shape shape{2, 1000};
    std::vector<Ref> seen;
    for (int i = 0; i < 2000; ++i) {
      m.allocate(frame[0], shape);
      seen.push_back(frame[0].get());
      m.release(frame[0].get(), shape);
      m.clear(frame[0]);
    }
    // A sanitizer quarantines blocks.
    std::sort(seen.begin(), seen.end(),
              [](Ref a, Ref b) { return std::memcmp(&a, &b, sizeof a) < 0; });
    auto const distinct = std::unique(seen.begin(), seen.end()) - seen.begin();
    if (sanitized()) return;
    expect(distinct < 2000, "2000 objects released one by one never shared an address");
  }

  static void list(Properties& properties) {
    auto const add = [&](std::string_view name, std::string_view rule, void (*run)()) {
      properties.push_back({name, rule, run});
    };
    add("reachable_objects_survive", "over many collections", reachable_objects_survive);
    add("acyclic_garbage_goes", "lists and diamonds", acyclic_garbage_goes);
    add("rings_of_1_go", "or stay, as promised", rings_go<1>);
    add("rings_of_2_go", "or stay, as promised", rings_go<2>);
    add("rings_of_1000_go", "or stay, as promised", rings_go<1000>);
    add("rings_with_tails_go", "and what they name stays right", rings_with_tails_go);
    add("one_member_keeps_its_ring", "in every generation", one_member_keeps_its_ring);
    add("what_was_suspected_early_goes_late", "candidates that mature",
        what_was_suspected_early_goes_late);
    add("dead_rings_joined_in_chains_go", "together", dead_rings_joined_in_chains_go);
    if constexpr (C::traits.reports_objects && !C::traits.conservative) {
      add("collect_says_what_it_found", "exactly", collect_says_what_it_found);
      add("stats_add_up", "objects and bytes", stats_add_up);
    }
    if constexpr (C::traits.reports_objects && collects_cycles<C>) {
      add("garbage_does_not_pile_up", "without a call of collect", garbage_does_not_pile_up);
    }
    add("long_list_drops_on_a_small_stack", "no recursion", long_list_drops_on_a_small_stack);
    add("long_ring_collects_on_a_small_stack", "no recursion", long_ring_collects_on_a_small_stack);
    add("deep_tree_drops_on_a_small_stack", "no recursion", deep_tree_drops_on_a_small_stack);
    if constexpr (Releases<M>) {
      add("released_memory_comes_back", "to the allocator", released_memory_comes_back);
    }
  }

 private:
  static Stats stats(Subject<C>& subject) {
    typename M::Blocked const blocked(subject.hand->m);
    return subject.heap.stats();
  }
};

}  // namespace churn::conform
