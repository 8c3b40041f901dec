// What:  the least and greatest block size that a malloc workload was asked for, and a draw between
//        them.
// Why:   two parameters that must not cross are checked in one place, before anything runs.
// Errors: UserError where least > greatest.
// Cost of a draw: one multiplication. Thread-safety: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "harness/core/error.hpp"
#include "harness/core/workload.hpp"

namespace churn {

// Scales 32 random bits to [0, bound). pre: bound <= 2^32
constexpr std::uint64_t scaled(std::uint32_t bits, std::uint64_t bound) noexcept {
  return (bits * bound) >> 32;
}

struct SizeRange {
  std::size_t least, greatest;
  std::size_t count;  // sizes there are; kept since the loops draw from it

  // From the parameters "min" and "max", in bytes.
  static SizeRange of(WorkloadContext const& context, std::string_view workload) {
    std::int64_t const least = context["min"], greatest = context["max"];
    if (least > greatest) {
      throw UserError("malloc/" + std::string(workload) + ": min=" + std::to_string(least) +
                      " is above max=" + std::to_string(greatest) +
                      "; give a min that is at most max");
    }
    return {static_cast<std::size_t>(least), static_cast<std::size_t>(greatest),
            static_cast<std::size_t>(greatest - least) + 1};
  }

  // Uniform in [least, greatest].
  std::size_t pick(std::uint32_t bits) const noexcept { return least + scaled(bits, count); }
};

}  // namespace churn
