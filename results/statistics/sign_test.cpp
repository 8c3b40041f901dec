#include "results/statistics/sign_test.hpp"

#include <boost/math/distributions/binomial.hpp>

#include "harness/core/check.hpp"

namespace churn::statistics {

namespace {

using boost::math::policies::policy;
using boost::math::policies::promote_double;
using Binomial = boost::math::binomial_distribution<double, policy<promote_double<false>>>;

}  // namespace

double sign_test(std::size_t heads, std::size_t flips) {
  CHURN_CHECK(heads <= flips);
  if (heads == 0) return 1;
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

Proportion proportion_of(std::size_t hits, std::size_t trials, double confidence) {
  CHURN_CHECK(hits <= trials && trials > 0 && confidence > 0 && confidence < 1);
  double const all = static_cast<double>(trials), some = static_cast<double>(hits);
  double const error = (1 - confidence) / 2;
  Proportion result{some / all, 0, 1};
  if (hits > 0) result.low = Binomial::find_lower_bound_on_p(all, some, error);
  if (hits < trials) result.high = Binomial::find_upper_bound_on_p(all, some, error);
  return result;
}

}  // namespace churn::statistics
