// What:  one word through which two processes take turns: it counts moves; the even ones are the
//        first side's, the odd ones the second's. A side waits for its move and passes it on.
// Why:   strict alternation with one side running at a time meets every state of the machine with
//        both sides alike, and leaves each the same caches: the other's.
// How:   the word lies in memory that both have mapped; a side whose move it is not sleeps on it in
//        the kernel (futex). Nobody spins: the mover is to have the machine to itself.
// When not: for more than two, and where one of them may die: whoever supervises them ends the
//        other one.
// Invariant: a move is passed on by the side whose it is, and by nobody else.
// Cost:  a hand-over is one atomic addition and two system calls, 5 to 50 µs until the other runs.
// Thread-safety: one thread a side. `AtomicRef` and `Sleep` are parameters so that a scheduler can
//        drive the interleaving.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace churn {

// Not std::atomic's wait: that one is private to a process.
struct SleepAcrossProcesses {
  // Returns when woken, or at once if the word is not `seen`; possibly for no reason.
  static void while_it_is(std::uint32_t& word, std::uint32_t seen) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
  }
  static void wake(std::uint32_t& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
};

template <template <class> class AtomicRef, class Sleep>
class TurnWordOf {
 public:
  // `place` is 0 for the side that moves first, 1 for the other.
  TurnWordOf(std::uint32_t& word, std::uint32_t place) noexcept : word_(word), place_(place) {}

  // Returns once it is this side's move.
  void await() noexcept {
    for (;;) {
      // Acquire: pairs with the release in pass; what the other side did comes before.
      std::uint32_t const moves = AtomicRef<std::uint32_t>(word_).load(std::memory_order_acquire);
      if (moves % 2 == place_) return;
      Sleep::while_it_is(word_, moves);
    }
  }
  // pre: it is this side's move. The addition comes first: a sleeper that is woken looks at it.
  void pass() noexcept {
    AtomicRef<std::uint32_t>(word_).fetch_add(1, std::memory_order_release);  // pairs with await
    Sleep::wake(word_);
  }

 private:
  std::uint32_t& word_;
  std::uint32_t const place_;
};

using TurnWord = TurnWordOf<std::atomic_ref, SleepAcrossProcesses>;

// Of one process with `turns` turns: set up, the turns, finish.
constexpr std::uint32_t moves_of_a_side(std::uint32_t turns) noexcept { return turns + 2; }

}  // namespace churn
