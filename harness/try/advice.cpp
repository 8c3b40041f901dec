// What to do, in a sentence that says no more than is proven and how sure it is.
#include <cmath>
#include <cstdio>

#include "harness/try/figures.hpp"
#include "harness/try/findings.hpp"
#include "results/report/measured.hpp"
#include "results/report/text.hpp"

namespace churn::trial {
namespace {

using statistics::Standing;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", 100 * share);
  return text;
}

std::string named(Contender const& contender) {
  return report::visible(store::spelled(contender.name));
}

bool leads(Contender const& each) {
  return each.standing == Standing::winner || each.standing == Standing::tied;
}

double peak_of(Contender const& each) {
  auto const found = each.figures.find(peak);
  return found == each.figures.end() ? 0 : found->second.median;
}

// In the top group of memory.
bool light(Contender const& each) {
  return each.memory_to_best && each.memory_to_best->in_top_group;
}

class Adviser {
 public:
  explicit Adviser(Findings const& findings) : findings_(findings) {
    for (Contender const& each : findings.contenders) {
      if (each.standing == Standing::unranked) continue;
      ranked_.push_back(&each);
      if (store::spelled(each.name) == findings.baseline) baseline_ = &each;
    }
  }

  std::string run() {
    if (ranked_.empty()) return without_ranks();
    bool const keeps = baseline_ != nullptr && baseline_->standing != Standing::behind;
    std::string text = (keeps ? keep() : choose(best())) + how_sure();
    text += keeps ? less_memory() : memory_of(best());
    for (Contender const& each : findings_.contenders) {
      if (each.runs > 0 && !each.ok()) {
        return text + " What failed has no part in it.";
      }
    }
    return text;
  }

 private:
  std::string without_ranks() const {
    if (findings_.contenders.size() < 2) return "There is nothing to compare with.";
    return "No advice: " + (findings_.failed + 2 > findings_.contenders.size()
                                ? std::string("fewer than two variants went well.")
                                : "three rounds are needed to say anything; give it a larger "
                                  "--budget, or more --invocations.");
  }

  std::string how_sure() const {
    return " (95 % sure, from " + report::counted(findings_.rounds, "round") +
           (findings_.rounds < statistics::rounds_for_intervals
                ? ", which prove only large differences)."
                : ").");
  }

  // "slower" where time is ranked, else "worse".
  std::string worse() const { return findings_.ranked_by == wall ? "slower" : "worse"; }
  std::string better() const { return findings_.ranked_by == wall ? "faster" : "better"; }

  // Of the top group one that is not proven to take more memory than the lightest of it, the
  // fastest of those.
  Contender const& best() const {
    Contender const* lightest = nullptr;
    for (Contender const* const each : ranked_) {
      if (!leads(*each) || peak_of(*each) == 0) continue;
      if (lightest == nullptr || peak_of(*each) < peak_of(*lightest)) lightest = each;
    }
    for (Contender const* const each : ranked_) {
      if (!leads(*each)) continue;
      bool const heavier = lightest != nullptr && each != lightest && each->memory_to_best &&
                           lightest->memory_to_best && lightest->memory_to_best->high &&
                           each->memory_to_best->low > *lightest->memory_to_best->high;
      if (!heavier) return *each;
    }
    return *ranked_.front();
  }

  std::string keep() const {
    auto const& high = baseline_->to_best->high;
    std::string text = "Keep " + named(*baseline_);
    if (high && *high <= 1 + findings_.worth) {
      text += *high <= 1.0005 ? ": nothing is " + better()
                              : ": no difference worth having, nothing is more than " +
                                    percent(*high - 1) + " " + better();
    } else if (!high || *high > 2) {
      text += " for now: nothing is proven to be " + better() +
              ", but so few and so different runs cannot tell";
    } else {
      text += " for now: nothing is proven to be more than " + percent(findings_.worth) + " " +
              better() + "; something may be by up to " + percent(*high - 1) +
              ", which only more rounds can tell";
    }
    return text;
  }

  // Somebody as good as the baseline who is proven to need less memory.
  std::string less_memory() const {
    if (light(*baseline_) || !baseline_->memory_to_best) return "";
    for (Contender const* const each : ranked_) {
      if (!leads(*each) || !light(*each) || each == baseline_) continue;
      if (!(peak_of(*each) < peak_of(*baseline_))) continue;
      return " But " + named(*each) + ", which is not proven to be " + worse() +
             ", is proven to need less memory: " +
             percent(1 - peak_of(*each) / peak_of(*baseline_)) + " less, by medians.";
    }
    return "";
  }

  std::string choose(Contender const& chosen) const {
    std::string text = "Use " + named(chosen);
    if (baseline_ != nullptr) {
      auto const& to_best = *baseline_->to_best;
      text += ": " + named(*baseline_) + " is " + percent(to_best.low - 1) + " ";
      text += to_best.high ? "to " + percent(*to_best.high - 1) + " " : "or more ";
      text += worse() + " than the best";
    } else {
      text += ": nothing is proven to be " + better();
    }
    std::vector<std::string> equals;
    for (Contender const* const each : ranked_) {
      if (leads(*each) && each != &chosen) equals.push_back(named(*each));
    }
    if (!equals.empty()) {
      text += "; " + report::enumerated(equals) + (equals.size() == 1 ? " is" : " are") +
              " not proven to be " + worse();
    }
    return text;
  }

  std::string memory_of(Contender const& chosen) const {
    if (baseline_ == nullptr || peak_of(*baseline_) == 0 || peak_of(chosen) == 0) return "";
    double const ratio = peak_of(chosen) / peak_of(*baseline_);
    if (std::abs(ratio - 1) <= findings_.worth) return " It takes about as much memory.";
    return " It takes " + percent(std::abs(ratio - 1)) + (ratio > 1 ? " more" : " less") +
           " memory than " + named(*baseline_) + ", by medians.";
  }

  Findings const& findings_;
  std::vector<Contender const*> ranked_;
  Contender const* baseline_ = nullptr;
};

}  // namespace

std::string advice_of(Findings const& findings) { return Adviser(findings).run(); }

}  // namespace churn::trial
