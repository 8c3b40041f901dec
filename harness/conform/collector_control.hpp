// What:  properties of control after Python's gc: counts, thresholds, statistics, freezing, the
//        garbage list, callbacks; and of counting: what reference_count says.
// Why:   these are promises in words that programmers know; each is asked for the way they are
//        taught, with a two-object cycle and a handful of locals.
// Note:  Python's sys.getrefcount says one more than reference_count, since its own argument is a
//        reference too.
#pragma once

#include "harness/conform/collector_subject.hpp"

namespace churn::conform {

template <Collector C>
struct CountProperties {
  using M = typename C::Mutator;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  static void references_are_counted() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<3> frame(hand.m);
    auto const count = [&] { return hand.m.reference_count(frame[0].get()); };
    hand.allocate(frame[0], 0);
    expect_equal(count(), 1, "references to a new object");
    hand.m.set(frame[1], frame[0].get());
    expect_equal(count(), 2, "references after a second name");
    hand.m.clear(frame[1]);
    expect_equal(count(), 1, "references after that name is gone");
    hand.allocate(frame[2], 1);
    hand.m.write(frame[2].get(), 0, frame[0].get());
    hand.m.write(frame[2].get(), 1, frame[0].get());
    expect_equal(count(), 3, "references with two slots");
    hand.m.take(frame[1], frame[2].get(), 0);
    expect_equal(count(), 3, "references after a move");
    hand.m.clear(frame[2]);
    expect_equal(count(), 2, "references after their holder has died");
  }

  static void list(Properties& properties) {
    properties.push_back(
        {"references_are_counted", "slots and locals, moves not", references_are_counted});
  }
};

