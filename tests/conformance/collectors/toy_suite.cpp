#include "tests/conformance/collectors/toy_suite.hpp"

#include "tests/conformance/collectors/toy_collector.hpp"

namespace churn::toy {

conform::CollectorSuite suite() { return conform::make_suite<Collector>("toy"); }

}  // namespace churn::toy
