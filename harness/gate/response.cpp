#include "harness/gate/response.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "harness/gate/judge.hpp"

namespace churn::gate {
namespace {

Shown shown_of(Stage const& pairs, double Evidence::* field, Rule const& rule) {
  std::vector<double> shifts;
  for (Evidence const& each : pairs.pairs) shifts.push_back(each.*field);
  statistics::Shift const shift = statistics::shift_of(shifts, rule.response_confidence);
  auto const share = [&](double logarithm) {
    return std::clamp(std::expm1(logarithm) / rule.response_work, 0.0, 1.0);
  };
  return {share(shift.estimate), share(shift.low)};
}

}  // namespace

bool needs_response(std::string_view protocol) noexcept { return protocol == "cache-sized"; }

ExtraWork response_work(Rule const& rule) {
  return {static_cast<std::uint32_t>(std::lround(rule.response_work * 1000)),
          ExtraShape::every_operation, 0};
}

Response response_of(Stage const& pairs, Rule const& rule) {
  Response response;
  if (pairs.pairs.empty()) return response;
  response.measured = true;
  response.steady = shown_of(pairs, &Evidence::steady, rule);
  response.total = shown_of(pairs, &Evidence::total, rule);
  return response;
}

}  // namespace churn::gate
