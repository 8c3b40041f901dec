// What:  what a stored try shows: each variant's figures, who is in the top group, who is on the
//        front of speed against memory, and one sentence of advice that the intervals license.
// Why:   computed from the store alone, so that a try that was interrupted, and one of last year,
//        say what they can.
// Rules: as in the comparison of any run (results/README.md): a variant that failed once has no
//        figures; ratios are taken within rounds; statements about all variants hold together at
//        95 %. What is ranked is the program's own figure where one was asked for, else wall time.
// Errors: UserError where the store has no such try.
// Cost:  one pass over the try's runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/try/figures.hpp"
#include "results/report/report.hpp"
#include "results/statistics/best.hpp"
#include "results/statistics/estimate.hpp"
#include "results/store/store.hpp"

namespace churn::trial {

struct Contender {
  store::Named name;
  Outcome outcome = Outcome::ok;
  std::string reason;  // of the first failure, with the last lines of output
  std::uint32_t ok_runs = 0, runs = 0;
  std::map<std::string, statistics::Estimate> figures;  // empty unless all runs were ok
  std::optional<statistics::Estimate> ratio;            // to the baseline, of what is ranked
  std::optional<statistics::AgainstBest> to_best, memory_to_best;
  statistics::Standing standing = statistics::Standing::unranked;
  bool on_front = false;
  std::string dominated_by;  // empty where on_front
  // Of the run whose time is the median one: ns since its start, bytes.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> time_line;

  bool ok() const noexcept { return runs > 0 && outcome == Outcome::ok; }
};

struct Findings {
  store::Run run;
  store::Machine machine;
  std::string line, op;   // the command, and what one run of it is
  std::string ranked_by;  // name of a figure
  double worth = 0.02;
  std::uint32_t rounds = 0;           // that the ranked ones have in common, at least
  std::vector<Contender> contenders;  // by what is ranked, then those that failed
  std::string baseline;               // spelled
  std::string verdict;                // who is in the top group, in words
  std::string front;                  // in words; empty: not known
  std::string advice;
  std::uint32_t failed = 0;
};

struct Question {
  double worth = 0.02;  // smaller differences are worth no word
  By by = By::own;
};

// run_id 0: the newest try.
Findings findings_of(store::Store& store, std::int64_t run_id, Question const& question = {});

// "wall", "cpu" or "memory". Throws UserError.
By parse_by(std::string const& text);

// One sentence or two. pre: all but `advice` is known
std::string advice_of(Findings const& findings);

std::string to_terminal(Findings const& findings, report::TerminalStyle style);
std::string to_json(Findings const& findings);

}  // namespace churn::trial
