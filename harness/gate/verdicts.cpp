// The last step of judge.hpp: from what each cell's stages found to verdicts over all of them.
#include <algorithm>
#include <cmath>

#include "harness/gate/judge.hpp"
#include "results/statistics/multiplicity.hpp"
#include "results/statistics/power.hpp"

namespace churn::gate {
namespace {

using statistics::Decision;

bool has_alarm(Finding const& finding) {
  return finding.asked && finding.course.decision == Decision::alarm;
}

double first_error(Question question, Rule const& rule) {
  return question == Question::slow_mode ? rule.mode_alarm : rule.alarm;
}

// Both stages must err for an error of the whole.
double p_of(Question question, Finding const& first, Finding const& fresh, Rule const& rule) {
  if (!has_alarm(first) || !fresh.asked) return 1;
  return std::min(1.0, first_error(question, rule) * std::min(1.0, fresh.course.p_alarm));
}

void show_shift(Judged& judged, Finding const& finding, Question question, Rule const& rule) {
  if (!finding.shift) return;
  statistics::Shift const& shift = *finding.shift;
  judged.ratio = std::exp(shift.estimate);
  judged.low = std::exp(shift.low);
  judged.high = std::exp(shift.high);
  judged.confidence = shift.confidence;
  auto const plan = plan_of(question, rule);
  double const shows = judged.shown ? judged.shown->estimate : 1;
  double const least =
      statistics::minimum_detectable_shift(shift, std::log1p(bounds_of(question, rule).tolerance),
                                           plan.alarm * plan.looks.back().share, rule.power);
  if (std::isfinite(least) && shows > 0) {
    judged.minimum_detectable_effect = std::expm1(least) / shows;
  }
}

std::optional<Shown> shown_in(Question question, Response const& response) {
  if (!response.measured) return std::nullopt;
  if (question == Question::steady_time) return response.steady;
  if (question == Question::total_time) return response.total;
  return std::nullopt;
}

Verdict verdict_of(Finding const& first, Finding const& fresh, double adjusted_p, double confirming,
                   Rule const& rule) {
  if (!has_alarm(first)) {
    return first.course.decision == Decision::pass ? Verdict::pass : Verdict::inconclusive;
  }
  if (!fresh.asked) return Verdict::inconclusive;
  if (adjusted_p <= rule.family && fresh.course.p_alarm <= confirming) return Verdict::regression;
  return fresh.course.decision == Decision::pass ? Verdict::pass : Verdict::inconclusive;
}

int gravity(Verdict verdict) {
  switch (verdict) {
    case Verdict::new_cell:
      return 0;
    case Verdict::pass:
      return 1;
    case Verdict::inconclusive:
      return 2;
    case Verdict::unmeasured:
      return 3;
    case Verdict::regression:
      return 4;
  }
  return 0;
}

class Judging {
 public:
  Judging(std::vector<CellEvidence> const& cells, std::vector<Evidence> const& canaries,
          Rule const& rule)
      : evidence_(cells), rule_(rule) {
    judgement_.canaries = judge_canaries(canaries, rule);
  }

  Judgement run() {
    std::size_t measured = 0;
    for (CellEvidence const& each : evidence_) measured += !each.is_new;
    confirming_ = confirming_alarm(rule_, count_questions(measured));
    for (CellEvidence const& each : evidence_) look(each);
    adjust();
    for (std::size_t i = 0; i < evidence_.size(); ++i) conclude(evidence_[i], judgement_.cells[i]);
    sum_up();
    return std::move(judgement_);
  }

 private:
  static std::string failure_of(CellEvidence const& cell) {
    if (!cell.failure.empty()) return cell.failure;
    for (Stage const* const stage : {&cell.response, &cell.first, &cell.fresh}) {
      if (!stage->failure.empty()) return stage->failure;
      if (hopeless(*stage)) {
        return "a side was at work while it was parked, in " + std::to_string(stage->void_pairs) +
               " of " + std::to_string(stage->void_pairs + stage->pairs.size()) + " pairs";
      }
    }
    return "";
  }

