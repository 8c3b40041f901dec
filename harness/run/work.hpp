// What:  how much work an invocation does, from what a pilot and a counting pass found. Pure
//        arithmetic.
// Why:   the same units run on every back end of a block, so they are fixed once: enough to fill
//        the time on one back end, and for what never gives memory back no more than fits.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/run/exchange.hpp"

namespace churn::run {

// With fewer samples than this a process says nothing about its own spread.
inline constexpr std::uint64_t least_samples = 3;
// What a back end that never reclaims may keep, whatever the cap: page faults would be all it
// shows.
inline constexpr std::uint64_t most_kept_bytes = std::uint64_t{1} << 30;

// A tenth of the units, and at least one slice; 0 where there is no sample. Depends on nothing
// else, so a resumed run warms up alike.
std::uint64_t warmup_units(std::uint64_t units, std::uint64_t samples) noexcept;

// `samples` slices that take `seconds` in all where a slice of `slice_units` takes `slice_ns`.
// Where one unit is longer than a slice should be there are fewer samples, down to `least_samples`.
// pre: slice_units > 0, samples > 0, seconds > 0
Work work_for(std::uint64_t slice_units, std::uint64_t slice_ns, double seconds,
              std::uint64_t samples) noexcept;

// Of a timed invocation, what is done once more to watch the heap at the end of each slice: a third
// of it, in a thousand slices at most, after the same warm-up.
Work watched_work(Work const& timed) noexcept;

// Bytes that a counting pass of `work` saw requested: all, and before the first sample.
struct Requested {
  Work work;
  std::uint64_t total_bytes = 0, total_bytes_warm = 0;
};

// Half the cap, since back ends round sizes up and add headers, and never more than
// most_kept_bytes.
std::uint64_t room_for_kept_bytes(std::uint64_t memory_cap_bytes) noexcept;

// As much of the counted work as requests no more than `room_bytes` when nothing is ever reused;
// none where not even one unit and its warm-up fit.
std::optional<Work> work_that_fits(Requested const& requested, std::uint64_t room_bytes) noexcept;

}  // namespace churn::run
