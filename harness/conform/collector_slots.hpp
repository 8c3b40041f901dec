// What:  properties of objects, slots and locals as one thread sees them: what each operation of
//        the mutator leaves behind, the odd cases (to itself, the value already there) included.
// Why:   workloads rely on every line of the contract; most wrong counts start in an odd case.
#pragma once

#include <array>

#include "harness/conform/collector_subject.hpp"

namespace churn::conform {

template <Collector C>
struct SlotProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  using Local = typename M::Local;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  static void allocate_gives_zeroes() {
    Subject<C> subject;
    M& m = subject.hand->m;
    // Twice, so that cells which were used and freed come round again.
    for (int round = 0; round < 2; ++round) {
      Frame<1> frame(m);
      for (Shape const shape : {Shape{0, 0},
                                {1, 0},
                                {0, 1},
                                {0, 8},
                                {3, 13},
                                {2, 16},
                                {64, 520},
                                {0, 4096},
                                {5000, 100'000}}) {
        m.allocate(frame[0], shape);
        Ref const object = frame[0].get();
        for (std::uint32_t i = 0; i < shape.slots; ++i) {
          expect(m.read(object, i) == Ref{}, "a slot of a new object is not null");
        }
        std::byte* const payload = m.payload(object, shape);
        expect(reinterpret_cast<std::uintptr_t>(payload) % 8 == 0, "a payload is not aligned to 8");
        for (std::uint32_t i = 0; i < shape.payload_bytes; ++i) {
          expect(payload[i] == std::byte{0}, "the payload of a new object is not zeroed");
        }
        std::memset(payload, 0xff, shape.payload_bytes);
        for (std::uint32_t i = 0; i < shape.slots; ++i) m.write_new(object, i, object);
        for (std::uint32_t i = 0; i < shape.slots; ++i) m.write(object, i, Ref{});
        if constexpr (Releases<M>) m.release(object, shape);
        m.clear(frame[0]);
      }
    }
    if constexpr (!Releases<M>) subject.expect_present(0, 0, 2 * 9);
  }

  static void new_locals_are_null() {
    Subject<C> subject;
    M& m = subject.hand->m;
    for (int round = 0; round < 2; ++round) {  // the second frame lies where the first one lay
      Frame<4> frame(m);
      typename M::Root root(m);
      typename M::Global global(subject.heap);
      for (int i = 0; i < 4; ++i)
        expect(frame[i].get() == Ref{}, "a local of a new frame is not null");
      expect((*root).get() == Ref{}, "a new root is not null");
      expect((*global).get() == Ref{}, "a new global is not null");
      for (int i = 0; i < 4; ++i) subject.hand->allocate(frame[i], 1);
    }
    subject.expect_present(0, 0, 8);
  }

  static void neighbours_do_not_overlap() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<2> frame(hand.m);
    std::array<Shape, 6> const shapes{{{0, 8}, {1, 24}, {2, 40}, {3, 120}, {7, 500}, {0, 3000}}};
    for (std::uint64_t i = 0; i < 600; ++i) {  // slot 0 links, slot 1 holds
      hand.allocate(frame[1], {2, 0}, 0);
      hand.m.write_new(frame[1].get(), 0, std::move(frame[0]));
      hand.m.move(frame[0], frame[1]);
      hand.allocate(frame[1], shapes[i % shapes.size()], i);
      hand.m.write(frame[0].get(), 1, std::move(frame[1]));
    }
    Ref link = frame[0].get();
    for (std::uint64_t i = 600; i-- > 0; link = hand.m.read(link, 0)) {
      hand.expect_intact(hand.m.read(link, 1), shapes[i % shapes.size()], i);
    }
    expect(link == Ref{}, "the list does not end where it should");
    subject.expect_present(1200, 0, 0);
  }