  void look(CellEvidence const& cell) {
    JudgedCell judged;
    judged.reason = failure_of(cell);
    if (judged.reason.empty() && !cell.is_new) {
      judged.response = response_of(cell.response, rule_);
      judged.first = look_at(cell.first, rule_, {}, judged.response);
      judged.fresh = look_at(cell.fresh, rule_, confirming_, judged.response);
    }
    judgement_.cells.push_back(std::move(judged));
  }

  // Every question of every cell belongs to the family, asked or not, since the family must be
  // known before anything is measured: what has no numbers has p = 1.
  void adjust() {
    std::vector<double> p_values;
    for (std::size_t i = 0; i < evidence_.size(); ++i) {
      JudgedCell const& cell = judgement_.cells[i];
      if (evidence_[i].is_new) continue;
      for (std::size_t q = 0; q < questions.size(); ++q) {
        p_values.push_back(p_of(questions[q], cell.first[q], cell.fresh[q], rule_));
      }
    }
    adjusted_ = statistics::holm(p_values);
  }

  void conclude(CellEvidence const& evidence, JudgedCell& cell) {
    if (evidence.is_new) {
      cell.verdict = Verdict::new_cell;
      return;
    }
    if (!cell.reason.empty()) {
      next_ += questions.size();
      return;
    }
    cell.verdict = Verdict::new_cell;
    for (std::size_t q = 0; q < questions.size(); ++q) {
      double const p = adjusted_[next_++];
      if (!cell.first[q].asked) continue;
      bool const flagged = has_alarm(cell.first[q]);
      // A mode is only told of where there is one, since few pairs cannot say that there is none,
      // and where the cost itself is not flagged: what is slower throughout has no mode.
      bool const cost_flagged = has_alarm(cell.first[0]) || has_alarm(cell.first[1]);
      if (questions[q] == Question::slow_mode && (!flagged || cost_flagged)) continue;
      Judged judged;
      judged.p = p;
      judged.verdict = verdict_of(cell.first[q], cell.fresh[q], p, confirming_, rule_);
      bool const on_fresh = flagged && cell.fresh[q].asked;
      judged.pairs = on_fresh ? evidence.fresh.pairs.size() : evidence.first.pairs.size();
      judged.shown = shown_in(questions[q], cell.response);
      show_shift(judged, on_fresh ? cell.fresh[q] : cell.first[q], questions[q], rule_);
      if (judgement_.canaries.unfit) {
        judged.verdict = Verdict::unmeasured;
        judged.reason = "the machine is unfit";
      }
      if (gravity(judged.verdict) > gravity(cell.verdict)) cell.verdict = judged.verdict;
      cell.answers[q] = judged;
    }
    if (cell.verdict != Verdict::new_cell) return;
    cell.verdict = Verdict::inconclusive;  // no pair yet
  }

  void sum_up() {
    judgement_.verdict = Verdict::new_cell;
    for (JudgedCell const& each : judgement_.cells) {
      if (gravity(each.verdict) > gravity(judgement_.verdict)) judgement_.verdict = each.verdict;
      if (each.verdict == Verdict::unmeasured && !each.reason.empty()) {
        judgement_.failed_cells = true;
      }
    }
    // Nothing but new cells is nothing to hold against anybody, and nothing that was compared.
    if (judgement_.cells.empty()) judgement_.verdict = Verdict::unmeasured;
  }

  std::vector<CellEvidence> const& evidence_;
  Rule const& rule_;
  double confirming_ = 0;
  std::vector<double> adjusted_;
  std::size_t next_ = 0;
  Judgement judgement_;
};

}  // namespace

Judgement judge(std::vector<CellEvidence> const& cells, std::vector<Evidence> const& canaries,
                Rule const& rule) {
  return Judging(cells, canaries, rule).run();
}

}  // namespace churn::gate
