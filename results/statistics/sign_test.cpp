#include "results/statistics/sign_test.hpp"

#include <boost/math/distributions/binomial.hpp>

#include "harness/core/check.hpp"

namespace churn::statistics {

double sign_test(std::size_t heads, std::size_t flips) {
  CHURN_CHECK(heads <= flips);
  if (heads == 0) return 1;
  using boost::math::policies::policy;
  using boost::math::policies::promote_double;
  using Binomial = boost::math::binomial_distribution<double, policy<promote_double<false>>>;
  return boost::math::cdf(boost::math::complement(Binomial(static_cast<double>(flips), 0.5),
                                                  static_cast<double>(heads - 1)));
}

double sign_test_beyond(std::span<double const> differences, double beyond) {
  CHURN_CHECK(beyond > 0);
  std::size_t above = 0, below = 0;
  for (double const each : differences) {
    above += each > beyond;
    below += each < -beyond;
  }
  return sign_test(above, above + below);
}

}  // namespace churn::statistics
