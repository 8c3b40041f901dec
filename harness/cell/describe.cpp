#include "harness/cell/describe.hpp"

#include <nlohmann/json.hpp>

#include "harness/cell/program.hpp"
#include "harness/cell/request.hpp"
#include "harness/core/extra_work.hpp"
#include "harness/core/protocol.hpp"

namespace churn::cell {
namespace {

using Json = nlohmann::ordered_json;

Json parameters(std::span<ParameterInfo const> infos) {
  Json result = Json::array();
  for (auto const& info : infos) {
    result.push_back({{"name", info.name},
                      {"summary", info.summary},
                      {"standard", info.standard},
                      {"minimum", info.minimum},
                      {"maximum", info.maximum}});
    if (!info.words.empty()) result.back()["words"] = info.words;
  }
  return result;
}

Json traits(Traits const& traits) {
  return {{"reclaims", int{traits.reclaims}},
          {"cycles", int{traits.cycles}},
          {"moves", int{traits.moves}},
          {"generational", int{traits.generational}},
          {"concurrent", int{traits.concurrent}},
          {"counts", int{traits.counts}},
          {"conservative", int{traits.conservative}},
          {"manual_release", int{traits.manual_release}},
          {"shared_slots", int{traits.shared_slots}},
          {"cells_from_malloc", int{traits.cells_from_malloc}},
          {"reports_objects", int{traits.reports_objects}},
          {"weak", int{traits.weak}},
          {"finalizers", int{traits.finalizers}},
          {"in_place", int{traits.in_place}},
          {"controls", int{traits.controls}},
          {"max_mutators", traits.max_mutators},
          {"max_slots", traits.max_slots},
          {"owned_threads", traits.owned_threads}};
}

Json workload(Entry const& entry) {
  WorkloadInfo const& info = *entry.info;
  return {{"name", std::string(program.kind()).append(info.name)},
          {"summary", info.summary},
          {"source", info.source},
          {"op", info.op},
          {"parameters", parameters(info.parameters)},
          {"min_threads", info.min_threads},
          {"max_threads", info.max_threads},
          {"disposes", info.disposes},
          {"makes_cycles", info.makes_cycles},
          {"reads_file", info.reads_file},
          {"why_unranked", info.why_unranked},
          {"why_not", entry.why_not},
          {"why_no_split", entry.why_no_split}};
}

}  // namespace

std::string describe() {
  Json result{{"protocol", protocol_version}, {"collector", nullptr}};
  if (CollectorInfo const* const collector = program.collector; collector != nullptr) {
    result["collector"] = {{"name", collector->name},
                           {"summary", collector->summary},
                           {"traits", traits(collector->variant != nullptr ? collector->variant()
                                                                           : collector->traits)},
                           {"varies_with", collector->varies_with},
                           {"parameters", parameters(collector->parameters)}};
  }
  result["modes"] = Json::array();
  for (Mode const mode : modes) result["modes"].push_back(name_of(mode));
  result["extra_work"] = Json::array();
  for (auto const& [shape, name] : extra_shapes) result["extra_work"].push_back(name);
  result["workloads"] = Json::array();
  for (Entry const& entry : program.entries) result["workloads"].push_back(workload(entry));
  return result.dump(2);
}

}  // namespace churn::cell
