// What:  what on this machine makes numbers noisy: each item with what was found, where, and the
//        fix.
// Why:   rounds, seeds and intervals cannot repair a throttled or shared machine; they only show
//        it.
// When not: to decide whether a difference is real. A report's intervals do that.
// Cost:  reads below /proc and /sys, and a quarter of a second of watching the CPUs' clocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/machine.hpp"

namespace churn::run {

enum class Health {
  fine,
  warning,  // makes numbers noisier or differ from other machines'; `fix` says what helps
  unknown,  // this system does not say
};
std::string_view name_of(Health health) noexcept;  // "ok", "warn", "unknown"

struct Examination {
  std::string item;  // "governor"
  Health health = Health::unknown;
  std::string found;  // "powersave on 2 of 2 cores"
  std::string how;    // where that was read
  std::string fix;    // empty when fine
};

// CPU time of the whole machine since boot, in ticks.
struct CpuTicks {
  std::uint64_t busy = 0, idle = 0, stolen = 0;
};
CpuTicks read_cpu_ticks(SystemFiles const& files);

// `before` and `after` are read some time apart; what happened between them is the load.
std::vector<Examination> examine(SystemFiles const& files, CpuTicks const& before,
                                 CpuTicks const& after);
// The same on this machine, now.
std::vector<Examination> examine_machine();

}  // namespace churn::run
