#include "results/report/history.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/units.hpp"

namespace churn::report {
namespace {

void write_moment(JsonWriter& json, History const& history, Moment const& moment) {
  json.begin_object()
      .member("run", moment.run_id)
      .member("started_utc", moment.started_utc)
      .member("version", moment.version)
      .member("machine", history.machines[moment.machine].fingerprint)
      .member("median", moment.figure.median)
      .member("low", moment.figure.low)
      .member("high", moment.figure.high)
      .member("n", moment.figure.n)
      .end_object();
}

void write_levels(JsonWriter& json, History const& history) {
  json.key("levels").begin_array();
  for (Level const& each : history.levels) {
    json.begin_object()
        .member("first_run", history.moments[each.first].run_id)
        .member("last_run", history.moments[each.last].run_id)
        .member("runs", each.last - each.first + 1)
        .member("median", each.median)
        .end_object();
  }
  json.end_array().key("change_points").begin_array();
  for (std::size_t i = 1; i < history.levels.size(); ++i) {
    Level const &before = history.levels[i - 1], &after = history.levels[i];
    json.begin_object()
        .member("run", history.moments[after.first].run_id)
        .member("before", before.median)
        .member("after", after.median)
        .member("ratio", after.median / before.median)
        .member("p", after.p)
        .member("machine_changed", after.machine_changed)
        .end_object();
  }
  json.end_array();
}

}  // namespace

std::string to_json(History const& history) {
  JsonWriter json(2);
  json.begin_object();
  json.member("cell", store::spelled(history.key));
  json.member("metric", history.metric).member("unit", unit_of(history.metric));
  json.member("across_machines", history.machines.size() > 1);
  json.member("runs_a_point", history.runs_a_point);
  json.key("runs").begin_array();
  for (Moment const& each : history.moments) write_moment(json, history, each);
  json.end_array();
  write_levels(json, history);
  json.key("left_out").begin_array();
  for (LeftOut const& each : history.left_out) {
    json.begin_object().member("reason", each.reason).array("runs", each.runs).end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

}  // namespace churn::report
