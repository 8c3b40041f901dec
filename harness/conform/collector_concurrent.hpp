// What:  properties of collectors that work beside running mutators: what moves about, is held by a
//        local alone, or by a weak reference, while a collection is under way.
// Why:   a barrier that is missing shows only if a reference changes its place after the collection
//        has begun and before it comes by; so here objects never stay where they are, and enough is
//        allocated in between for one collection after the other to begin and to end.
// When not: collectors that stop the world: for them other properties say the same.
// Cost:  some ms each.
#pragma once

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "harness/conform/collector_child.hpp"
#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

template <Collector C>
struct ConcurrentProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  using Local = typename M::Local;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  // Each treasure is in a box, or in one of four hands; boxes hang in a table.
  class Shuffle {
   public:
    Shuffle(Hand<C>& hand, std::uint64_t seed) : hand_(hand), frame_(hand.m), random_(seed) {
      hand_.allocate(frame_[table], Shape{boxes, 0}, 0);
      for (std::uint32_t i = 0; i < boxes; ++i) {
        in_box_[i] = i + 1;
        hand_.allocate(frame_[spare], 0);
        hand_.m.write(frame_[table].get(), i, std::move(frame_[spare]));
        hand_.allocate(frame_[spare], in_box_[i]);
        hand_.m.write(box(i), 0, std::move(frame_[spare]));
      }
    }

    void step() {
      M& m = hand_.m;
      auto const i = static_cast<std::uint32_t>(random_.below(boxes));
      auto const h = static_cast<std::uint32_t>(random_.below(hands));
      if (in_hand_[h] == 0) {
        m.take(frame_[h], box(i), 0);
      } else if (in_box_[i] == 0 || random_.below(2) == 0) {
        m.set(frame_[spare], m.read(box(i), 0));
        m.write(box(i), 0, std::move(frame_[h]));
        m.move(frame_[h], frame_[spare]);
      } else {
        m.exchange_shared(frame_[h], box(i), 0, std::move(frame_[h]));
      }
      std::swap(in_box_[i], in_hand_[h]);
      make_garbage(hand_, frame_[spare], random_.below(20));
      for (std::uint32_t each = 0; each < hands; ++each) {
        if (in_hand_[each] != 0) hand_.expect_intact(frame_[each].get(), in_hand_[each]);
      }
    }
    void expect_all() {
      for (std::uint32_t i = 0; i < boxes; ++i) {
        Ref const treasure = hand_.m.read(box(i), 0);
        expect((treasure == Ref{}) == (in_box_[i] == 0),
               "a box is empty, or full, that must not be");
        if (in_box_[i] != 0) hand_.expect_intact(treasure, in_box_[i]);
      }
    }
    static constexpr std::uint32_t boxes = 64, hands = 4;

   private:
    static constexpr std::uint32_t spare = hands, table = hands + 1;
    Ref box(std::uint32_t index) { return hand_.m.read(frame_[table].get(), index); }

    Hand<C>& hand_;
    Frame<hands + 2> frame_;
    Random random_;
    std::array<std::uint64_t, boxes> in_box_{};
    std::array<std::uint64_t, hands> in_hand_{};
  };

  static void make_garbage(Hand<C>& hand, Local& local, std::uint64_t objects) {
    for (std::uint64_t i = 0; i < objects; ++i) hand.allocate(local, 0);
    hand.m.clear(local);
  }

  static void what_moves_meanwhile_stays() {
    Subject<C> subject;
    Shuffle shuffle(*subject.hand, 31);
    for (int i = 0; i < 5'000; ++i) shuffle.step();
    shuffle.expect_all();
    subject.expect_present(1 + 2 * Shuffle::boxes, 0,
                           subject.hand->allocated_objects - 1 - 2 * Shuffle::boxes);
  }

  static void several_move_at_once() {
    Subject<C> subject;
    subject.together(3, [](Hand<C>& hand, std::uint32_t thread) {
      Shuffle shuffle(hand, 32 + thread);
      for (int i = 0; i < 1'500; ++i) shuffle.step();
      shuffle.expect_all();
    });
    subject.expect_allocated();
  }

  // Mutators come while a collection is under way, and go with what they have changed.
  static void the_short_lived_keep_what_they_move() {
    constexpr std::uint32_t threads = 3, tokens = 24, lives = 150;
    Subject<C> subject;
    typename M::Global global(subject.heap);
    {
      Frame<1> frame(subject.hand->m);
      subject.hand->allocate(*global, Shape{tokens, 0}, 0);
      for (std::uint32_t i = 0; i < tokens; ++i) {
        subject.hand->allocate(frame[0], i);  // a box of one token, which stays where it is
        subject.hand->m.write((*global).get(), i, std::move(frame[0]));
        subject.hand->allocate(frame[0], 1000 + i);
        subject.hand->m.write(subject.hand->m.read((*global).get(), i), 0, std::move(frame[0]));
      }
    }
    subject.on_threads(threads, [&](std::uint32_t thread) {
      Random random = Random::fork(33, thread);
      for (std::uint32_t life = 0; life < lives; ++life) {
        subject.with_hand([&](Hand<C>& hand) {
          Frame<3> frame(hand.m);
          // Boxes of its own: no two threads open the same one.
          std::uint64_t const mine = random.below(tokens / threads) * threads + thread;
          auto const i = static_cast<std::uint32_t>(mine);
          hand.m.read_shared(frame[0], (*global).get(), i);
          hand.m.take(frame[1], frame[0].get(), 0);
          make_garbage(hand, frame[2], random.below(400));
          hand.expect_intact(frame[1].get(), 1000 + mine);
          hand.m.write(frame[0].get(), 0, std::move(frame[1]));
        });
      }
    });
    for (std::uint32_t i = 0; i < tokens; ++i) {
      Ref const box = subject.hand->m.read((*global).get(), i);
      subject.hand->expect_intact(subject.hand->m.read(box, 0), 1000 + i);
    }
    subject.hand->m.clear(*global);
    subject.expect_allocated();
  }

  static std::uint64_t collections(Subject<C>& subject) {
    typename M::Blocked const blocked(subject.hand->m);
    std::this_thread::yield();
    Stats const stats = subject.heap.stats();
    return stats.collections[0] + stats.collections[1] + stats.collections[2];
  }

  // Held by weak references alone when the collection begins, by locals when it ends.
  static void what_is_strengthened_meanwhile_stays() {
    if constexpr (C::traits.weak) {
      constexpr std::size_t n = 16;
      using Weak = typename M::Weak;
      Subject<C> subject;
      auto& hand = *subject.hand;
      Frame<n + 1> frame(hand.m);
      std::vector<std::unique_ptr<Weak>> weak;
      for (std::size_t i = 0; i < n; ++i) weak.push_back(std::make_unique<Weak>(hand.m));
      Random random(34);
      std::uint64_t revived = 0;
      // Each waits for a collection: where others have the cores, minutes under a sanitizer.
      std::uint64_t const rounds = sanitized() ? 100 : 1'000;
      for (std::uint64_t round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < n; ++i) {
          hand.allocate(frame[i], n * round + i);
          hand.m.weaken(*weak[i], frame[i].get());
          hand.m.clear(frame[i]);
        }
        make_garbage(hand, frame[n], random.below(3'000));
        for (std::size_t i = 0; i < n; ++i) {
          if (hand.m.strengthen(frame[i], *weak[i])) ++revived;
        }
        // Until the collection under way has ended, or one that has begun since.
        std::uint64_t const before = collections(subject);
        for (int i = 0; i < 400 && collections(subject) == before; ++i) {
          make_garbage(hand, frame[n], 50);
        }
        for (std::size_t i = 0; i < n; ++i) {
          if (frame[i].get() != Ref{}) hand.expect_intact(frame[i].get(), n * round + i);
        }
      }
      expect(C::traits.counts || revived > 0, "nothing was ever there to be strengthened");
    }
  }

  static void list(Properties& properties) {
    properties.push_back(
        {"what_moves_meanwhile_stays", "from slot to local to slot", what_moves_meanwhile_stays});
    properties.push_back({"what_is_strengthened_meanwhile_stays", "from weak to local",
                          what_is_strengthened_meanwhile_stays});
    if constexpr (C::traits.max_mutators >= 4) {
      properties.push_back({"several_move_at_once", "each its own", several_move_at_once});
      properties.push_back({"the_short_lived_keep_what_they_move", "attached meanwhile",
                            the_short_lived_keep_what_they_move});
    }
  }
};

}  // namespace churn::conform
