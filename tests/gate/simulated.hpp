// What:  pairs of processes that never ran: their times, peaks and collections follow from a seed
//        and a known truth. For tests of what a gate makes of them.
// Invariant: the same seed and the same calls give the same pairs.
#pragma once

#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "harness/core/random.hpp"
#include "harness/gate/measurer.hpp"

namespace churn::gate {

// What is true of a cell's candidate, as shares of the baseline's; and how noisy the machine is.
struct Truth {
  double slower = 0, bigger = 0;
  double collections_slower = 0;    // of the time that collections take
  double noise = 0.018;             // of a pair
  std::uint64_t collect_every = 0;  // samples; 0: never
  std::string fails = {};           // not empty: the candidate's reason for failing
  double parked_share = 0;
  double mode_share = 0,
         mode_slower = 0;  // so many of the candidate's processes are slower by that
  std::string wrong_checksum = {};
  double left_more = 0;    // when all was freed
  double tail_slower = 0;  // of one batch in fifty
  double shows = 1;        // of a cost, that of extra work too
};

inline double normal(Random& random) {
  double const radius = std::sqrt(-2 * std::log(1 - random.unit()));
  return radius * std::cos(2 * std::numbers::pi * random.unit());
}

class SimulatedMeasurer final : public Measurer {
 public:
  SimulatedMeasurer(std::map<std::string, Truth> truths, std::uint64_t seed)
      : truths_(std::move(truths)), random_(seed) {}

  Ready prepare(Pairing const&) override {
    Ready ready;
    ready.interrupted = interrupt_in_preparation;
    ready.protocol = protocol;
    ready.turns = turns;
    return ready;
  }

  void resume(Ready const&) override { ++resumed; }
  std::optional<Ready> shorten(double share) override {
    if (!can_be_shorter) return std::nullopt;
    seconds_a_pair *= share;
    Ready ready;
    ready.protocol = "simulated";
    ready.turns = 2;
    return ready;
  }

  std::optional<store::GatePair> measure(Pairing const& pairing, PairWish const& wish) override {
    bool const canary = wish.canary;
    if (pairs_left-- == 0) return std::nullopt;
    seconds_ += seconds_a_pair;
    Truth const& truth = truths_.at(pairing.name);
    Truth same;
    same.noise = truth.noise;
    same.collect_every = truth.collect_every;
    // Both meet the same minute; what differs between the two is half of each one's.
    double const minute = std::exp(0.1 * normal(random_));
    double const apart = truth.noise * normal(random_) + canary_drift * (canary ? 1 : 0);
    store::GatePair pair;
    pair.candidate_first = wish.candidate_first;
    pair.baseline = side(same, minute * std::exp(-apart / 2));
    bool const in_mode = !canary && random_.unit() < truth.mode_share;
    double const mode = in_mode ? 1 + truth.mode_slower : 1;
    Truth asked = canary ? same : truth;
    asked.slower = truth.shows * (asked.slower + wish.extra.per_mille / 1000.0);
    pair.candidate = side(asked, mode * minute * std::exp(apart / 2));
    return pair;
  }

  double seconds() const override { return seconds_; }

  static constexpr std::uint32_t turns = 4, samples = 40;
  double seconds_a_pair = 0.2;
  double canary_drift = 0;
  std::string protocol = "simulated";
  std::uint64_t pairs_left = ~std::uint64_t{0};  // then it is interrupted
  bool interrupt_in_preparation = false, can_be_shorter = false;
  int resumed = 0, batches = 0;

 private:
  store::Invocation side(Truth const& truth, double level) {
    store::Invocation row;
    row.outcome = truth.fails.empty() ? Outcome::ok : Outcome::crashed;
    row.reason = truth.fails;
    row.record = "{}";
    if (!truth.fails.empty()) return row;
    row.checksum = truth.wrong_checksum.empty() ? "5eed" : truth.wrong_checksum;
    std::uint64_t collections = 0, turn_ns = 0;
    for (std::uint32_t i = 0; i < samples; ++i) {
      double time = 1e6 * level * (1 + truth.slower) * std::exp(0.02 * std::abs(normal(random_)));
      if (truth.collect_every != 0 && i % truth.collect_every == 1) {
        time += 1e6 * level * (1 + truth.collections_slower);
        ++collections;
      }
      row.sample_ns.push_back(static_cast<std::uint64_t>(time));
      if (truth.collect_every != 0) {
        row.sample_collections.push_back(collections);
        row.sample_full_collections.push_back(collections);
      }
      turn_ns += row.sample_ns.back();
      if ((i + 1) % (samples / turns) != 0) continue;
      row.turn_ns.push_back(std::exchange(turn_ns, 0));
    }
    row.figures["peak_rss_bytes"] =
        std::round(2e7 * (1 + truth.bigger) * (1 + 0.002 * random_.unit()) / 4096) * 4096;
    row.figures["rss_start_bytes"] = 4e6;
    row.figures["rss_after_free_0s_bytes"] =
        std::round(6e6 * (1 + truth.left_more) * (1 + 0.002 * more_random_.unit()) / 4096) * 4096;
    for (int i = 0; i < batches; ++i) {
      double const slow = i % 50 == 7 ? 3 * (1 + truth.tail_slower) : 1;
      double const interrupted = more_random_.unit() < 0.03 ? 5 : 1;
      double const noise = std::exp(0.05 * std::abs(normal(more_random_)));
      row.batch_ns.push_back(static_cast<std::uint64_t>(20'000 * slow * interrupted * noise));
    }
    row.figures["parked_cpu_ns"] = truth.parked_share * 1e6 * samples;
    return row;
  }

  std::map<std::string, Truth> const truths_;
  Random random_;
  Random more_random_{7};  // of figures that came later: tests' seeds keep their meaning
  double seconds_ = 0;
};

}  // namespace churn::gate
