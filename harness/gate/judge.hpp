// What:  from the evidence of a gate's pairs to its verdicts: looks within a cell, a second opinion
//        on fresh data, Holm's procedure over all cells and questions, and canaries.
// Why:   one pure function of what is stored, so that a verdict can be recomputed, and so that
//        rules can be tested on simulated pairs.
// How:   1. Each question of a cell is followed through its planned looks (sequential.hpp).
//        2. A cell with an alarm is measured again. The p-value of a question is then the first
//           stage's error times the sequential p of the fresh pairs alone: to be wrong, both stages
//           must be, and they share no data.
//        3. Questions without an alarm have p = 1. Holm over all of them, cells and questions.
//        4. Ratio and interval of what was flagged come from the fresh pairs: the first ones were
//           chosen for being high.
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/gate/evidence.hpp"
#include "harness/gate/response.hpp"
#include "harness/gate/rule.hpp"
#include "results/statistics/sequential.hpp"
#include "results/statistics/signed_rank.hpp"

namespace churn::gate {

enum class Question {
  steady_time,
  total_time,
  peak_memory,
  slow_mode,
  blow_up,     // growth since the start line; live bytes are the same on both sides
  left_bytes,  // resident when all was freed
  tail,        // the 99th percentile of batches, replayed
};
inline constexpr std::array questions{
    Question::steady_time, Question::total_time, Question::peak_memory, Question::slow_mode,
    Question::blow_up,     Question::left_bytes, Question::tail};
std::string_view name_of(Question question) noexcept;  // a metric's name: "steady_time"

// What passes and what must be found, as shares.
struct Bounds {
  double tolerance = 0, detect = 0;
};
Bounds bounds_of(Question question, Rule const& rule) noexcept;
statistics::SequentialPlan plan_of(Question question, Rule const& rule);

enum class Verdict { pass, regression, inconclusive, unmeasured, new_cell };
std::string_view name_of(Verdict verdict) noexcept;

// One stage of one cell, over its pairs so far, void ones left out.
struct Stage {
  std::vector<Evidence> pairs;
  std::uint64_t void_pairs = 0;
  std::string failure;  // of the first pair that failed
};

void add_to(Stage& stage, Evidence evidence);
// More than a few pairs were void, and more than were not: it cannot be measured this way.
bool hopeless(Stage const& stage) noexcept;

// A question about a stage.
struct Finding {
  bool asked = false;  // false: there are no numbers for it
  bool last = false;   // all of its looks were taken: more pairs change nothing
  statistics::Course course;
  std::optional<statistics::Shift> shift;  // logarithm; none for modes
};
using Findings = std::array<Finding, questions.size()>;  // in the order of `questions`

// `alarm` takes the place of the rule's errors: on fresh data another one is asked for.
Findings look_at(Stage const& stage, Rule const& rule, std::optional<double> alarm = {},
                 Response const& response = {});

// Whether more pairs can still change something: a question about cost has no answer yet.
bool undecided(Findings const& findings);
bool alarming(Findings const& findings);

// The error at which fresh data must reject, for a gate of so many questions.
double confirming_alarm(Rule const& rule, std::size_t all_questions) noexcept;

struct CellEvidence {
  bool is_new = false;  // the baseline lacks it
  std::string failure;  // why there is no verdict, beside what a stage says
  Stage first, fresh;
  Stage response;  // the baseline against itself, doing more; empty where that is not needed
};

struct Judged {
  Verdict verdict = Verdict::inconclusive;
  std::string reason;  // of unmeasured
  std::uint64_t pairs = 0;
  std::optional<double> ratio, low, high, confidence;
  double p = 1;
  std::optional<double> minimum_detectable_effect;
  std::optional<Shown> shown =
      {};  // where the cell shows only part of a cost; ratios are as measured
};

struct JudgedCell {
  Verdict verdict = Verdict::unmeasured;  // the gravest of its questions
  std::string reason;
  Findings first, fresh;
  Response response;
  std::array<std::optional<Judged>, questions.size()> answers;
};

struct Canaries {
  std::uint64_t pairs = 0;
  bool judged = false, unfit = false;  // judged: there were enough
  std::optional<statistics::Shift> shift;
};

struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  bool failed_cells = false;  // some are unmeasured for their own reason
  std::vector<JudgedCell> cells;
  Canaries canaries;
};

Judgement judge(std::vector<CellEvidence> const& cells, std::vector<Evidence> const& canaries,
                Rule const& rule);
// What a gate of these cells asks in all: the size of Holm's family.
std::size_t count_questions(std::size_t measured_cells) noexcept;

Canaries judge_canaries(std::vector<Evidence> const& canaries, Rule const& rule);

}  // namespace churn::gate
