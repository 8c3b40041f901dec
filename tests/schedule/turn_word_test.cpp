// Two sides that take turns through one word, in every interleaving: they move in strict
// alternation, never both at once, and nobody sleeps for ever.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harness/conform/collector_child.hpp"
#include "harness/core/turn_word.hpp"
#include "tests/schedule/scheduler.hpp"

namespace churn::schedule {
namespace {

using conform::expect;
using conform::expect_equal;

// The kernel's futex: looking at the word and falling asleep are one step, and only a wake that
// comes after it ends the sleep.
struct ScheduledSleep {
  static inline std::uint64_t wakes = 0;

  static void while_it_is(std::uint32_t& word, std::uint32_t seen) {
    Scheduler::current().before_operation();
    if (word != seen) return;
    Scheduler::current().await([before = wakes] { return wakes != before; });
  }
  static void wake(std::uint32_t&) {
    Scheduler::current().before_operation();
    ++wakes;
  }
};

using Word = TurnWordOf<ScheduledRef, ScheduledSleep>;

// Wakes before it has added: the sleeper looks too early, and is not woken again.
struct WakesTooEarly : Word {
  WakesTooEarly(std::uint32_t& word, std::uint32_t place) : Word(word, place), word(word) {}
  void pass() {
    ScheduledSleep::wake(word);
    ScheduledRef<std::uint32_t>(word).fetch_add(1);
  }
  std::uint32_t& word;
};
// Believes that whoever is woken is on move.
struct LooksOnce : Word {
  LooksOnce(std::uint32_t& word, std::uint32_t place)
      : Word(word, place), word(word), place(place) {}
  void await() {
    std::uint32_t const moves = ScheduledRef<std::uint32_t>(word).load();
    if (moves % 2 != place && moves > 0) ScheduledSleep::while_it_is(word, moves);
  }
  std::uint32_t& word;
  std::uint32_t place;
};

struct Table {
  std::uint32_t word = 0;
  std::string moves;
  int moving = 0;
  bool both = false;
};

template <class AnyWord>
Scheduler::Scenario two_sides(int turns) {
  auto const table = std::make_shared<Table>();
  Scheduler::Scenario scenario;
  for (std::uint32_t place = 0; place < 2; ++place) {
    scenario.threads.push_back([table, place, turns] {
      AnyWord turn(table->word, place);
      for (int i = 0; i < turns; ++i) {
        turn.await();
        table->both = table->both || table->moving++ > 0;
        table->moves += place == 0 ? 'a' : 'b';
        Scheduler::current().before_operation();
        --table->moving;
        turn.pass();
      }
    });
  }
  scenario.check = [table, turns] {
    expect(!table->both, "both sides moved at once");
    std::string wanted;
    for (int i = 0; i < turns; ++i) wanted += "ab";
    expect(table->moves == wanted, table->moves.c_str());
  };
  return scenario;
}

template <class AnyWord>
std::string explore(int turns) {
  try {
    auto const runs = Scheduler::explore([=] { return two_sides<AnyWord>(turns); });
    std::printf("%d turns: %llu schedules\n", turns, static_cast<unsigned long long>(runs));
    return runs > 10 ? "" : "hardly anything was interleaved";
  } catch (conform::Violation const& violation) {
    return violation.text;
  }
}

TEST(TurnWord, one_turn) { EXPECT_EQ(explore<Word>(1), ""); }
TEST(TurnWord, two_turns) { EXPECT_EQ(explore<Word>(2), ""); }

// The real word, with the kernel's futex: what one side has written is what the other reads. The
// thread sanitizer sees here whether passing and awaiting order it.
TEST(TurnWord, hands_over_what_was_written) {
  constexpr std::uint32_t turns = 2000;
  std::uint32_t word = 0;
  std::vector<std::uint32_t> written;  // plain memory
  auto const side = [&](std::uint32_t place) {
    churn::TurnWord turn(word, place);
    for (std::uint32_t i = 0; i < turns; ++i) {
      turn.await();
      written.push_back(2 * i + place);
      turn.pass();
    }
  };
  std::thread second([&] { side(1); });
  side(0);
  second.join();
  ASSERT_EQ(written.size(), 2 * turns);
  for (std::uint32_t i = 0; i < written.size(); ++i) ASSERT_EQ(written[i], i);
}

TEST(Canary, a_wake_that_comes_too_early_is_found) {
  auto const stuck = [] { explore<WakesTooEarly>(2); };
  std::string const failure = conform::run_in_child(stuck, 60).failure();
  EXPECT_NE(failure.find("deadlock"), std::string::npos) << failure;
}

TEST(Canary, moving_without_looking_is_found) {
  EXPECT_NE(explore<LooksOnce>(2).find("schedule "), std::string::npos);
}

}  // namespace
}  // namespace churn::schedule
