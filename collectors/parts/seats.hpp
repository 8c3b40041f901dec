// What:  a world whose members sit on seats: what a mutator has logged belongs to its seat, stays
//        there when it ends, and is found by whoever stops the world next.
// Why:   a mutator may end, or sleep for long, at any moment of an epoch; its log must neither be
//        lost with it nor be handed over twice.
// Invariants: a seat is used by one member at a time, and the caller sees to that; seats last as
//        long as the world. Members change seats under the world's lock, never while it is stopped.
// Cost:  as the world's attach and detach.
// Thread-safety: attach and detach by the member's thread; for_each_seat by whoever has stopped the
//        world. `Policy` is the world's.
#pragma once

#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/world.hpp"

namespace churn::collectors {

// Member has a `seat`, Seat has its `member`, or null, and `known`, which is false at first.
template <class Policy, class Member, class Seat>
class SeatedWorldOf : public WorldOf<Policy> {
  using World = WorldOf<Policy>;

 public:
  // A thread of the heap's own has no seat.
  using World::attach;
  using World::detach;

  void attach(Member& member, Seat& seat) {
    World::attach(member, [&] {
      if (!seat.known) seats_.push(&seat);
      seat.known = true;
      seat.member = &member;
      member.seat = &seat;
    });
  }
  void detach(Member& member) {
    World::detach(member, [&] { member.seat->member = nullptr; });
  }

  // pre: the caller has stopped the world, or no member runs
  template <class Visit>
  void for_each_seat(Visit visit) {
    for (Seat* const seat : seats_) visit(*seat);
  }

 private:
  PageBuffer<Seat> seats_;
};

}  // namespace churn::collectors
