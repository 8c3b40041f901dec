// What:  how long the calling thread has waited for a processor while it could have run, as the
//        kernel counts it. What others on the machine took, and not a cost of the cell.
// Cost:  three system calls, some µs; allocates nothing. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>

namespace churn::cell {

// None: this kernel does not count it.
std::optional<std::uint64_t> own_run_delay_ns() noexcept;

}  // namespace churn::cell