template <Collector C>
struct ControlProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;
  using Rows = std::array<GenerationStats, generations>;

  static void drop_rings(Hand<C>& hand, std::uint64_t rings, std::uint64_t nodes = 2) {
    for (std::uint64_t i = 0; i < rings; ++i) {
      Frame<1> frame(hand.m);
      hand.build_ring(frame[0], nodes);
    }
  }
  // With nothing left of what came before.
  static void settle(M& m) {
    m.disable();
    m.collect(full);
    m.collect(full);
  }

  static void collect_counts_what_it_finds() {
    Subject<C> subject;
    M& m = subject.hand->m;
    settle(m);
    Rows const before = m.get_stats();
    drop_rings(*subject.hand, 3);
    expect_equal(m.collect(1), 6, "collect(1)");
    expect_equal(m.collect(full), 0, "collect(2) after it");
    Rows const after = m.get_stats();
    for (std::uint32_t g = 0; g < generations; ++g) {
      expect_equal(after[g].collections - before[g].collections, g == 0 ? 0 : 1,
                   "collections in a row of get_stats");
      expect_equal(after[g].collected - before[g].collected, g == 1 ? 6 : 0,
                   "collected in a row of get_stats");
      expect_equal(after[g].uncollectable, before[g].uncollectable, "uncollectable");
    }
  }

  static void disabled_means_by_hand() {
    Subject<C> subject;
    M& m = subject.hand->m;
    expect(m.is_enabled(), "a new heap does not collect by itself");
    settle(m);
    expect(!m.is_enabled(), "it is enabled though it was disabled");
    Rows const before = m.get_stats();
    drop_rings(*subject.hand, 5000);
    expect(m.get_stats() == before, "a disabled heap has collected");
    expect(m.get_count()[0] >= 10000, "get_count does not count what was allocated");
    expect_equal(m.collect(full), 10000, "collect, while disabled");
    m.enable();
    expect(m.is_enabled(), "it is disabled though it was enabled");
    drop_rings(*subject.hand, 5000);
    m.safepoint();
    expect(m.get_stats()[0].collections > before[0].collections,
           "an enabled heap does not collect");
  }

  static void thresholds_trigger() {
    Subject<C> subject;
    M& m = subject.hand->m;
    settle(m);
    m.set_threshold({50, 2, 5});
    expect(m.get_threshold() == PerGeneration{50, 2, 5}, "get_threshold gives something else");
    Rows const before = m.get_stats();
    m.enable();
    drop_rings(*subject.hand, 500);
    std::uint64_t const young = m.get_stats()[0].collections - before[0].collections;
    std::uint64_t const middle = m.get_stats()[1].collections - before[1].collections;
    expect(young >= 10 && young <= 20, "1000 objects at a threshold of 50: not about 14 and 6");
    expect(middle >= 4 && middle <= 8, "one in three collections is not of generation 1");
    m.set_threshold({0, 2, 5});
    Rows const off = m.get_stats();
    drop_rings(*subject.hand, 500);
    m.safepoint();
    expect(m.get_stats() == off, "a threshold of 0 does not switch collections off");
  }

  static void the_frozen_are_left_alone() {
    Subject<C> subject;
    M& m = subject.hand->m;
    settle(m);
    std::uint64_t const frozen_before = m.get_freeze_count();
    drop_rings(*subject.hand, 2);
    m.freeze();
    expect_equal(m.get_freeze_count() - frozen_before, 4, "frozen objects");
    expect_equal(m.collect(full), 0, "collect finds frozen garbage");
    drop_rings(*subject.hand, 1);
    expect_equal(m.collect(full), 2, "collect beside frozen garbage");
    m.unfreeze();
    expect_equal(m.get_freeze_count(), 0, "frozen objects after unfreeze");
    expect_equal(m.collect(full), 4, "collect after unfreeze");
  }

  static void what_is_saved_can_be_looked_at() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    settle(m);
    Rows const before = m.get_stats();
    m.save_all(true);
    drop_rings(hand, 1);
    expect_equal(m.collect(full), 2, "collect with save_all");
    expect_equal(m.garbage_size(), 2, "objects on the garbage list");
    expect_equal(m.get_stats()[full].uncollectable, before[full].uncollectable, "uncollectable");
    {
      Frame<1> frame(m);
      m.garbage(frame[0], 0);
      expect(m.read(m.read(frame[0].get(), 0), 0) == frame[0].get(), "saved garbage is no ring");
    }
    expect_equal(m.collect(full), 0, "collect while the list keeps it");
    m.clear_garbage();
    expect_equal(m.garbage_size(), 0, "objects on the cleared list");
    expect_equal(m.collect(full), 2, "collect after the list was cleared");
    m.save_all(false);
    m.clear_garbage();
    expect_equal(m.collect(full), 2, "collect without save_all");
    subject.expect_present(0, 2, 0);
  }

  static void callbacks_hear_both_ends() {
    Subject<C> subject;
    M& m = subject.hand->m;
    settle(m);
    std::vector<CollectionEvent> heard;
    m.on_collection({&heard, [](void* context, CollectionEvent const& event) {
                       static_cast<std::vector<CollectionEvent>*>(context)->push_back(event);
                     }});
    drop_rings(*subject.hand, 2);
    m.collect(1);
    m.on_collection({});
    m.collect(full);
    expect_equal(heard.size(), 2, "events of one collection");
    expect(!heard[0].stops && heard[1].stops, "they come in another order than start, stop");
    expect_equal(heard[0].generation, 1, "generation at the start");
    expect_equal(heard[1].generation, 1, "generation at the stop");
    expect_equal(heard[0].collected, 0, "collected at the start");
    expect_equal(heard[1].collected, 4, "collected at the stop");
  }

  static void atoms_are_not_tracked() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    settle(hand.m);
    Frame<2> frame(hand.m);
    std::uint64_t const before = hand.m.get_count()[0];
    hand.allocate(frame[0], Shape{0, 16}, 1);
    expect_equal(hand.m.get_count()[0], before, "get_count with one more atom");
    expect(!hand.m.is_tracked(frame[0].get()), "an object without slots is tracked");
    hand.allocate(frame[1], node, 2);
    expect_equal(hand.m.get_count()[0], before + 1, "get_count with one more node");
    expect(hand.m.is_tracked(frame[1].get()), "an object with slots is not tracked");
    expect(hand.m.size_of(frame[1].get()) >= requested_bytes(node), "size_of is too small");
    expect(hand.m.size_of(frame[1].get()) > hand.m.size_of(frame[0].get()),
           "size_of does not grow with the object");
  }

  static void list(Properties& properties) {
    properties.insert(
        properties.end(),
        {{"collect_counts_what_it_finds", "in the row of its generation",
          collect_counts_what_it_finds},
         {"disabled_means_by_hand", "and collect works still", disabled_means_by_hand},
         {"thresholds_trigger", "at about the promised counts; 0 is never", thresholds_trigger},
         {"the_frozen_are_left_alone", "until unfreeze", the_frozen_are_left_alone},
         {"what_is_saved_can_be_looked_at", "and goes when the list is cleared",
          what_is_saved_can_be_looked_at},
         {"callbacks_hear_both_ends", "with generation and result", callbacks_hear_both_ends},
         {"atoms_are_not_tracked", "nor counted", atoms_are_not_tracked}});
  }
};

