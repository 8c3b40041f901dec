// What:  --describe: what this program can run, as JSON, so that `churn` needs no header of it. The
//        shape is documented in harness/core/protocol.hpp.
#pragma once

#include <string>

namespace churn::cell {

std::string describe();

}  // namespace churn::cell
