// What:  the conformance suite of the toy collector, compiled in a unit of its own.
#pragma once

#include "harness/conform/collector_suite.hpp"

namespace churn::toy {

conform::CollectorSuite suite();

}  // namespace churn::toy
