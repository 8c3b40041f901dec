#include "results/statistics/student.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace churn::statistics {
namespace {

using boost::math::policies::policy;
using boost::math::policies::promote_double;
using Student = boost::math::students_t_distribution<double, policy<promote_double<false>>>;

}  // namespace

double student_above(double freedom, double t) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  return boost::math::cdf(boost::math::complement(Student(freedom), t));
}

double student_quantile_above(double freedom, double tail) {
  return boost::math::quantile(boost::math::complement(Student(freedom), tail));
}

}  // namespace churn::statistics
