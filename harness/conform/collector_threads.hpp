// What:  properties of several mutators on one heap: private graphs side by side, slots that race,
//        globals, mutators that come and go, and collections while others are blocked or running.
// Why:   a lost increment shows once in a million; odd numbers of threads on even numbers of cores
//        find it sooner, and ThreadSanitizer finds it at the first race.
// When not: a collector that allows one mutator has none of these properties.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <memory>

#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

template <Collector C>
struct ThreadProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  static constexpr std::uint64_t rounds = 6'000;
  static constexpr std::uint32_t slots = 6;
  static constexpr Shape table{slots, 8};

  static void private_graphs_side_by_side() {
    Subject<C> subject;
    subject.together(3, [](Hand<C>& hand, std::uint32_t thread) {
      Frame<2> frame(hand.m);
      std::uint64_t const base = std::uint64_t{thread} << 32;
      for (std::uint64_t i = 0; i < 50; ++i) {
        hand.build_list(frame[0], 30, base + i);
        hand.build_ring(frame[1], 5, base + i);
        if (i % 10 == thread) hand.m.collect(full);
        hand.expect_path(frame[0].get(), 30, base + i);
        hand.expect_path(frame[1].get(), 5, base + i);
        hand.m.safepoint();
      }
    });
    subject.expect_allocated();
    subject.expect_present(0, 3 * 50 * 5, 3 * 50 * 30);
  }

  // Every thread puts objects of its own into all slots and looks at what the others put there.
  template <std::uint32_t threads>
  static void slots_race() {
    Subject<C> subject;
    typename M::Global global(subject.heap);
    subject.hand->allocate(*global, table, 0);
    subject.together(threads, [&](Hand<C>& hand, std::uint32_t thread) {
      Frame<4> frame(hand.m);
      hand.m.set(frame[0], (*global).get());
      Random random = Random::fork(17, thread);
      for (std::uint64_t i = 0; i < rounds / threads; ++i) {
        auto const slot = static_cast<std::uint32_t>(random.below(slots));
        hand.m.read_shared(frame[1], frame[0].get(), slot);
        if (frame[1].get() != Ref{}) expect_self_named(hand, frame[1].get());
        allocate_self_named(hand, frame[2], (std::uint64_t{thread} << 32) + i + 1);
        hand.m.exchange_shared(frame[3], frame[0].get(), slot, std::move(frame[2]));
        if (frame[3].get() != Ref{}) expect_self_named(hand, frame[3].get());
        if (frame[1].get() != Ref{}) expect_self_named(hand, frame[1].get());
        if (i % 512 == 0) hand.m.collect(full);
      }
    });
    std::uint64_t const made = threads * (rounds / threads);
    subject.expect_present(1 + slots, 0, made - slots);
    subject.hand->m.clear(*global);
    subject.expect_present(0, 0, made + 1);
    subject.expect_allocated();
  }

  // Tokens go round by exchange alone: each is in one slot or one hand, so all are there at last.
  static void tokens_are_conserved() {
    constexpr std::uint32_t threads = 3, tokens = 4;
    Subject<C> subject;
    typename M::Global global(subject.heap);
    {
      Frame<1> frame(subject.hand->m);
      subject.hand->allocate(*global, table, 0);
      for (std::uint32_t i = 0; i < tokens; ++i) {
        allocate_self_named(*subject.hand, frame[0], i + 1);
        subject.hand->m.write((*global).get(), i, std::move(frame[0]));
      }
    }
    subject.together(threads, [&](Hand<C>& hand, std::uint32_t thread) {
      Frame<3> frame(hand.m);
      hand.m.set(frame[0], (*global).get());
      Random random = Random::fork(18, thread);
      for (std::uint64_t i = 0; i < rounds; ++i) {
        hand.m.exchange_shared(frame[1], frame[0].get(),
                               static_cast<std::uint32_t>(random.below(slots)),
                               std::move(frame[1]));
        if (frame[1].get() != Ref{}) expect_self_named(hand, frame[1].get());
        if (i % 64 == 0) hand.m.safepoint();
      }
      while (frame[1].get() != Ref{}) {  // puts back what it holds: more slots than tokens
        hand.m.exchange_shared(frame[1], frame[0].get(),
                               static_cast<std::uint32_t>(random.below(slots)),
                               std::move(frame[1]));
      }
    });
    std::vector<std::uint64_t> found;
    for (std::uint32_t i = 0; i < slots; ++i) {
      Ref const token = subject.hand->m.read((*global).get(), i);
      if (token != Ref{}) found.push_back(expect_self_named(*subject.hand, token));
    }
    std::sort(found.begin(), found.end());
    expect_equal(found.size(), tokens, "tokens at the end");
    for (std::uint32_t i = 0; i < tokens; ++i) expect_equal(found[i], i + 1, "a token at the end");
    subject.expect_present(1 + tokens, 0, 0);
  }

  static void globals_are_shared() {
    constexpr std::uint32_t threads = 3;
    Subject<C> subject;
    std::vector<std::unique_ptr<typename M::Global>> globals(threads);
    std::barrier meeting(threads);
    auto const meet = [&meeting](M& m) {
      typename M::Blocked const blocked(m);
      meeting.arrive_and_wait();
    };
    subject.together(threads, [&](Hand<C>& hand, std::uint32_t thread) {
      for (std::uint64_t i = 0; i < 20; ++i) {
        globals[thread] = std::make_unique<typename M::Global>(subject.heap);
        hand.build_list(**globals[thread], 5, 100 * thread + i);
        meet(hand.m);
        std::uint32_t const next = (thread + 1) % threads;  // read by one, destroyed by another
        hand.expect_path((**globals[next]).get(), 5, 100 * next + i);
        if (thread == i % threads) hand.m.collect(full);
        meet(hand.m);
        globals[(thread + 2) % threads].reset();
        meet(hand.m);
      }
    });
    subject.expect_present(0, 0, threads * 20 * 5);
  }

  // What a mutator published stays when it has gone.
  static void mutators_come_and_go() {
    constexpr std::uint32_t threads = 3;
    constexpr std::uint64_t lives = 60;
    Subject<C> subject;
    typename M::Global global(subject.heap);
    subject.hand->allocate(*global, table, 0);
    subject.on_threads(threads, [&](std::uint32_t thread) {
      for (std::uint64_t life = 0; life < lives; ++life) {
        subject.with_hand([&](Hand<C>& hand) {
          Frame<2> frame(hand.m);
          for (std::uint64_t i = 0; i < 10; ++i) {
            allocate_self_named(hand, frame[0], (std::uint64_t{thread} << 32) + 10 * life + i + 1);
            hand.m.exchange_shared(frame[1], (*global).get(), static_cast<std::uint32_t>(i) % slots,
                                   std::move(frame[0]));
            if (frame[1].get() != Ref{}) expect_self_named(hand, frame[1].get());
          }
          if (life % 8 == thread) hand.m.collect(full);
        });
      }
    });
    constexpr std::uint64_t made = threads * lives * 10;
    subject.expect_present(1 + slots, 0, made - slots);
  }

  static void the_blocked_do_not_hold_up_collections() {
    Subject<C> subject;
    std::barrier meeting(2);
    subject.together(2, [&](Hand<C>& hand, std::uint32_t thread) {
      Frame<1> frame(hand.m);
      hand.build_list(frame[0], 20, thread);
      for (std::uint32_t round = 0; round < 50; ++round) {
        if (round % 2 == thread) {
          for (int i = 0; i < 3; ++i) hand.m.collect(full);
          typename M::Blocked const blocked(hand.m);
          meeting.arrive_and_wait();
        } else {
          typename M::Blocked const blocked(hand.m);  // until the other one has collected
          meeting.arrive_and_wait();
        }
        hand.expect_path(frame[0].get(), 20, thread);
      }
    });
    subject.expect_present(0, 0, 40);
  }

  static void the_running_are_collected_around() {
    Subject<C> subject;
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> garbage{0};
    subject.together(3, [&](Hand<C>& hand, std::uint32_t thread) {
      Frame<2> frame(hand.m);
      hand.build_list(frame[0], 50, thread);
      if (thread == 0) {
        for (int i = 0; i < 50; ++i) hand.m.collect(full);
        done = true;
      }
      std::uint64_t dropped = 0;
      while (!done) {
        if (dropped < 50'000) {
          hand.build_list(frame[1], 10, 7);
          dropped += 10;
        }
        hand.m.safepoint();
      }
      garbage += dropped;
      hand.expect_path(frame[0].get(), 50, thread);
    });
    subject.expect_present(0, 0, 150 + garbage);
  }

  static void list(Properties& properties) {
    auto const add = [&](std::string_view name, std::string_view rule, void (*run)()) {
      properties.push_back({name, rule, run});
    };
    if constexpr (C::traits.max_mutators < 5) {
      return;
    } else {
      add("private_graphs_side_by_side", "on one heap", private_graphs_side_by_side);
      add("globals_are_shared", "made, read and destroyed by different threads",
          globals_are_shared);
      add("the_blocked_do_not_hold_up_collections", "or it hangs",
          the_blocked_do_not_hold_up_collections);
      add("the_running_are_collected_around", "they reach safepoints",
          the_running_are_collected_around);
      if constexpr (C::traits.shared_slots) {
        add("slots_race_between_2_threads", "read_shared, exchange_shared", slots_race<2>);
        add("slots_race_between_3_threads", "read_shared, exchange_shared", slots_race<3>);
        add("slots_race_between_5_threads", "read_shared, exchange_shared", slots_race<5>);
        add("tokens_are_conserved", "by exchange_shared", tokens_are_conserved);
        add("mutators_come_and_go", "what they published stays", mutators_come_and_go);
      }
    }
  }

 private:
  static constexpr Shape self_named{0, 48};

  // The first word of the payload says which identity stamps the rest.
  static void allocate_self_named(Hand<C>& hand, typename M::Local& local, std::uint64_t identity) {
    hand.allocate(local, self_named, identity);
    std::memcpy(hand.m.payload(local.get(), self_named), &identity, sizeof identity);
  }
  static std::uint64_t expect_self_named(Hand<C>& hand, Ref ref) {
    std::byte const* const payload = hand.m.payload(ref, self_named);
    std::uint64_t identity;
    std::memcpy(&identity, payload, sizeof identity);
    std::byte wanted[self_named.payload_bytes];
    stamp(wanted, sizeof wanted, identity);
    expect(std::memcmp(wanted + 8, payload + 8, sizeof wanted - 8) == 0,
           "an object from a shared slot is not intact");
    return identity;
  }
};

}  // namespace churn::conform
