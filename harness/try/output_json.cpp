#include "harness/try/figures.hpp"
#include "harness/try/findings.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/units.hpp"

namespace churn::trial {
namespace {

// The program's own figure has a unit that churn does not know.
std::string_view unit_of(std::string_view name) {
  return name == own_figure || name == own_rate ? "own" : report::unit_of(name);
}

void put(report::JsonWriter& out, std::string_view name, statistics::Estimate const& estimate,
         std::string_view unit) {
  out.key(name)
      .begin_object()
      .member("median", estimate.median)
      .member("low", estimate.low)
      .member("high", estimate.high)
      .member("n", estimate.n)
      .member("unit", unit)
      .member("spread", report::name_of(estimate.spread))
      .end_object();
}

void put(report::JsonWriter& out, std::string_view name,
         std::optional<statistics::AgainstBest> const& against) {
  if (!against) return;
  out.key(name).begin_object().member("ratio", against->ratio).member("low", against->low);
  if (against->high) out.member("high", *against->high);
  out.member("p", against->p).member("in_top_group", against->in_top_group).end_object();
}

void put(report::JsonWriter& out, Contender const& contender) {
  out.begin_object()
      .member("variant", store::spelled(contender.name))
      .member("allocator", contender.name.name)
      .object("settings", contender.name.settings)
      .member("outcome", contender.runs == 0 ? "not-measured" : name_of(contender.outcome))
      .member("reason", contender.reason)
      .member("ok_invocations", contender.ok_runs)
      .member("invocations", contender.runs)
      .member("standing", report::name_of(contender.standing))
      .key("metrics")
      .begin_object();
  for (auto const& [name, estimate] : contender.figures) {
    put(out, name, estimate, unit_of(name));
  }
  out.end_object();
  if (contender.ratio) put(out, "ratio", *contender.ratio, "ratio");
  put(out, "to_best", contender.to_best);
  put(out, "memory_to_best", contender.memory_to_best);
  if (contender.memory_to_best) out.member("on_front", contender.on_front);
  if (!contender.dominated_by.empty()) out.member("dominated_by", contender.dominated_by);
  out.pairs("rss_time_line", contender.time_line).end_object();
}

}  // namespace

std::string to_json(Findings const& findings) {
  report::JsonWriter out(1);
  out.begin_object()
      .member("run", findings.run.id)
      .member("command", findings.line)
      .member("op", findings.op)
      .member("seed", findings.run.seed)
      .member("finished", findings.run.finished)
      .member("rounds", findings.rounds)
      .member("ranked_by", findings.ranked_by)
      .member("worth", findings.worth)
      .member("baseline", findings.baseline)
      .member("verdict", findings.verdict)
      .member("front", findings.front)
      .member("advice", findings.advice)
      .key("variants")
      .begin_array();
  for (Contender const& each : findings.contenders) put(out, each);
  return out.end_array().end_object().take() + '\n';
}

}  // namespace churn::trial
