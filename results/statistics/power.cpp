#include "results/statistics/power.hpp"

#include <boost/math/distributions/normal.hpp>
#include <limits>

#include "harness/core/check.hpp"

namespace churn::statistics {
namespace {

double normal_quantile(double share) {
  using boost::math::policies::policy;
  using boost::math::policies::promote_double;
  using Normal = boost::math::normal_distribution<double, policy<promote_double<false>>>;
  return boost::math::quantile(Normal(), share);
}

}  // namespace

double minimum_detectable_shift(Shift const& shift, double tolerated, double alarm, double power) {
  CHURN_CHECK(alarm > 0 && alarm < 1 && power > 0 && power < 1);
  // Four pairs: an interval of fewer reaches from the lowest to the highest average and no further.
  constexpr double least_confidence = 0.875;
  if (shift.confidence < least_confidence) return std::numeric_limits<double>::infinity();
  double const deviations = normal_quantile((1 + shift.confidence) / 2);
  double const standard_error = (shift.high - shift.low) / 2 / deviations;
  return tolerated + standard_error * (normal_quantile(1 - alarm) + normal_quantile(power));
}

}  // namespace churn::statistics
