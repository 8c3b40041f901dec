#include "harness/gate/judge.hpp"

#include <algorithm>
#include <cmath>

#include "harness/core/check.hpp"
#include "results/statistics/rank_sum.hpp"
#include "results/statistics/replayed_tail.hpp"
#include "results/statistics/sign_test.hpp"

namespace churn::gate {
namespace {

using statistics::Decision;
using statistics::SequentialPlan;
using Values = std::vector<double>;

Values column(Stage const& stage, double Evidence::* field) {
  Values values;
  for (Evidence const& each : stage.pairs) values.push_back(each.*field);
  return values;
}

Finding about_time(Values const& ratios, SequentialPlan const& plan, Rule const& rule,
                   Shown const& shown) {
  Finding finding;
  finding.asked = true;
  finding.course =
      follow(plan, ratios, std::log1p(rule.tolerance), std::log1p(shown.least * rule.detect));
  finding.shift = statistics::shift_of(ratios, rule.confidence);
  return finding;
}

Finding about_modes(Values const& ratios, SequentialPlan const& plan, Rule const& rule) {
  Finding finding;
  finding.asked = true;
  std::span<double const> const all(ratios);
  finding.course =
      follow(plan, ratios.size(),
             [&](std::size_t pairs) {
               return statistics::sign_test_beyond(all.first(pairs), std::log1p(rule.mode_beyond));
             },
             {});
  return finding;
}

using Bytes = std::optional<double> Evidence::*;

// Both sides' bytes, the candidate's divided by what is tolerated, the baseline's multiplied by
// what must be found. Not asked where a pair has none, or one with less than `least`.
Finding about_memory(Stage const& stage, SequentialPlan const& plan, Rule const& rule,
                     Question question, Bytes baseline_bytes, Bytes candidate_bytes, double least) {
  Bounds const bounds = bounds_of(question, rule);
  Values baseline, candidate, lessened, raised, ratios;
  for (Evidence const& each : stage.pairs) {
    auto const &before = each.*baseline_bytes, &after = each.*candidate_bytes;
    if (!before || !after || *before <= 0 || *after <= 0) return {};
    if (std::max(*before, *after) < least) return {};
    baseline.push_back(*before);
    candidate.push_back(*after);
    lessened.push_back(*after / (1 + bounds.tolerance));
    raised.push_back(*before * (1 + bounds.detect));
    ratios.push_back(std::log(*after / *before));
  }
  Finding finding;
  finding.asked = true;
  auto const first = [](Values const& values, std::size_t pairs) {
    return std::span<double const>(values).first(pairs);
  };
  std::size_t const most = std::min(ratios.size(), statistics::most_rank_sum_values / 2);
  finding.course = follow(
      plan, most,
      [&](std::size_t n) {
        return statistics::rank_sum_above(first(lessened, n), first(baseline, n));
      },
      [&](std::size_t n) {
        return statistics::rank_sum_above(first(raised, n), first(candidate, n));
      });
  finding.shift = statistics::shift_of(ratios, rule.confidence);
  return finding;
}

// Pairs that did other work, before they became shorter, have other batches.
std::vector<statistics::BatchPair> batches_of(Stage const& stage) {
  std::vector<statistics::BatchPair> result;
  std::size_t const count = stage.pairs.back().baseline_batches.size();
  for (Evidence const& each : stage.pairs) {
    bool const fits =
        each.baseline_batches.size() == count && each.candidate_batches.size() == count;
    if (fits) result.push_back({&each.baseline_batches, &each.candidate_batches});
  }
  return result;
}

Finding about_tail(Stage const& stage, SequentialPlan const& plan, Rule const& rule) {
  if (rule.tails == 0 || stage.pairs.back().baseline_batches.empty()) return {};
  std::vector<statistics::BatchPair> const batches = batches_of(stage);
  std::span<statistics::BatchPair const> const all(batches);
  Bounds const bounds = bounds_of(Question::tail, rule);
  // The draws are part of the rule: replayed they give the same p.
  Random const random(batches.size());
  Finding finding;
  finding.asked = true;
  auto const test = [&](double share, bool above) {
    return [&, share, above](std::size_t pairs) {
      return statistics::replayed_tail_p(all.first(pairs), std::log1p(share), above, random);
    };
  };
  finding.course =
      follow(plan, all.size(), test(bounds.tolerance, true), test(bounds.detect, false));
  finding.shift = statistics::replayed_tail_shift(all, rule.confidence, random);
  return finding;
}

bool is_cost(Question question) { return question != Question::slow_mode; }

}  // namespace

Bounds bounds_of(Question question, Rule const& rule) noexcept {
  switch (question) {
    case Question::peak_memory:
      return {rule.memory_tolerance, rule.memory_detect};
    case Question::blow_up:
    case Question::left_bytes:
      return {rule.growth_tolerance, rule.growth_detect};
    case Question::tail:
      return {rule.tail_tolerance, rule.tail_detect};
    case Question::steady_time:
    case Question::total_time:
    case Question::slow_mode:
      break;
  }
  return {rule.tolerance, rule.detect};
}

SequentialPlan plan_of(Question question, Rule const& rule) {
  switch (question) {
    case Question::slow_mode:
      return rule.mode_plan();
    case Question::steady_time:
    case Question::total_time:
      return rule.time_plan();
    case Question::peak_memory:
    case Question::blow_up:
    case Question::left_bytes:
    case Question::tail:
      break;
  }
  return rule.memory_plan();
}

std::string_view name_of(Question question) noexcept {
  switch (question) {
    case Question::steady_time:
      return "steady_time";
    case Question::total_time:
      return "total_time";
    case Question::peak_memory:
      return "peak_rss_bytes";
    case Question::slow_mode:
      return "slow_mode";
    case Question::blow_up:
      return "blow_up";
    case Question::left_bytes:
      return "rss_after_free_0s_bytes";
    case Question::tail:
      return "batch_p99_ns";
  }
  return "";
}

std::string_view name_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::regression:
      return "regression";
    case Verdict::inconclusive:
      return "inconclusive";
    case Verdict::unmeasured:
      return "unmeasured";
    case Verdict::new_cell:
      return "new";
  }
  return "";
}

