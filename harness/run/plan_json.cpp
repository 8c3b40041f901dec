// A plan as JSON, kept in the store so that --resume needs nothing else. Its numbers and names are
// checked again on reading: a store is a file that anybody may have changed.
#include <nlohmann/json.hpp>

#include "harness/core/error.hpp"
#include "harness/run/matrix.hpp"
#include "harness/run/plan.hpp"

namespace churn::store {

using Json = nlohmann::json;

static void to_json(Json& json, Named const& named) {
  json = {{"name", named.name}, {"settings", named.settings}};
}
static void from_json(Json const& json, Named& named) {
  json.at("name").get_to(named.name);
  json.at("settings").get_to(named.settings);
}

static void to_json(Json& json, CellKey const& key) {
  json = {{"allocator", key.allocator},
          {"collector", key.collector},
          {"workload", key.workload},
          {"threads", key.threads},
          {"heap_limit_bytes", key.heap_limit_bytes}};
}
static void from_json(Json const& json, CellKey& key) {
  json.at("allocator").get_to(key.allocator);
  json.at("collector").get_to(key.collector);
  json.at("workload").get_to(key.workload);
  json.at("threads").get_to(key.threads);
  json.at("heap_limit_bytes").get_to(key.heap_limit_bytes);
}

}  // namespace churn::store

namespace churn::run {

using Json = nlohmann::json;

static void to_json(Json& json, PlannedCell const& cell) {
  json = {{"key", cell.key},
          {"block", cell.block},
          {"oversubscribed", cell.oversubscribed},
          {"why_not", cell.why_not},
          {"program", cell.program},
          {"library", cell.library},
          {"file", cell.file},
          {"environment", cell.environment},
          {"parameters", cell.parameters},
          {"collector_parameters", cell.collector_parameters},
          {"reclaims", cell.reclaims},
          {"reference_program", cell.reference_program},
          {"reference_counts_live", cell.reference_counts_live},
          {"garbage_is_known", cell.garbage_is_known},
          {"memory_life", cell.memory_life},
          {"why_no_split", cell.why_no_split},
          {"op", cell.op},
          {"why_unranked", cell.why_unranked}};
}

static void from_json(Json const& json, PlannedCell& cell) {
  json.at("key").get_to(cell.key);
  json.at("block").get_to(cell.block);
  json.at("oversubscribed").get_to(cell.oversubscribed);
  json.at("why_not").get_to(cell.why_not);
  json.at("program").get_to(cell.program);
  json.at("library").get_to(cell.library);
  cell.file = json.value("file", "");  // not in plans of before
  json.at("environment").get_to(cell.environment);
  json.at("parameters").get_to(cell.parameters);
  json.at("collector_parameters").get_to(cell.collector_parameters);
  json.at("reclaims").get_to(cell.reclaims);
  json.at("reference_program").get_to(cell.reference_program);
  json.at("reference_counts_live").get_to(cell.reference_counts_live);
  cell.garbage_is_known = json.value("garbage_is_known", false);  // not in plans of before
  cell.why_no_split = json.value("why_no_split", "");             // nor are these
  cell.memory_life = json.value("memory_life", false);
  json.at("op").get_to(cell.op);
  cell.why_unranked = json.value("why_unranked", "");
}

std::string to_json(Plan const& plan) {
  Json const json = {{"command", plan.command},
                     {"matrix", plan.matrix},
                     {"baseline", plan.baseline},
                     {"seed", plan.seed},
                     {"rounds", plan.rounds},
                     {"seconds_per_invocation", plan.seconds_per_invocation},
                     {"samples", plan.samples},
                     {"memory_cap_bytes", plan.memory_cap_bytes},
                     {"time_limit_seconds", plan.time_limit_seconds},
                     {"dirty_heap", plan.dirty_heap},
                     {"overhead_split", plan.overhead_split},
                     {"cells", plan.cells}};
  // Names and settings come from command lines and need not be UTF-8.
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Plan plan_from_json(std::string const& text) {
  Plan plan;
  try {
    Json const json = Json::parse(text);
    json.at("command").get_to(plan.command);
    json.at("matrix").get_to(plan.matrix);
    json.at("baseline").get_to(plan.baseline);
    json.at("seed").get_to(plan.seed);
    json.at("rounds").get_to(plan.rounds);
    json.at("seconds_per_invocation").get_to(plan.seconds_per_invocation);
    json.at("samples").get_to(plan.samples);
    json.at("memory_cap_bytes").get_to(plan.memory_cap_bytes);
    json.at("time_limit_seconds").get_to(plan.time_limit_seconds);
    json.at("dirty_heap").get_to(plan.dirty_heap);
    plan.overhead_split = json.value("overhead_split", false);  // not in plans of before
    json.at("cells").get_to(plan.cells);
  } catch (Json::exception const& error) {
    throw UserError(std::string("the stored plan cannot be read: ") + error.what());
  }
  bool const sane = plan.rounds >= 1 && plan.rounds <= most_rounds && plan.samples >= 1 &&
                    plan.samples <= most_samples && plan.seconds_per_invocation > 0 &&
                    plan.time_limit_seconds > 0;
  if (!sane) throw UserError("the stored plan has numbers that no plan has; measure anew");
  return plan;
}

}  // namespace churn::run
