// What:  properties of what keeps objects alive from outside the heap: frames, roots, globals.
// Why:   roots of any lifetime are the easiest thing to lose: a list unlinked in the wrong order, a
//        frame that lies where a former one lay, a global that outlives the mutator that filled it.
#pragma once

#include <memory>

#include "harness/conform/collector_subject.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

template <Collector C>
struct RootProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  static void nest(Subject<C>& subject, std::uint64_t depth) {
    auto& hand = *subject.hand;
    Frame<2> frame(hand.m);
    hand.allocate(frame[0], depth);
    if (depth % 3 == 0) hand.build_list(frame[1], 3, 1000 * depth);
    if (depth < 40) nest(subject, depth + 1);
    if (depth % 8 == 0) hand.m.collect(full);
    hand.expect_intact(frame[0].get(), depth);
    if (depth % 3 == 0) hand.expect_path(frame[1].get(), 3, 1000 * depth);
  }
  static void frames_nest() {
    Subject<C> subject;
    for (int round = 0; round < 3; ++round) nest(subject, 0);
    subject.expect_present(0, 0, 3 * (41 + 3 * 14));
  }

  static void frames_of_any_size() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<64> wide(hand.m);
    for (std::uint64_t i = 0; i < 64; ++i) hand.allocate(wide[i], i);
    {
      Frame<1> narrow(hand.m);
      hand.m.set(narrow[0], wide[63].get());
      for (std::uint64_t i = 1; i < 64; i += 2) hand.m.clear(wide[i]);
      subject.expect_present(33, 0, 31);
      hand.expect_intact(narrow[0].get(), 63);
    }
    subject.expect_present(32, 0, 32);
    for (std::uint64_t i = 0; i < 64; i += 2) hand.expect_intact(wide[i].get(), i);
  }

  static void roots_die_in_any_order() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Random random(11);
    std::vector<std::unique_ptr<typename M::Root>> roots;
    std::vector<std::uint64_t> identities;
    for (std::uint64_t made = 0; made < 400; ++made) {
      roots.push_back(std::make_unique<typename M::Root>(hand.m));
      identities.push_back(made);
      hand.allocate(**roots.back(), made);
      if (roots.size() < 20) continue;
      std::size_t const victim = random.below(roots.size());
      roots.erase(roots.begin() + static_cast<std::ptrdiff_t>(victim));
      identities.erase(identities.begin() + static_cast<std::ptrdiff_t>(victim));
      if (made % 50 == 0) hand.m.collect(full);
    }
    subject.expect_present(roots.size(), 0, 400 - roots.size());
    for (std::size_t i = 0; i < roots.size(); ++i) {
      hand.expect_intact((**roots[i]).get(), identities[i]);
    }
    roots.clear();
    subject.expect_present(0, 0, 400);
  }

  static void globals_outlive_mutators() {
    Subject<C> subject;
    auto global = std::make_unique<typename M::Global>(subject.heap);
    auto other = std::make_unique<typename M::Global>(subject.heap);
    subject.hand->build_list(**global, 10);
    subject.hand->m.set(**other, subject.hand->m.read((**global).get(), 0));
    subject.replace_hand();
    global.reset();
    subject.expect_present(9, 0, 1);
    subject.hand->expect_path((**other).get(), 9, 1);
    other.reset();
    subject.expect_present(0, 0, 10);
  }

  static void mutators_follow_each_other() {
    Subject<C> subject;
    typename M::Global global(subject.heap);
    subject.hand->allocate(*global, 0);
    std::uint64_t expected = 1;
    for (std::uint64_t i = 1; i <= 20; ++i) {
      // The global keeps what the former mutator made; the new mutator extends it.
      subject.replace_hand();
      Frame<1> frame(subject.hand->m);
      subject.hand->allocate(frame[0], i);
      subject.hand->m.write_new(frame[0].get(), 0, std::move(*global));
      subject.hand->m.move(*global, frame[0]);
      ++expected;
    }
    subject.expect_present(expected, 0, 0);
    Ref ref = (*global).get();
    for (std::uint64_t i = 21; i-- > 0; ref = subject.hand->m.read(ref, 0)) {
      subject.hand->expect_intact(ref, i);
    }
    subject.expect_allocated();
    subject.hand->m.clear(*global);
    subject.expect_present(0, 0, expected);
  }

  static void list(Properties& properties) {
    properties.insert(
        properties.end(),
        {{"frames_nest", "last in, first out, forty deep", frames_nest},
         {"frames_of_any_size", "from 1 to 64 locals", frames_of_any_size},
         {"roots_die_in_any_order", "roots of random lifetimes", roots_die_in_any_order},
         {"globals_outlive_mutators", "and keep what they name", globals_outlive_mutators},
         {"mutators_follow_each_other", "twenty on one heap, one after the other",
          mutators_follow_each_other}});
  }
};

}  // namespace churn::conform
