// What:  what this binary was built from and with; stands on reports and in the machine's facts.
// Cost:  constants.
#pragma once

#include <string>
#include <string_view>

namespace churn::run {

std::string version();                 // "0.1.0" or "0.1.0+1a2b3c4d5e6f"
std::string_view commit() noexcept;    // empty where the tree is not a git clone
std::string_view compiler() noexcept;  // "gcc 12.2.0"
std::string_view
compiler_flags() noexcept;  // what distinguishes this build: type, options, sanitizers

}  // namespace churn::run
