#include "harness/gate/protocol.hpp"

#include <algorithm>
#include <cmath>

#include "harness/gate/evidence.hpp"
#include "harness/run/work.hpp"

namespace churn::gate {
namespace {

// Less fits into the caches of a core beside the other side's; more than the other fits into none.
constexpr std::uint64_t small_bytes = std::uint64_t{4} << 20,
                        large_bytes = std::uint64_t{128} << 20;
constexpr std::uint32_t least_samples_a_turn = 5, most_samples_a_turn = 20;
constexpr std::uint32_t whole_process_samples = 50, most_turns = 160, fewest_turns = 2;
constexpr std::uint32_t least_turns_for_tails = 20;  // a percentile needs batches
// One collection opens the first whole cycle; one more in reserve, since warm-up is not exact.
constexpr double wanted_collections = least_collections + 2;

struct Kind {
  char const* name;
  double turn_ns;
  std::uint32_t turns;
};

// What varies is the process (where its pages lie, mostly) and hardly the turn: a few turns of many
// processes tell more in a second than many turns of a few (README.md).
Kind kind_of(Trial const& trial) {
  if (trial.managed) return {"collector", 6e6, 16};
  if (trial.threads > 1) return {trial.busy ? "threads, busy" : "threads", 6e6, 8};
  if (trial.grown_bytes > large_bytes) return {"large", 12e6, 6};
  if (trial.grown_bytes > small_bytes) return {"cache-sized", 20e6, 4};
  return {"small", 5e6, 6};
}

// Of about a millisecond each: short ones come between two interruptions, and where a turn begins
// with cold caches the lowest quarter of them are those that are warm again, which show more of a
// cost. A unit is never divided, so long ones make fewer samples.
std::uint64_t samples_a_turn(double turn_ns, double unit_ns) {
  double const sample_ns = std::max(static_cast<double>(sample_target_ns), unit_ns);
  return std::clamp(static_cast<std::uint64_t>(turn_ns / sample_ns),
                    std::uint64_t{least_samples_a_turn}, std::uint64_t{most_samples_a_turn});
}

Protocol with(std::string name, std::uint32_t turns, std::uint64_t samples, std::uint64_t units) {
  Protocol protocol{std::move(name), turns, {units * samples, samples, 0}};
  protocol.work.warmup_units = run::warmup_units(protocol.work.units, samples);
  return protocol;
}

}  // namespace

Protocol protocol_for(Trial const& trial) {
  Kind kind = kind_of(trial);
  double const unit_ns = static_cast<double>(std::max<std::uint64_t>(trial.slice_ns, 1)) /
                         static_cast<double>(std::max<std::uint64_t>(trial.slice_units, 1));
  auto const units_in = [&](double ns) {
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(ns / unit_ns)));
  };
  std::uint64_t const seen =
      trial.full_collections > 0 ? trial.full_collections : trial.collections;
  if (trial.managed && seen > 0) {
    double const needed_ns =
        wanted_collections * static_cast<double>(trial.timed_ns) / static_cast<double>(seen);
    auto const needed = static_cast<std::uint32_t>(
        std::min(std::ceil(needed_ns / kind.turn_ns), static_cast<double>(most_turns)));
    kind.turns = std::max(kind.turns, needed);
  }
  // What goes on between turns would be stopped and drained at each of them, which is another
  // program: such processes run whole, one after the other.
  if (trial.managed && trial.works_in_background) {
    double const all_ns = kind.turn_ns * kind.turns;
    return with("whole processes", 1, whole_process_samples,
                units_in(all_ns / whole_process_samples));
  }
  if (trial.tails) kind.turns = std::max(kind.turns, least_turns_for_tails);
  std::uint64_t const samples = samples_a_turn(kind.turn_ns, unit_ns);
  return with(kind.name, kind.turns, kind.turns * samples,
              units_in(kind.turn_ns / static_cast<double>(samples)));
}

std::optional<Protocol> shorter(Protocol const& protocol, double share) {
  auto const wanted = static_cast<std::uint32_t>(share * protocol.turns);
  std::uint32_t const turns = std::max(wanted, fewest_turns);
  if (turns >= protocol.turns) return std::nullopt;
  std::uint64_t const samples = protocol.work.samples / protocol.turns * turns;
  return with(protocol.name, turns, samples, protocol.work.units / protocol.work.samples);
}

Protocol trial_protocol(std::uint64_t slice_units, bool managed) {
  std::uint32_t const turns = managed ? 10 : 2;
  return with("trial", turns, std::uint64_t{turns} * least_samples_a_turn,
              std::max<std::uint64_t>(1, slice_units));
}

}  // namespace churn::gate
