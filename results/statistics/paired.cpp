#include "results/statistics/paired.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/core/check.hpp"
#include "results/statistics/descriptive.hpp"
#include "results/statistics/estimate.hpp"
#include "results/statistics/student.hpp"

namespace churn::statistics {
namespace {

constexpr std::size_t values_per_trimmed = 8;
// Of a difference: what no clock or page size here resolves, and what few rounds may hide.
constexpr double least_deviation = 0.001, least_deviation_of_few = 0.05;

std::vector<double> logs_of(Series const& a, Series const& b) {
  std::vector<double> logs;
  auto other = b.begin();
  for (Observation const& mine : a) {
    CHURN_CHECK(mine.value > 0 && (&mine == &a.front() || (&mine)[-1].round < mine.round));
    while (other != b.end() && other->round < mine.round) ++other;
    if (other == b.end()) break;
    if (other->round != mine.round) continue;
    CHURN_CHECK(other->value > 0);
    logs.push_back(std::log(mine.value) - std::log(other->value));
  }
  return logs;
}

// The standard error of the mean of h values that are left of n.
double error_of(double deviation, double n, double h) {
  return deviation * std::sqrt((n - 1) / (h * (h - 1)));
}

Difference difference_of(std::vector<double> logs) {
  Difference result;
  result.n = static_cast<std::uint32_t>(logs.size());
  if (result.n < rounds_for_pairs) return result;
  std::sort(logs.begin(), logs.end());
  std::size_t const cut = logs.size() / values_per_trimmed, end = logs.size() - cut;
  auto const n = static_cast<double>(logs.size()), h = static_cast<double>(end - cut);
  for (std::size_t i = cut; i < end; ++i) result.center += logs[i] / h;
  double mean = 0, squares = 0;
  for (double& each : logs) {
    each = std::clamp(each, logs[cut], logs[end - 1]);
    mean += each / n;
  }
  for (double const each : logs) squares += (each - mean) * (each - mean);
  result.error = error_of(std::max(std::sqrt(squares / (n - 1)), least_deviation), n, h);
  result.freedom = h - 1;
  return result;
}

}  // namespace

Differences::Differences(std::span<Series const> series)
    : size_(series.size()), pairs_(series.size() * series.size()) {
  std::vector<double> deviations;
  for (std::size_t a = 0; a < size_; ++a) {
    for (std::size_t b = a + 1; b < size_; ++b) {
      Difference& pair = pairs_[place(a, b)] = difference_of(logs_of(series[a], series[b]));
      if (pair.n >= rounds_for_pairs && pair.n < rounds_for_intervals) {
        deviations.push_back(pair.error * std::sqrt(pair.n));
      }
    }
  }
  if (deviations.empty()) return;
  double const usual = std::max(median(deviations), least_deviation_of_few);
  for (Difference& pair : pairs_) {
    if (pair.n < rounds_for_pairs || pair.n >= rounds_for_intervals) continue;
    pair.error = std::max(pair.error, usual / std::sqrt(pair.n));
  }
}

Difference Differences::of(std::size_t a, std::size_t b) const {
  CHURN_CHECK(a != b && a < size_ && b < size_);
  if (a < b) return pairs_[place(a, b)];
  Difference turned = pairs_[place(b, a)];
  turned.center = -turned.center;
  return turned;
}

double Differences::p_above(std::size_t a, std::size_t b, double shift) const {
  Difference const pair = of(a, b);
  if (pair.n < rounds_for_pairs) return 1;
  return student_above(pair.freedom, (pair.center - shift) / pair.error);
}

std::vector<double> Differences::least(double tail) const {
  std::vector<double> result(size_ * size_, 0);
  double freedom = 0, quantile = 0;  // of the pair before: most have as many rounds
  for (std::size_t a = 0; a < size_; ++a) {
    for (std::size_t b = 0; b < size_; ++b) {
      if (a == b) continue;
      Difference const pair = of(a, b);
      double& least = result[place(a, b)] = -std::numeric_limits<double>::infinity();
      if (pair.n < rounds_for_pairs) continue;
      if (pair.freedom != freedom) {
        freedom = pair.freedom;
        quantile = student_quantile_above(freedom, tail);
      }
      least = pair.center - pair.error * quantile;
    }
  }
  return result;
}

}  // namespace churn::statistics