// In place: hooks run inside the collection or the drop.
template <Collector C>
struct InPlaceProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  struct Log {
    std::vector<std::uint64_t> finalized, weak_died;
    typename M::Local* keep = nullptr;  // where the next one that dies is kept
  };
  static DeathHooks<M> hooks(Log& log) {
    return {&log,
            [](void* context, M& m, Ref object, std::uint64_t tag) {
              auto& log = *static_cast<Log*>(context);
              log.finalized.push_back(tag);
              if (log.keep != nullptr) m.set(*std::exchange(log.keep, nullptr), object);
            },
            [](void* context, M&, Ref, std::uint64_t tag) {
              static_cast<Log*>(context)->weak_died.push_back(tag);
            }};
  }
  using Tags = std::vector<std::uint64_t>;

  static void a_drop_finalizes_at_once() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Log log;
    hand.m.on_death(hooks(log));
    Frame<2> frame(hand.m);
    hand.allocate(frame[0], 1);
    hand.m.watch(frame[0].get(), 11);
    hand.m.clear(frame[0]);
    expect(log.finalized == Tags{11}, "a drop has not run the finalizer");
    hand.allocate(frame[0], 2);
    hand.m.watch(frame[0].get(), 22);
    log.keep = &frame[1];
    hand.m.clear(frame[0]);
    expect(log.finalized == Tags({11, 22}), "a drop has not run the second finalizer");
    hand.expect_intact(frame[1].get(), 2);
    hand.m.clear(frame[1]);
    expect(log.finalized == Tags({11, 22}), "a finalizer has run twice");
    subject.expect_present(0, 0, 2);
    hand.m.on_death({});
  }

  static void a_cycle_waits_for_collect() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Log log;
    hand.m.disable();
    hand.m.on_death(hooks(log));
    {
      Frame<2> frame(hand.m);
      for (std::uint64_t i = 0; i < 2; ++i) {
        hand.allocate(frame[i], i);
        hand.m.watch(frame[i].get(), 70 + i);
      }
      hand.m.write(frame[0].get(), 0, frame[1].get());
      hand.m.write(frame[1].get(), 0, frame[0].get());
    }
    expect(log.finalized.empty(), "finalizers have run though a cycle keeps its objects");
    expect_equal(hand.m.collect(full), 2, "collect");
    expect(log.finalized == Tags({70, 71}), "finalizers ran not at all or in another order");
    hand.m.on_death({});
  }

  static void one_that_stays_saves_its_ring() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Log log;
    Frame<1> kept(hand.m);
    hand.m.disable();
    hand.m.on_death(hooks(log));
    {
      Frame<1> frame(hand.m);
      hand.build_ring(frame[0], 3, 5);
      hand.m.watch(frame[0].get(), 5);
    }
    log.keep = &kept[0];
    expect_equal(hand.m.collect(full), 0, "collect, of a ring that is saved");
    expect(hand.expect_path(kept[0].get(), 3, 5) == kept[0].get(), "a saved ring is open");
    hand.m.clear(kept[0]);
    expect_equal(hand.m.collect(full), 3, "collect, of the ring that was saved once");
    expect(log.finalized == Tags{5}, "a finalizer has run twice");
    hand.m.on_death({});
  }

  static void weak_objects_report() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Log log;
    hand.m.disable();
    hand.m.on_death(hooks(log));
    Frame<3> frame(hand.m);
    hand.allocate(frame[0], 1);
    hand.m.allocate_weak(frame[1], frame[0].get(), 31);
    expect(hand.m.referent(frame[2], frame[1].get()), "a weak object has lost what lives");
    expect(frame[2].get() == frame[0].get(), "a weak object gives another object");
    hand.m.clear(frame[2]);
    hand.m.clear(frame[0]);
    expect(log.weak_died == Tags{31}, "a drop has not run the callback");
    expect(!hand.m.referent(frame[2], frame[1].get()), "a weak object gives what is dead");
    // In a ring: the weak object outside hears of it, the one inside dies with it.
    hand.build_ring(frame[0], 2);
    hand.m.allocate_weak(frame[1], frame[0].get(), 32);
    hand.m.allocate_weak(frame[2], frame[0].get(), 33);
    hand.m.write(frame[0].get(), 1, std::move(frame[2]));
    hand.m.clear(frame[0]);
    hand.m.collect(full);
    expect(log.weak_died == Tags({31, 32}), "not exactly the live weak object's callback has run");
    hand.m.on_death({});
  }

  static void list(Properties& properties) {
    properties.insert(
        properties.end(),
        {{"a_drop_finalizes_at_once", "and what it keeps lives", a_drop_finalizes_at_once},
         {"a_cycle_waits_for_collect", "then both, in order of creation",
          a_cycle_waits_for_collect},
         {"one_that_stays_saves_its_ring", "and is not finalized again",
          one_that_stays_saves_its_ring},
         {"weak_objects_report", "unless they die together", weak_objects_report}});
  }
};

}  // namespace churn::conform
