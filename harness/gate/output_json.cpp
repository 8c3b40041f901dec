#include "harness/gate/output.hpp"
#include "results/report/json_writer.hpp"

namespace churn::gate {
namespace {

using report::JsonWriter;

void figure(JsonWriter& json, char const* name, std::optional<double> value) {
  if (value) json.member(name, *value);
}

void answer(JsonWriter& json, Replay const& replay, std::size_t cell, Question question,
            Judged const& judged) {
  json.begin_object();
  json.member("cell", replay.cells[cell].name);
  json.member("metric", name_of(question));
  json.member("verdict", name_of(judged.verdict));
  figure(json, "ratio", judged.ratio);
  figure(json, "low", judged.low);
  figure(json, "high", judged.high);
  figure(json, "confidence", judged.confidence);
  json.member("pairs", judged.pairs);
  json.member("p", judged.p);
  figure(json, "minimum_detectable_effect", judged.minimum_detectable_effect);
  if (judged.shown) {
    json.member("shown_share", judged.shown->estimate);
    json.member("shown_share_least", judged.shown->least);
  }
  json.member("protocol", replay.cells[cell].protocol);
  if (!judged.reason.empty()) json.member("reason", judged.reason);
  json.end_object();
}

void cell_rows(JsonWriter& json, Replay const& replay, std::size_t cell) {
  JudgedCell const& judged = replay.judgement.cells[cell];
  bool any = false;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    if (!judged.answers[q]) continue;
    answer(json, replay, cell, questions[q], *judged.answers[q]);
    any = true;
  }
  if (any) return;
  json.begin_object();
  json.member("cell", replay.cells[cell].name);
  json.member("metric", "all");
  json.member("verdict", name_of(judged.verdict));
  json.member("pairs", 0);
  if (!judged.reason.empty()) json.member("reason", judged.reason);
  json.end_object();
}

}  // namespace

std::string to_json(Replay const& replay, bool finished) {
  JsonWriter json(2);
  json.begin_object();
  json.member("verdict", finished ? name_of(replay.judgement.verdict) : "unfinished");
  json.member("seed", replay.run.seed);
  json.member("run", replay.run.id);
  json.member("baseline", replay.gate.baseline);
  json.member("candidate", replay.gate.candidate);
  json.object("limits", replay.gate.limits);
  Canaries const& canaries = replay.judgement.canaries;
  json.key("canaries").begin_object();
  json.member("pairs", canaries.pairs);
  json.member("judged", canaries.judged);
  json.member("unfit", canaries.unfit);
  json.end_object();
  json.key("cells").begin_array();
  for (std::size_t i = 0; i < replay.cells.size(); ++i) cell_rows(json, replay, i);
  json.end_array();
  json.key("explanations").begin_array();
  for (std::size_t i = 0; i < replay.cells.size(); ++i) {
    for (auto const& each : replay.explanations[i]) {
      json.begin_object();
      json.member("cell", replay.cells[i].name);
      json.member("quantity", each.quantity);
      if (each.baseline) json.member("baseline", *each.baseline);
      if (each.candidate) json.member("candidate", *each.candidate);
      if (!each.note.empty()) json.member("why_not", each.note);
      json.end_object();
    }
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

}  // namespace churn::gate
