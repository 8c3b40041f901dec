// What:  tries a subject under its variants: once as it is, then in rounds, each of which runs
//        every variant once in random order; stores each run as it ends.
// Why:   a machine drifts by more than allocators differ. In a round all met about the same state,
//        and chance decides who meets a slow moment; so variants are compared within rounds.
// First: one run as the program is, which is not counted. It brings files into the page cache,
//        shows how long a round takes, whether the program works at all, and which malloc it has.
// Stops: when every variant is either proven slower than is worth a word or proven to be as good as
//        the best (pace.hpp), when the budget has no room for another round, or after as many
//        rounds as were asked for.
// Keeps: what failed twice is not run again. Every run is one transaction of the store.
// Errors: UserError if the program fails as it is, or if the budget has no room for three rounds:
//        then the message says how much would do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/interrupt.hpp"
#include "harness/try/figures.hpp"
#include "harness/try/subject.hpp"
#include "harness/try/variants.hpp"
#include "results/store/store.hpp"

namespace churn::trial {

inline constexpr char run_kind[] = "try";
inline constexpr std::uint32_t least_rounds = 3, most_rounds = 1000;

struct Wish {
  Subject subject;  // checked
  std::vector<Variant> variants;
  double budget_seconds = 300;
  std::optional<std::uint32_t> rounds;  // exactly so many, whatever the budget is
  std::uint64_t seed = 0;
  double worth = 0.02;  // smaller differences are worth no word
  By by = By::own;      // what decides when it has been measured enough
  std::string command;  // of churn, as typed
  std::string line;     // the subject's, quoted for a shell: what tells tries apart
};

struct Progress {
  std::uint32_t round = 0, done = 0, total = 0;  // runs of this round
  double seconds_left = 0;                       // of the budget, or of the rounds, at most
  std::string variant;
};

struct Listener {
  std::function<void(Progress const&)> show;
  std::function<void(std::string const&)> note;
};

struct Ended {
  std::int64_t run_id = 0;  // 0: interrupted before there was anything to store
  bool interrupted = false;
};

Ended try_out(Wish wish, store::Store& store, run::Interrupt& interrupt, Listener const& listener);

}  // namespace churn::trial
