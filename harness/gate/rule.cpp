#include "harness/gate/rule.hpp"

#include <array>
#include <utility>

#include "harness/core/error.hpp"

namespace churn::gate {
namespace {

constexpr std::array fields{
    std::pair{"tolerance", &Rule::tolerance},
    std::pair{"detect", &Rule::detect},
    std::pair{"memory_tolerance", &Rule::memory_tolerance},
    std::pair{"memory_detect", &Rule::memory_detect},
    std::pair{"growth_tolerance", &Rule::growth_tolerance},
    std::pair{"growth_detect", &Rule::growth_detect},
    std::pair{"least_growth_bytes", &Rule::least_growth_bytes},
    std::pair{"tails", &Rule::tails},
    std::pair{"tail_tolerance", &Rule::tail_tolerance},
    std::pair{"tail_detect", &Rule::tail_detect},
    std::pair{"builds", &Rule::builds},
    std::pair{"layouts", &Rule::layouts},
    std::pair{"mode_beyond", &Rule::mode_beyond},
    std::pair{"alarm", &Rule::alarm},
    std::pair{"mode_alarm", &Rule::mode_alarm},
    std::pair{"miss", &Rule::miss},
    std::pair{"confirm", &Rule::confirm},
    std::pair{"family", &Rule::family},
    std::pair{"most_pairs", &Rule::most_pairs},
    std::pair{"confidence", &Rule::confidence},
    std::pair{"power", &Rule::power},
    std::pair{"parked_share", &Rule::parked_share},
    std::pair{"canary_alarm", &Rule::canary_alarm},
    std::pair{"least_canaries", &Rule::least_canaries},
    std::pair{"response_work", &Rule::response_work},
    std::pair{"response_pairs", &Rule::response_pairs},
    std::pair{"response_confidence", &Rule::response_confidence},
};

}  // namespace

statistics::SequentialPlan Rule::time_plan() const {
  return statistics::standard_plan(alarm, miss, static_cast<std::size_t>(most_pairs));
}

statistics::SequentialPlan Rule::mode_plan() const {
  return statistics::standard_plan(mode_alarm, miss, static_cast<std::size_t>(most_pairs));
}

// Memory hardly varies: forty processes of each side say all that two hundred would.
statistics::SequentialPlan Rule::memory_plan() const {
  statistics::SequentialPlan plan = time_plan();
  plan.looks = {{15, 0.4}, {25, 0.3}, {40, 0.3}};
  return plan;
}

std::map<std::string, double> to_limits(Rule const& rule) {
  std::map<std::string, double> limits;
  for (auto const& [name, field] : fields) limits[name] = rule.*field;
  return limits;
}

Rule from_limits(std::map<std::string, double> const& limits) {
  Rule rule;
  rule.most_pairs = statistics::former_pairs;
  for (auto const& [name, field] : fields) {
    auto const found = limits.find(name);
    if (found != limits.end()) rule.*field = found->second;
  }
  return rule;
}

void check(Rule const& rule) {
  auto const share = [](double value, double most) { return value >= 0 && value <= most; };
  if (!share(rule.tolerance, 1) || !share(rule.detect, 10)) {
    throw UserError("--tolerance takes 0% to 100%, --detect up to 1000%");
  }
  if (rule.tolerance < rule.detect) return;
  throw UserError("--tolerance must be less than --detect: what must be found cannot be tolerated");
}

}  // namespace churn::gate
