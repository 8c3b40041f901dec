// What:  properties of weak references: they give what lives, null once its death is decided, and
//        keep nothing.
// Why:   a weak reference is the one word that names an object without owning it: what moves,
//        frees or resurrects objects must find every one of them.
#pragma once

#include <memory>

#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

template <Collector C>
struct WeakProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;
  using Weak = typename M::Weak;

  static void expect_gives(Hand<C>& hand, Weak& weak, std::uint64_t identity,
                           Place place = Place::current()) {
    Frame<1> strong(hand.m);
    expect(hand.m.strengthen(strong[0], weak), "a weak reference has lost what lives", place);
    hand.expect_intact(strong[0].get(), identity, place);
  }
  static void expect_null(Hand<C>& hand, Weak& weak, Place place = Place::current()) {
    Frame<1> strong(hand.m);
    hand.allocate(strong[0], 0);
    bool const gives = hand.m.strengthen(strong[0], weak);
    if (gives && C::traits.conservative) return;
    expect(!gives, "a weak reference gives what is dead", place);
    expect(strong[0].get() == Ref{}, "strengthen returned false and left a local that is not null",
           place);
  }

  static void weak_gives_what_lives() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Weak weak(hand.m), nothing(hand.m);
    expect_null(hand, nothing);
    {
      Frame<2> frame(hand.m);
      hand.allocate(frame[0], 7);
      hand.m.weaken(weak, frame[0].get());
      expect_gives(hand, weak, 7);
      for (std::uint32_t g = 0; g < generations; ++g) {
        hand.build_list(frame[1], 50);
        hand.m.collect(g);
        expect_gives(hand, weak, 7);
        hand.m.strengthen(frame[1], weak);
        expect(frame[1].get() == frame[0].get(), "a weak reference gives another object");
      }
    }
    hand.m.collect(full);
    expect_null(hand, weak);
  }

  static void weak_keeps_nothing() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Weak first(hand.m), second(hand.m);
    Frame<1> frame(hand.m);
    hand.build_list(frame[0], 5);
    hand.m.weaken(first, frame[0].get());
    hand.m.weaken(second, frame[0].get());
    hand.m.set(frame[0], hand.m.read(frame[0].get(), 0));
    subject.expect_present(4, 0, 1);
    expect_null(hand, first);
    expect_null(hand, second);
    hand.expect_path(frame[0].get(), 4, 1);
  }

  static void what_is_strengthened_lives() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Weak weak(hand.m);
    Frame<2> frame(hand.m);
    hand.allocate(frame[0], 1);
    hand.m.weaken(weak, frame[0].get());
    hand.m.strengthen(frame[1], weak);
    hand.m.clear(frame[0]);
    subject.expect_present(1, 0, 0);
    hand.expect_intact(frame[1].get(), 1);
    hand.m.clear(frame[1]);
    subject.expect_present(0, 0, 1);
    expect_null(hand, weak);
  }

  static void weak_names_another() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Weak weak(hand.m);
    Frame<2> frame(hand.m);
    hand.allocate(frame[0], 1);
    hand.allocate(frame[1], 2);
    hand.m.weaken(weak, frame[0].get());
    hand.m.weaken(weak, frame[1].get());
    hand.m.clear(frame[0]);
    hand.m.collect(full);
    expect_gives(hand, weak, 2);
    hand.m.weaken(weak, Ref{});
    expect_null(hand, weak);
    hand.expect_intact(frame[1].get(), 2);
    subject.expect_present(1, 0, 2);  // expect_null has made one too
  }

  static void weak_into_a_ring() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Weak entry(hand.m), inside(hand.m);
    {
      Frame<1> frame(hand.m);
      hand.build_ring(frame[0], 3, 10);
      hand.m.weaken(entry, frame[0].get());
      hand.m.weaken(inside, hand.m.read(frame[0].get(), 0));
      hand.m.collect(full);
      expect_gives(hand, entry, 10);
    }
    hand.m.collect(full);
    if constexpr (collects_cycles<C>) {
      expect_null(hand, entry);
      expect_null(hand, inside);
    } else {
      expect_gives(hand, entry, 10);
      expect_gives(hand, inside, 11);
    }
  }

  // Weak references and objects die in any order, both before the other.
  static void many_weak_references() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    constexpr std::uint32_t objects = 64;
    Frame<objects> frame(hand.m);
    std::vector<bool> alive(objects, false);
    struct Held {
      explicit Held(M& m) : weak(m) {}
      Weak weak;
      std::uint32_t of = 0;
    };
    std::vector<std::unique_ptr<Held>> held;
    Random random(29);
    auto const check = [&] {
      hand.m.collect(static_cast<std::uint32_t>(random.below(generations)));
      hand.m.collect(full);
      for (auto& each : held) {
        if (alive[each->of]) {
          expect_gives(hand, each->weak, each->of);
        } else {
          expect_null(hand, each->weak);
        }
      }
    };
    for (std::uint32_t step = 0; step < 3000; ++step) {
      auto const index = static_cast<std::uint32_t>(random.below(objects));
      switch (random.below(4)) {
        case 0:
          if (alive[index]) break;
          // Former weak references to this place name its former object, which is dead.
          std::erase_if(held, [&](auto const& each) { return each->of == index; });
          hand.allocate(frame[index], index);
          alive[index] = true;
          break;
        case 1:
          if (random.below(3) != 0) break;
          hand.m.clear(frame[index]);
          alive[index] = false;
          break;
        case 2:
          if (!alive[index]) break;
          held.push_back(std::make_unique<Held>(hand.m));
          held.back()->of = index;
          hand.m.weaken(held.back()->weak, frame[index].get());
          break;
        default:
          if (held.empty()) break;
          held.erase(held.begin() + static_cast<std::ptrdiff_t>(random.below(held.size())));
      }
      if (step % 200 == 0) check();
    }
    check();
  }

  static void weak_on_several_mutators() {
    Subject<C> subject;
    subject.together(3, [](Hand<C>& hand, std::uint32_t thread) {
      Weak weak(hand.m);
      Frame<1> frame(hand.m);
      for (std::uint64_t i = 0; i < 60; ++i) {
        std::uint64_t const identity = 1000 * thread + i;
        hand.allocate(frame[0], identity);
        hand.m.weaken(weak, frame[0].get());
        if (i % 7 == 0) hand.m.collect(full);
        expect_gives(hand, weak, identity);
        hand.m.clear(frame[0]);
        if (i % 11 != 0) continue;
        hand.m.collect(full);
        expect_null(hand, weak);
      }
    });
  }

  // Strengthening races with the last drop: it gives the object whole, or null.
  static void weak_races_with_death() {
    Subject<C> subject;
    constexpr std::uint32_t slots = 3;
    typename M::Global table(subject.heap);
    subject.hand->allocate(*table, Shape{slots, 0}, 0);
    subject.together(3, [&](Hand<C>& hand, std::uint32_t thread) {
      Weak weak(hand.m);
      Frame<2> frame(hand.m);
      Random random(41 + thread);
      for (int i = 0; i < 4000; ++i) {
        auto const slot = static_cast<std::uint32_t>(random.below(slots));
        hand.m.read_shared(frame[0], (*table).get(), slot);
        bool const named = frame[0].get() != Ref{};
        if (named) hand.m.weaken(weak, frame[0].get());
        hand.m.clear(frame[0]);
        if (random.below(2) == 0) {
          hand.allocate(frame[1], slot);
          hand.m.exchange_shared(frame[1], (*table).get(), slot, std::move(frame[1]));
          hand.m.clear(frame[1]);
        }
        if (named && hand.m.strengthen(frame[0], weak)) hand.expect_intact(frame[0].get(), slot);
        hand.m.safepoint();
      }
    });
    subject.hand->m.clear(*table);
    subject.expect_present(0, 0, subject.heap.stats().allocated_objects);
  }

  static void list(Properties& properties) {
    properties.insert(
        properties.end(),
        {{"weak_gives_what_lives", "the same object, through collections", weak_gives_what_lives},
         {"weak_keeps_nothing", "two weak references to what dies", weak_keeps_nothing},
         {"what_is_strengthened_lives", "a strong local like any other",
          what_is_strengthened_lives},
         {"weak_names_another", "and null, when it is told to", weak_names_another},
         {"weak_into_a_ring", "null exactly where cycles are reclaimed", weak_into_a_ring},
         {"many_weak_references", "objects and weak references die in any order",
          many_weak_references}});
    if constexpr (C::traits.max_mutators > 1) {
      properties.push_back(
          {"weak_on_several_mutators", "each with its own", weak_on_several_mutators});
    }
    if constexpr (C::traits.max_mutators > 1 && C::traits.shared_slots) {
      properties.push_back(
          {"weak_races_with_death", "the object whole, or null", weak_races_with_death});
    }
  }
};

}  // namespace churn::conform
