#include "harness/gate/judge.hpp"

#include <algorithm>
#include <cmath>

#include "harness/core/check.hpp"
#include "results/statistics/rank_sum.hpp"
#include "results/statistics/sign_test.hpp"

namespace churn::gate {
namespace {

using statistics::Decision;
using statistics::SequentialPlan;
using Values = std::vector<double>;

SequentialPlan plan_of(Question question, Rule const& rule, std::optional<double> alarm) {
  SequentialPlan plan = question == Question::slow_mode     ? rule.mode_plan()
                        : question == Question::peak_memory ? rule.memory_plan()
                                                            : rule.time_plan();
  if (alarm) plan.alarm = *alarm;
  return plan;
}

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

// Both sides' peaks, the candidate's divided by what is tolerated, the baseline's multiplied by
// what must be found.
Finding about_memory(Stage const& stage, SequentialPlan const& plan, Rule const& rule) {
  Values baseline, candidate, lessened, raised, ratios;
  for (Evidence const& each : stage.pairs) {
    if (!each.baseline_peak_bytes || !each.candidate_peak_bytes) return {};
    if (*each.baseline_peak_bytes <= 0 || *each.candidate_peak_bytes <= 0) return {};
    baseline.push_back(*each.baseline_peak_bytes);
    candidate.push_back(*each.candidate_peak_bytes);
    lessened.push_back(candidate.back() / (1 + rule.memory_tolerance));
    raised.push_back(baseline.back() * (1 + rule.memory_detect));
    ratios.push_back(std::log(candidate.back() / baseline.back()));
  }
  Finding finding;
  finding.asked = true;
  auto const first = [](Values const& values, std::size_t pairs) {
    return std::span<double const>(values).first(pairs);
  };
  finding.course = follow(
      plan, ratios.size(),
      [&](std::size_t n) {
        return statistics::rank_sum_above(first(lessened, n), first(baseline, n));
      },
      [&](std::size_t n) {
        return statistics::rank_sum_above(first(raised, n), first(candidate, n));
      });
  finding.shift = statistics::shift_of(ratios, rule.confidence);
  return finding;
}

bool is_cost(Question question) { return question != Question::slow_mode; }

}  // namespace

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
    SequentialPlan const plan = plan_of(questions[i], rule, alarm);
    switch (questions[i]) {
      case Question::steady_time:
        if (!single) findings[i] = about_time(steady, plan, rule, response.steady);
        break;
      case Question::total_time:
        findings[i] = about_time(total, plan, rule, response.total);
        break;
      case Question::peak_memory:
        findings[i] = about_memory(stage, plan, rule);
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