void add_to(Stage& stage, Evidence evidence) {
  if (!evidence.failure.empty()) {
    if (stage.failure.empty()) stage.failure = evidence.failure;
  } else if (evidence.void_pair) {
    ++stage.void_pairs;
  } else {
    stage.pairs.push_back(std::move(evidence));
  }
}

bool hopeless(Stage const& stage) noexcept {
  constexpr std::uint64_t few = 15;
  return stage.void_pairs > few && stage.void_pairs > stage.pairs.size();
}

Findings look_at(Stage const& stage, Rule const& rule, std::optional<double> alarm,
                 Response const& response) {
  Findings findings;
  if (stage.pairs.empty()) return findings;
  Values const steady = column(stage, &Evidence::steady), total = column(stage, &Evidence::total);
  bool const single = std::any_of(stage.pairs.begin(), stage.pairs.end(),
                                  [](Evidence const& each) { return each.single; });
  for (std::size_t i = 0; i < questions.size(); ++i) {
    SequentialPlan plan = plan_of(questions[i], rule);
    if (alarm) plan.alarm = *alarm;
    switch (questions[i]) {
      case Question::steady_time:
        if (!single) findings[i] = about_time(steady, plan, rule, response.steady);
        break;
      case Question::total_time:
        findings[i] = about_time(total, plan, rule, response.total);
        break;
      case Question::peak_memory:
        findings[i] = about_memory(stage, plan, rule, questions[i], &Evidence::baseline_peak_bytes,
                                   &Evidence::candidate_peak_bytes, 0);
        break;
      case Question::blow_up:
        findings[i] =
            about_memory(stage, plan, rule, questions[i], &Evidence::baseline_growth_bytes,
                         &Evidence::candidate_growth_bytes, rule.least_growth_bytes);
        break;
      case Question::left_bytes:
        findings[i] = about_memory(stage, plan, rule, questions[i], &Evidence::baseline_left_bytes,
                                   &Evidence::candidate_left_bytes, 0);
        break;
      case Question::tail:
        findings[i] = about_tail(stage, plan, rule);
        break;
      case Question::slow_mode:
        findings[i] = about_modes(single ? total : steady, plan, rule);
        break;
    }
    findings[i].last = findings[i].course.looks == plan.looks.size();
  }
  return findings;
}

bool undecided(Findings const& findings) {
  bool any = false;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (!findings[i].asked || !is_cost(questions[i])) continue;
    if (findings[i].course.decision == Decision::open && !findings[i].last) return true;
    any = true;
  }
  return !any;
}

bool alarming(Findings const& findings) {
  return std::any_of(findings.begin(), findings.end(), [](Finding const& each) {
    return each.asked && each.course.decision == Decision::alarm;
  });
}

std::size_t count_questions(std::size_t measured_cells) noexcept {
  return measured_cells * questions.size();
}

double confirming_alarm(Rule const& rule, std::size_t all_questions) noexcept {
  double const by_family =
      rule.family / (rule.alarm * static_cast<double>(std::max<std::size_t>(all_questions, 1)));
  return std::min(rule.confirm, by_family);
}

Canaries judge_canaries(std::vector<Evidence> const& canaries, Rule const& rule) {
  Canaries result;
  Values ratios;
  for (Evidence const& each : canaries) {
    if (!each.failure.empty() || each.void_pair) continue;
    ratios.push_back(each.single ? each.total : each.steady);
  }
  // A long gate has more than enough; the first ones say it as well.
  ratios.resize(std::min(ratios.size(), statistics::most_signed_rank_pairs));
  result.pairs = ratios.size();
  if (ratios.empty()) return result;
  result.shift = statistics::shift_of(ratios, rule.confidence);
  result.judged = static_cast<double>(ratios.size()) >= rule.least_canaries;
  if (!result.judged) return result;
  double const limit = std::log1p(rule.tolerance), level = rule.canary_alarm / 2;
  result.unfit = statistics::signed_rank_above(ratios, limit) <= level ||
                 statistics::signed_rank_below(ratios, -limit) <= level;
  return result;
}

}  // namespace churn::gate
