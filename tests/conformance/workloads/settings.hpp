// What:  the scales at which the tests run a workload: its standard parameters, and each parameter
//        at its least with the others at their standard, where the edge cases are.
#pragma once

#include <string>
#include <vector>

#include "harness/core/workload.hpp"

namespace churn {

inline WorkloadContext standard_context(WorkloadInfo const& info, std::uint64_t seed,
                                        std::uint32_t threads) {
  WorkloadContext context{seed, threads, {}};
  for (ParameterInfo const& parameter : info.parameters) {
    context.settings.push_back({std::string(parameter.name), parameter.standard});
  }
  return context;
}

inline std::vector<WorkloadContext> contexts(WorkloadInfo const& info, std::uint64_t seed,
                                             std::uint32_t threads) {
  std::vector<WorkloadContext> result{standard_context(info, seed, threads)};
  for (std::size_t i = 0; i < info.parameters.size(); ++i) {
    result.push_back(result.front());
    result.back().settings[i].value = info.parameters[i].minimum;
  }
  return result;
}

inline std::string described(WorkloadContext const& context) {
  std::string text =
      "seed " + std::to_string(context.seed) + ", " + std::to_string(context.threads) + " threads";
  for (Setting const& setting : context.settings) {
    text += ", " + setting.name + "=" + std::to_string(setting.value);
  }
  return text;
}

// A name that GoogleTest accepts.
inline std::string test_name(std::string_view name) {
  std::string result(name);
  for (char& letter : result) {
    if (letter == '-') letter = '_';
  }
  return result;
}

}  // namespace churn