  static void allocate_drops_the_old_value_after() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<1> frame(hand.m);
    for (std::uint64_t i = 0; i < 100; ++i) hand.allocate(frame[0], i);
    hand.expect_intact(frame[0].get(), 99);
    subject.expect_present(1, 0, 99);
  }

  static void write_keeps_new_and_drops_old() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<3> frame(m);
    hand.allocate(frame[0], 0);
    hand.allocate(frame[1], 1);
    hand.allocate(frame[2], 2);
    m.write(frame[0].get(), 0, frame[1].get());
    m.write(frame[0].get(), 1, frame[1].get());
    expect(m.read(frame[0].get(), 0) == frame[1].get(), "a slot does not read what was written");
    m.clear(frame[1]);
    subject.expect_present(3, 0, 0);
    hand.expect_intact(m.read(frame[0].get(), 0), 1);
    m.write(frame[0].get(), 0, frame[2].get());
    subject.expect_present(3, 0, 0);
    hand.expect_intact(m.read(frame[0].get(), 1), 1);
    m.write(frame[0].get(), 1, m.read(frame[0].get(), 0));
    subject.expect_present(2, 0, 1);
    m.write(frame[0].get(), 0, Ref{});
    m.write(frame[0].get(), 1, Ref{});
    m.clear(frame[2]);
    subject.expect_present(1, 0, 2);
  }

  static void write_of_the_value_already_there() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    hand.allocate(frame[0], 0);
    hand.allocate(frame[1], 1);
    m.write(frame[0].get(), 0, std::move(frame[1]));
    expect(frame[1].get() == Ref{}, "a local that was moved into a slot is not null");
    for (int i = 0; i < 10; ++i) m.write(frame[0].get(), 0, m.read(frame[0].get(), 0));
    m.set(frame[1], m.read(frame[0].get(), 0));
    m.write(frame[0].get(), 0, std::move(frame[1]));
    subject.expect_present(2, 0, 0);
    hand.expect_intact(m.read(frame[0].get(), 0), 1);
    m.write(frame[0].get(), 0, Ref{});
    subject.expect_present(1, 0, 1);
  }

  static void write_of_what_only_the_old_value_keeps() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<1> frame(m);
    hand.build_list(frame[0], 100);
    for (std::uint64_t i = 0; i < 98; ++i) {  // unlink the second: its successor hangs on it alone
      Ref const head = frame[0].get();
      m.write(head, 0, m.read(m.read(head, 0), 0));
      hand.expect_intact(m.read(frame[0].get(), 0), i + 2);
    }
    subject.expect_present(2, 0, 98);
  }

  static void write_into_itself() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<1> frame(m);
    hand.allocate(frame[0], 7);
    m.write(frame[0].get(), 0, frame[0].get());
    m.write(frame[0].get(), 1, frame[0].get());
    m.write(frame[0].get(), 1, Ref{});
    subject.expect_present(1, 0, 0);
    hand.expect_intact(m.read(frame[0].get(), 0), 7);
    m.write(frame[0].get(), 0, Ref{});
    m.clear(frame[0]);
    subject.expect_present(0, 0, 1);
  }

  static void move_of_a_local_into_its_own_slot() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    hand.allocate(frame[0], 0);
    m.set(frame[1], frame[0].get());
    m.write(frame[0].get(), 1, std::move(frame[0]));
    expect(frame[0].get() == Ref{}, "a local that was moved into its own slot is not null");
    expect(m.read(frame[1].get(), 1) == frame[1].get(), "the object does not refer to itself");
    subject.expect_present(1, 0, 0);
    m.clear(frame[1]);
    subject.expect_present(0, 1, 0);
    hand.allocate(frame[0], 1);
    m.write_new(frame[0].get(), 0, std::move(frame[0]));
    subject.expect_present(0, 2, 0);
  }

  static void write_new_initialises() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<3> frame(m);
    hand.allocate(frame[0], 0);
    hand.allocate(frame[1], 1);
    hand.allocate(frame[2], 2);
    m.write_new(frame[2].get(), 0, frame[0].get());
    m.write_new(frame[2].get(), 1, std::move(frame[1]));
    expect(frame[1].get() == Ref{}, "a local that was moved by write_new is not null");
    m.clear(frame[0]);
    subject.expect_present(3, 0, 0);
    hand.expect_intact(m.read(frame[2].get(), 0), 0);
    hand.expect_intact(m.read(frame[2].get(), 1), 1);
    hand.allocate(frame[0], 3);
    m.write_new(frame[0].get(), 0, Ref{});
    m.write_new(frame[0].get(), 1, std::move(frame[1]));  // null, moved
    m.clear(frame[2]);
    subject.expect_present(1, 0, 3);
  }

  static void take_moves_out() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    hand.build_list(frame[0], 3);
    hand.allocate(frame[1], 10);
    m.take(frame[1], frame[0].get(), 0);  // drops 10
    expect(m.read(frame[0].get(), 0) == Ref{}, "a slot is not null after take");
    hand.expect_path(frame[1].get(), 2, 1);
    subject.expect_present(3, 0, 1);
    m.take(frame[1], frame[1].get(), 0);  // drops 1, which the slot belonged to
    hand.expect_intact(frame[1].get(), 2);
    subject.expect_present(2, 0, 2);
    m.take(frame[1], frame[1].get(), 0);  // a null slot
    expect(frame[1].get() == Ref{}, "take of a null slot left a value");
    subject.expect_present(1, 0, 3);
  }

  static void move_slots_moves_ranges() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    constexpr Shape small{8, 8}, large{16, 8};
    hand.allocate(frame[0], small, 100);
    for (std::uint32_t i = 0; i < 8; ++i) {
      if (i == 5) continue;  // a null among them
      hand.allocate(frame[1], i);
      m.write(frame[0].get(), i, std::move(frame[1]));
    }
    hand.allocate(frame[1], large, 101);
    m.move_slots(frame[1].get(), 4, frame[0].get(), 0, 8);
    m.move_slots(frame[1].get(), 0, frame[1].get(), 8, 4);  // within one object
    m.move_slots(frame[1].get(), 12, frame[0].get(), 0, 0);
    for (std::uint32_t i = 0; i < 8; ++i) {
      expect(m.read(frame[0].get(), i) == Ref{}, "a slot is not null after move_slots");
    }
    subject.expect_present(9, 0, 0);
    for (std::uint32_t i = 0; i < 8; ++i) {
      Ref const moved = m.read(frame[1].get(), i < 4 ? i + 4 : i - 4);
      if (i == 5) expect(moved == Ref{}, "move_slots did not move a null");
      if (i != 5) hand.expect_intact(moved, i);
    }
    for (std::uint32_t i = 8; i < 16; ++i) {
      expect(m.read(frame[1].get(), i) == Ref{}, "move_slots wrote beyond its range");
    }
    m.clear(frame[1]);
    subject.expect_present(1, 0, 8);
  }

  static void set_move_and_clear() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<3> frame(m);
    hand.allocate(frame[0], 0);
    hand.allocate(frame[1], 1);
    m.set(frame[0], frame[0].get());  // to itself
    m.set(frame[2], frame[0].get());
    m.move(frame[0], frame[0]);  // to itself: nothing happens
    hand.expect_intact(frame[0].get(), 0);
    m.clear(frame[2]);
    m.clear(frame[2]);
    subject.expect_present(2, 0, 0);
    m.move(frame[0], frame[1]);  // drops 0
    expect(frame[1].get() == Ref{}, "the source of a move is not null");
    hand.expect_intact(frame[0].get(), 1);
    m.move(frame[1], frame[2]);  // null over null
    m.set(frame[1], frame[0].get());
    m.move(frame[1], frame[0]);  // over the same value
    hand.expect_intact(frame[1].get(), 1);
    subject.expect_present(1, 0, 1);
    m.move(frame[1], frame[0]);  // null over a value
    subject.expect_present(0, 0, 2);
  }

  static void set_to_what_only_the_old_value_keeps() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    Frame<1> frame(hand.m);
    hand.build_list(frame[0], 50);
    for (std::uint64_t i = 0; i < 50; ++i) {
      hand.expect_intact(frame[0].get(), i);
      hand.m.set(frame[0], hand.m.read(frame[0].get(), 0));
    }
    expect(frame[0].get() == Ref{}, "the list does not end where it should");
    subject.expect_present(0, 0, 50);
  }

  static void shared_slots_serve_one_thread() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<3> frame(m);
    hand.build_list(frame[0], 2);
    m.read_shared(frame[1], frame[0].get(), 0);
    hand.expect_intact(frame[1].get(), 1);
    m.read_shared(frame[1], frame[0].get(), 0);  // over the same value
    hand.allocate(frame[2], 2);
    m.exchange_shared(frame[1], frame[0].get(), 0, std::move(frame[2]));
    expect(frame[2].get() == Ref{}, "the new value of an exchange was not moved");
    hand.expect_intact(frame[1].get(), 1);
    hand.expect_intact(m.read(frame[0].get(), 0), 2);
    subject.expect_present(3, 0, 0);
    m.exchange_shared(frame[1], frame[0].get(), 0, std::move(frame[1]));  // swap through one local
    hand.expect_intact(frame[1].get(), 2);
    hand.expect_intact(m.read(frame[0].get(), 0), 1);
    m.exchange_shared(frame[1], frame[0].get(), 0, std::move(frame[2]));  // null in, drops 2
    hand.expect_intact(frame[1].get(), 1);
    m.read_shared(frame[2], frame[0].get(), 0);
    expect(frame[2].get() == Ref{}, "a shared slot is not null after null was exchanged in");
    subject.expect_present(2, 0, 1);
    m.write(frame[0].get(), 0, std::move(frame[1]));
    m.read_shared(frame[0], frame[0].get(), 0);  // drops the object whose slot it reads
    hand.expect_intact(frame[0].get(), 1);
    subject.expect_present(1, 0, 2);
  }

  static void list(Properties& properties) {
    properties.insert(
        properties.end(),
        {{"allocate_gives_zeroes", "slots null, payload zeroed and aligned to 8",
          allocate_gives_zeroes},
         {"new_locals_are_null", "in frames, roots and globals", new_locals_are_null},
         {"neighbours_do_not_overlap", "objects of mixed shapes stay intact",
          neighbours_do_not_overlap},
         {"allocate_drops_the_old_value_after", "of the local", allocate_drops_the_old_value_after},
         {"write_keeps_new_and_drops_old", "full barrier", write_keeps_new_and_drops_old},
         {"write_of_the_value_already_there", "changes nothing", write_of_the_value_already_there},
         {"write_of_what_only_the_old_value_keeps",
          "the new value is kept before the old one drops", write_of_what_only_the_old_value_keeps},
         {"write_into_itself", "an object may refer to itself", write_into_itself},
         {"move_of_a_local_into_its_own_slot", "makes a cycle of one",
          move_of_a_local_into_its_own_slot},
         {"write_new_initialises", "copying and moving", write_new_initialises},
         {"take_moves_out", "slot becomes null, old local drops last", take_moves_out},
         {"move_slots_moves_ranges", "source becomes null", move_slots_moves_ranges},
         {"set_move_and_clear", "of locals, to themselves too", set_move_and_clear},
         {"set_to_what_only_the_old_value_keeps", "walking a list with one local",
          set_to_what_only_the_old_value_keeps},
         {"shared_slots_serve_one_thread", "read_shared and exchange_shared, one mutator",
          shared_slots_serve_one_thread}});
  }
};

}  // namespace churn::conform
