// What:  exactly known extra work of a workload's own operations, and extra memory, that a cell
//        program adds on request: so that a gate can be shown changes whose size is known, and so
//        that it can be measured how much of an extra cost a cell shows.
// How:   what is due is counted in thousandths of a unit and never rounded. Units cannot be
//        divided, so one that is begun is run to its end, and the time of the part that was not due
//        yet is booked to the sample to which it belongs, at the rate of the sample that ran it. So
//        3 % more is 3 % more in every sample, also where a sample has 25 units.
// When not: while nothing extra is asked for, nobody calls this.
// Cost:  some additions a sample. Not thread-safe; one ledger a process.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

namespace churn {

// When what is due is done. A slice is a sample.
enum class ExtraShape { every_operation, every_tenth_slice, once, collections };
inline constexpr std::array extra_shapes{
    std::pair{ExtraShape::every_operation, std::string_view("every-operation")},
    std::pair{ExtraShape::every_tenth_slice, std::string_view("every-tenth-slice")},
    std::pair{ExtraShape::once, std::string_view("once")},
    // In samples in which a collection ended: what has become due since the last of them.
    std::pair{ExtraShape::collections, std::string_view("collections")}};

constexpr std::string_view name_of(ExtraShape shape) noexcept {
  for (auto const& [each, name] : extra_shapes) {
    if (each == shape) return name;
  }
  return "";
}
constexpr bool parse_extra_shape(std::string_view name, ExtraShape& shape) noexcept {
  for (auto const& [each, its_name] : extra_shapes) {
    if (its_name == name) return shape = each, true;
  }
  return false;
}

struct ExtraWork {
  std::uint32_t per_mille = 0;  // of the units of all samples
  ExtraShape shape = ExtraShape::every_operation;
  std::uint64_t bytes = 0;  // written to and held from the start line of memory on
  bool any() const noexcept { return per_mille != 0 || bytes != 0; }
  bool operator==(ExtraWork const&) const = default;
};

class ExtraLedger {
 public:
  static constexpr std::uint64_t slices_between = 10;

  // pre: a sample has at most 2^40 units
  ExtraLedger(ExtraWork work, std::uint64_t units_a_sample, std::uint64_t samples) noexcept
      : work_(work), units_a_sample_(units_a_sample), samples_(samples) {}

  // Extra units to run with the next sample's own.
  std::uint64_t begin_sample() noexcept {
    owed_milli_ += static_cast<std::int64_t>(units_a_sample_ * work_.per_mille);
    ++begun_;
    return pays_now() ? pay() : 0;
  }
  // Extra units to run at the end of this sample, in which a collection ended or none did.
  std::uint64_t end_sample(bool collected) noexcept {
    bool const pays = work_.shape == ExtraShape::collections && (collected || begun_ == samples_);
    return pays ? pay() : 0;
  }

  // What of `ns`, which `units` units have just taken, belongs to the work that was due up to now;
  // the rest waits in `ahead_ns` for the call that follows. One `ahead_ns` for each clock.
  // pre: units > 0
  std::uint64_t book(std::uint64_t ns, std::uint64_t units, double& ahead_ns) const noexcept {
    double const taken = static_cast<double>(ns);
    double const ahead_units = static_cast<double>(std::max<std::int64_t>(0, -owed_milli_)) / 1000;
    double const new_ahead_ns = taken / static_cast<double>(units) * ahead_units;
    double const booked = taken + std::exchange(ahead_ns, new_ahead_ns) - new_ahead_ns;
    return booked > 0 ? static_cast<std::uint64_t>(std::llround(booked)) : 0;
  }

  std::uint64_t units_run() const noexcept { return paid_units_; }

 private:
  bool pays_now() noexcept {
    switch (work_.shape) {
      case ExtraShape::every_operation:
        return true;
      case ExtraShape::every_tenth_slice:
        return begun_ % slices_between == 0 || begun_ == samples_;
      case ExtraShape::once:
        // In the middle, what the second half will owe along with the rest.
        if (begun_ != (samples_ + 1) / 2) return false;
        owed_milli_ +=
            static_cast<std::int64_t>((samples_ - begun_) * units_a_sample_ * work_.per_mille);
        work_.per_mille = 0;
        return true;
      case ExtraShape::collections:
        return false;
    }
    return false;
  }

  // Rounded up: what is run ahead is booked later.
  std::uint64_t pay() noexcept {
    if (owed_milli_ <= 0) return 0;
    std::int64_t const units = (owed_milli_ + 999) / 1000;
    owed_milli_ -= units * 1000;
    paid_units_ += static_cast<std::uint64_t>(units);
    return static_cast<std::uint64_t>(units);
  }

  ExtraWork work_;
  std::uint64_t const units_a_sample_, samples_;
  std::uint64_t begun_ = 0, paid_units_ = 0;
  std::int64_t owed_milli_ = 0;  // below zero: run ahead, by less than a unit
};

}  // namespace churn
