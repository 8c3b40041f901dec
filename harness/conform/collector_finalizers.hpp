// What:  properties of watched objects: each that dies is handed out once, whole, and may live on.
// Why:   a finalizer sees objects that are dead by all other rules; what it keeps must be as good
//        as what never died, and what it drops must go for good.
#pragma once

#include <algorithm>
#include <memory>

#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

template <Collector C>
struct FinalizerProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  // The tags of all that is dead, which is dropped again; sorted.
  static std::vector<std::uint64_t> pull_all(Hand<C>& hand) {
    std::vector<std::uint64_t> tags;
    Frame<1> dead(hand.m);
    for (std::uint32_t round = 0; round < 4; ++round) {
      hand.m.collect(full);
      for (std::uint64_t tag = 0; hand.m.next_dead(dead[0], tag);) {
        hand.expect_intact(dead[0].get(), tag);
        tags.push_back(tag);
      }
      expect(dead[0].get() == Ref{}, "next_dead returned false and left a local that is not null");
    }
    std::sort(tags.begin(), tags.end());
    return tags;
  }
  // Conservative collectors may come to know of a death later.
  class Pulls {
   public:
    explicit Pulls(Hand<C>& hand) : hand_(hand) {}
    // These have died since the last time.
    void expect_also(std::vector<std::uint64_t> const& died, Place place = Place::current()) {
      owed_.insert(owed_.end(), died.begin(), died.end());
      for (std::uint64_t const tag : pull_all(hand_)) {
        expect(std::erase(owed_, tag) == 1, "next_dead gives what has not died, or gives it twice",
               place);
      }
      expect(owed_.empty() || C::traits.conservative, "a watched object has died unseen", place);
    }

   private:
    Hand<C>& hand_;
    std::vector<std::uint64_t> owed_;
  };
  // One of the dead. False if a conservative collector knows of none: then there is no more to ask.
  static bool pull(Hand<C>& hand, typename M::Local& local, std::uint64_t& tag,
                   Place place = Place::current()) {
    bool const pulled = hand.m.next_dead(local, tag);
    expect(pulled || C::traits.conservative, "a watched object has died unseen", place);
    return pulled;
  }
  static void watched(Hand<C>& hand, typename M::Local& local, std::uint64_t identity) {
    hand.allocate(local, identity);
    hand.m.watch(local.get(), identity);
  }

  static void the_dead_are_handed_out_once() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Pulls pulls(hand);
    Frame<2> frame(hand.m);
    watched(hand, frame[0], 5);
    watched(hand, frame[1], 6);
    pulls.expect_also({});
    hand.m.clear(frame[0]);
    pulls.expect_also({5});
    pulls.expect_also({});
    subject.expect_present(1, 0, 1);
    hand.expect_intact(frame[1].get(), 6);
    hand.m.clear(frame[1]);
    pulls.expect_also({6});
    subject.expect_present(0, 0, 2);
  }

  static void the_dead_are_whole() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<1> frame(hand.m);
    hand.build_list(frame[0], 20);
    hand.m.watch(frame[0].get(), 99);
    hand.m.clear(frame[0]);
    hand.m.collect(full);
    subject.expect_present(20, 0, 0);  // ready, and nobody has pulled it
    std::uint64_t tag = 0;
    if (!pull(hand, frame[0], tag)) return;
    expect_equal(tag, 99, "tag");
    hand.m.collect(full);
    hand.expect_path(frame[0].get(), 20);
    hand.m.clear(frame[0]);
    subject.expect_present(0, 0, 20);
    Pulls(hand).expect_also({});
  }

  static void the_resurrected_live() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<2> frame(hand.m);
    hand.allocate(frame[0], 0);
    watched(hand, frame[1], 1);
    hand.m.write_new(frame[1].get(), 0, frame[0].get());
    hand.m.clear(frame[1]);
    hand.m.collect(full);
    std::uint64_t tag = 0;
    if (!pull(hand, frame[1], tag)) return;
    // Kept by a slot alone.
    hand.m.write(frame[0].get(), 1, frame[1].get());
    hand.m.clear(frame[1]);
    for (std::uint32_t g = 0; g < generations; ++g) hand.m.collect(g);
    hand.expect_intact(hand.m.read(frame[0].get(), 1), 1);
    expect(hand.m.read(hand.m.read(frame[0].get(), 1), 0) == frame[0].get(), "a slot has changed");
    hand.m.write(frame[0].get(), 1, Ref{});
    Pulls(hand).expect_also({});  // once in its life
    subject.expect_present(1, 0, 1);
  }

  static void the_watched_reach_the_watched() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    {
      Frame<2> frame(hand.m);
      for (std::uint64_t i = 0; i < 3; ++i) {  // 2 -> 1 -> 0
        watched(hand, frame[1], i);
        hand.m.write_new(frame[1].get(), 0, std::move(frame[0]));
        hand.m.move(frame[0], frame[1]);
      }
    }
    Pulls(hand).expect_also({0, 1, 2});
    subject.expect_present(0, 0, 3);
  }

  static void rings_of_watched() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    {
      Frame<1> frame(hand.m);
      hand.build_ring(frame[0], 4, 40);
      Ref ref = frame[0].get();
      for (std::uint64_t i = 40; i < 44; ++i, ref = hand.m.read(ref, 0)) hand.m.watch(ref, i);
    }
    {
      Frame<1> frame(hand.m);
      hand.build_ring(frame[0], 3, 50);
      hand.m.watch(frame[0].get(), 50);
    }
    hand.m.collect(full);
    {
      Frame<1> kept(hand.m);
      std::vector<std::uint64_t> tags;
      for (std::uint64_t tag = 0; hand.m.next_dead(kept[0], tag);) {
        tags.push_back(tag);
        std::uint64_t const first = tag < 50 ? 40 : 50, nodes = tag < 50 ? 4 : 3;
        Ref ref = kept[0].get();
        for (std::uint64_t i = 0; i < nodes; ++i, ref = hand.m.read(ref, 0)) {
          hand.expect_intact(ref, first + (tag - first + i) % nodes);
        }
        expect(ref == kept[0].get(), "a ring of the dead is open");
      }
      std::sort(tags.begin(), tags.end());
      std::vector<std::uint64_t> const died{40, 41, 42, 43, 50};
      expect(tags == died || C::traits.conservative, "not all of a ring came");
    }
    if constexpr (!C::traits.conservative) Pulls(hand).expect_also({});
    subject.expect_present(0, 0, 7);
  }

  static void many_watched() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    constexpr std::uint32_t places = 100;
    Frame<places> frame(hand.m);
    Random random(31);
    std::vector<std::uint64_t> named(places, 0), dead, given;
    Frame<1> pulled(hand.m);
    for (std::uint64_t identity = 1; identity <= 2000; ++identity) {
      auto const place = static_cast<std::uint32_t>(random.below(places));
      if (named[place] % 3 == 1) dead.push_back(named[place]);
      hand.allocate(frame[place], identity);
      if (identity % 3 == 1) hand.m.watch(frame[place].get(), identity);
      named[place] = identity;
      if (identity % 64 == 0) hand.m.collect(static_cast<std::uint32_t>(random.below(generations)));
      std::uint64_t tag = 0;
      if (!hand.m.next_dead(pulled[0], tag)) continue;
      hand.expect_intact(pulled[0].get(), tag);
      given.push_back(tag);
      hand.m.clear(pulled[0]);
    }
    for (std::uint64_t const tag : pull_all(hand)) given.push_back(tag);
    std::sort(dead.begin(), dead.end());
    std::sort(given.begin(), given.end());
    expect(given == dead || (C::traits.conservative &&
                             std::includes(dead.begin(), dead.end(), given.begin(), given.end())),
           "not exactly the watched objects that died were given");
    subject.expect_present(
        static_cast<std::uint64_t>(std::count_if(named.begin(), named.end(),
                                                 [](std::uint64_t each) { return each != 0; })),
        0, 2000 - places);
  }

  static void nobody_pulls() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    {
      Frame<1> frame(hand.m);
      for (std::uint64_t i = 0; i < 10; ++i) watched(hand, frame[0], i);
    }
    subject.expect_present(10, 0, 0);
    subject.expect_allocated();
  }

  static void death_clears_weak_references_first()
    requires(C::traits.weak)
  {
    Subject<C> subject;
    auto& hand = *subject.hand;
    typename M::Weak weak(hand.m);
    Frame<2> frame(hand.m);
    watched(hand, frame[0], 3);
    hand.m.weaken(weak, frame[0].get());
    hand.m.clear(frame[0]);
    hand.m.collect(full);
    bool const gives = hand.m.strengthen(frame[1], weak);
    if (gives && C::traits.conservative) return;
    expect(!gives, "a weak reference gives what awaits its finalizer");
    std::uint64_t tag = 0;
    if (!pull(hand, frame[0], tag)) return;
    expect(!hand.m.strengthen(frame[1], weak), "a weak reference gives what was resurrected");
    hand.m.weaken(weak, frame[0].get());  // a new one may
    hand.m.collect(full);
    expect(hand.m.strengthen(frame[1], weak), "what was resurrected cannot be named weakly again");
    hand.expect_intact(frame[1].get(), 3);
  }

  // What a conservative collector keeps without cause are exceptions.
  static void most_deaths_are_seen()
    requires(C::traits.weak)
  {
    Subject<C> subject;
    auto& hand = *subject.hand;
    constexpr std::uint64_t objects = 1000;
    std::vector<std::unique_ptr<typename M::Weak>> weak;
    {
      Frame<1> frame(hand.m);
      for (std::uint64_t i = 0; i < objects; ++i) {
        watched(hand, frame[0], i);
        weak.push_back(std::make_unique<typename M::Weak>(hand.m));
        hand.m.weaken(*weak.back(), frame[0].get());
      }
    }
    hand.m.collect(full);
    Frame<1> strong(hand.m);
    auto const given = std::count_if(
        weak.begin(), weak.end(), [&](auto& each) { return hand.m.strengthen(strong[0], *each); });
    hand.m.clear(strong[0]);
    expect(given <= static_cast<long>(objects / 10), "most weak references give what is dead");
    expect(pull_all(hand).size() >= objects - objects / 10, "most deaths were not seen");
  }

  static void another_mutator_pulls() {
    Subject<C> subject;
    {
      Frame<1> frame(subject.hand->m);
      watched(*subject.hand, frame[0], 1);
    }
    {
      Frame<1> frame(subject.hand->m);
      watched(*subject.hand, frame[0], 2);
      subject.hand->m.collect(full);
    }
    subject.replace_hand();
    Pulls(*subject.hand).expect_also({1, 2});
    subject.expect_present(0, 0, 2);
  }

  static void list(Properties& properties) {
    properties.insert(
        properties.end(),
        {{"the_dead_are_handed_out_once", "with their tag", the_dead_are_handed_out_once},
         {"the_dead_are_whole", "with all they reach, until they are dropped", the_dead_are_whole},
         {"the_resurrected_live", "like what never died, and are not given again",
          the_resurrected_live},
         {"the_watched_reach_the_watched", "a chain of three, each given once",
          the_watched_reach_the_watched},
         {"many_watched", "exactly the dead of two thousand", many_watched},
         {"nobody_pulls", "a heap ends with objects that are ready", nobody_pulls},
         {"another_mutator_pulls", "what died under a former one", another_mutator_pulls}});
    if constexpr (collects_cycles<C>) {
      properties.push_back({"rings_of_watched", "given once each, whole rings", rings_of_watched});
    }
    if constexpr (C::traits.weak) {
      properties.push_back({"death_clears_weak_references_first", "and they stay so",
                            death_clears_weak_references_first});
      properties.push_back(
          {"most_deaths_are_seen", "nine of ten, of a thousand", most_deaths_are_seen});
    }
  }
};

}  // namespace churn::conform
