#include "harness/run/work.hpp"

#include <algorithm>
#include <cmath>

namespace churn::run {

std::uint64_t warmup_units(std::uint64_t units, std::uint64_t samples) noexcept {
  return samples == 0 ? 0 : std::max(units / 10, units / samples);
}

Work work_for(std::uint64_t slice_units, std::uint64_t slice_ns, double seconds,
              std::uint64_t samples) noexcept {
  double const unit_ns =
      std::max(1.0, static_cast<double>(slice_ns)) / static_cast<double>(slice_units);
  double const all_units = seconds * 1e9 / unit_ns;
  auto const units_a_sample =
      static_cast<std::uint64_t>(std::llround(all_units / static_cast<double>(samples)));
  Work work{units_a_sample * samples, samples, 0};
  if (units_a_sample == 0) {
    auto const fit = static_cast<std::uint64_t>(std::llround(all_units));
    work.samples = std::clamp(fit, std::min(least_samples, samples), samples);
    work.units = work.samples;
  }
  work.warmup_units = warmup_units(work.units, work.samples);
  return work;
}

Work watched_work(Work const& timed) noexcept {
  constexpr std::uint64_t most_slices = 1000;
  std::uint64_t const units = std::max<std::uint64_t>(timed.units / 3, 1);
  std::uint64_t const slices = std::min(units, most_slices);
  return {units / slices * slices, slices, timed.warmup_units};
}

std::uint64_t room_for_kept_bytes(std::uint64_t memory_cap_bytes) noexcept {
  return memory_cap_bytes == 0 ? most_kept_bytes : std::min(memory_cap_bytes / 2, most_kept_bytes);
}

std::optional<Work> work_that_fits(Requested const& requested, std::uint64_t room_bytes) noexcept {
  Work const& counted = requested.work;
  if (requested.total_bytes <= room_bytes) return counted;
  double const unit_bytes =
      static_cast<double>(requested.total_bytes - requested.total_bytes_warm) /
      static_cast<double>(counted.units);
  double const setup_bytes =
      std::max(0.0, static_cast<double>(requested.total_bytes_warm) -
                        unit_bytes * static_cast<double>(counted.warmup_units));
  double const room_left = static_cast<double>(room_bytes) - setup_bytes;
  if (room_left <= 0 || unit_bytes <= 0) return std::nullopt;
  for (std::uint64_t samples = counted.samples; samples > 0; --samples) {
    double const with_warmup = 1 + std::max(0.1, 1.0 / static_cast<double>(samples));
    auto const units = static_cast<std::uint64_t>(room_left / unit_bytes / with_warmup);
    if (units < samples) continue;
    Work work{units / samples * samples, samples, 0};
    work.warmup_units = warmup_units(work.units, samples);
    return work;
  }
  return std::nullopt;
}

}  // namespace churn::run
