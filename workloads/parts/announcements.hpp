// What:  how far each lane of a replay has come with what it hands to others: one counter a lane,
//        which only that lane advances and any lane waits for.
// Why:   who ends a block that another lane made must come after its making, in every pass anew,
//        and neither a lock nor a wake-up call may stand in what is timed.
// How:   an announcement has a number within its pass; the counter holds pass × (announcements of
//        the lane + 1) + number. The end of a pass counts as one, and nobody begins a pass before
//        all have ended the one before: blocks' slots are used anew then.
// Invariant: nobody waits for more than its owner reaches in the same pass.
// Cost:  an announcement is a store, a look a load. A wait spins for about a µs, then yields its
//        core, then sleeps for 20 µs at a time.
// Thread-safety: one thread a lane. `Policy` gives the atomic and what waiting does, so that a
//        scheduler can drive it.
#pragma once

#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <deque>

#include "harness/core/replay_program.hpp"

namespace churn::replay {

struct Spinning {
  template <class T>
  using Atomic = std::atomic<T>;

  static void wait(std::uint32_t looks) noexcept {
    constexpr std::uint32_t spins = 100, yields = 1000;
    if (looks < spins) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else if (looks < spins + yields) {
      sched_yield();
    } else {
      timespec const a_while{0, 20'000};
      nanosleep(&a_while, nullptr);
    }
  }
};

template <class Policy>
class Announcements {
 public:
  // pre: lanes is not more than the array has
  Announcements(Lane const* lanes, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) seats_.emplace_back(lanes[i].announcements + 1);
  }

  // pre: numbers of a lane come in order, from 1
  void announce(std::uint32_t lane, std::uint64_t pass, std::uint32_t number) noexcept {
    Seat& seat = seats_[lane];
    // Release: the block and its slot are seen by who waited (pairs with `await`).
    seat.reached.store(pass * seat.per_pass + number, std::memory_order_release);
  }
  void await(std::uint32_t lane, std::uint64_t pass, std::uint32_t number) const noexcept {
    Seat const& seat = seats_[lane];
    await_count(seat, pass * seat.per_pass + number);
  }
  void begin_pass(std::uint32_t lane, std::uint64_t pass) const noexcept {
    for (std::uint32_t i = 0; i < seats_.size(); ++i) {
      if (i != lane) await_count(seats_[i], pass * seats_[i].per_pass);
    }
  }
  void end_pass(std::uint32_t lane, std::uint64_t pass) noexcept {
    Seat& seat = seats_[lane];
    // Release: pairs with the acquire of whoever begins the next pass.
    seat.reached.store((pass + 1) * seat.per_pass, std::memory_order_release);
  }

 private:
  struct alignas(128) Seat {
    explicit Seat(std::uint64_t count) : per_pass(count) {}
    typename Policy::template Atomic<std::uint64_t> reached{0};
    std::uint64_t const per_pass;
  };

  static void await_count(Seat const& seat, std::uint64_t wanted) noexcept {
    for (std::uint32_t looks = 0; seat.reached.load(std::memory_order_acquire) < wanted; ++looks) {
      Policy::wait(looks);
    }
  }

  std::deque<Seat> seats_;  // of atomics, which do not move
};

}  // namespace churn::replay
