// What:  how the sides of a cell take turns: how long a turn is, how many there are, into how many
//        samples each is divided. Decided from what a trial pair showed.
// Why:   small cells have many short turns, since what is between two turns of a side then hardly
//        changes; a cell whose live set is larger than the caches pays for cold restarts, so its
//        turns are longer; a managed heap needs whole collections in its run.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/run/exchange.hpp"

namespace churn::gate {

// What is known of a cell after its pilot and a trial pair.
struct Trial {
  bool managed = false;
  bool works_in_background = false;  // the collector has threads of its own
  bool busy = false;                 // others keep the processors busy
  std::uint32_t threads = 1;
  std::uint64_t grown_bytes = 0;  // resident, from before set-up to the peak
  std::uint64_t slice_units = 1, slice_ns = 1;
  std::uint64_t timed_ns = 0, collections = 0, full_collections = 0;  // of one side of the pair
  bool tails = false;                                                 // batches are asked for
};

struct Protocol {
  // "small", "cache-sized", "large", "threads", "threads, busy", "collector", "whole processes"
  std::string name;
  std::uint32_t turns = 1;
  run::Work work;
};

Protocol protocol_for(Trial const& trial);
// About that share of the turns: for a pair that takes too long, on a busy machine or since one
// side is many times slower. None: there are hardly any to leave out. pre: 0 < share
std::optional<Protocol> shorter(Protocol const& protocol, double share);
// Of the trial pair itself: short, and long enough to see collections.
Protocol trial_protocol(std::uint64_t slice_units, bool managed);

// What a pilot's slice should take: that of a small cell's sample.
inline constexpr std::uint64_t sample_target_ns = 1'000'000;

}  // namespace churn::gate
