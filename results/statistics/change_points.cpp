#include "results/statistics/change_points.hpp"

#include <algorithm>
#include <cmath>

#include "harness/core/check.hpp"
#include "harness/core/random.hpp"

namespace churn::statistics {
namespace {

// Sums that are equal but for the order of addition must count as equal.
constexpr double rounding = 1e-9;

// Buffers that one search after the other uses again.
class Search {
 public:
  Search(std::size_t most, std::size_t least) : least_(least), within_(most), inverse_(most + 1) {
    before_.resize(most + 1);
    for (std::size_t n = 2; n <= most; ++n) inverse_[n] = 1 / static_cast<double>(n - 1);
  }

  Split best(std::span<double const> values) {
    Split found;
    bool any = false;
    std::fill(within_.begin(), within_.end(), 0);
    before_[0] = 0;
    for (std::size_t end = 1; end <= values.size(); ++end) {
      add(values, end);
      if (end < 2 * least_) continue;
      auto const [at, scaled] = best_before(end);
      double const statistic = scaled / static_cast<double>(end);
      if (any && statistic <= found.statistic) continue;
      found = {statistic, at, end};
      any = true;
    }
    return found;
  }

 private:
  // Takes one more value in: within_[i] is the sum of all distances among values i to end, and
  // before_[n] that among the first n.
  void add(std::span<double const> values, std::size_t end) {
    double const added = values[end - 1];
    double sum = 0;
    for (std::size_t i = end - 1; i-- > 0;) {
      sum += std::abs(values[i] - added);
      within_[i] += sum;
    }
    before_[end] = before_[end - 1] + sum;
  }

  // With n values before and m after, all distances between them, B, less what they have among
  // themselves: 2 B - 2 before m / (n - 1) - 2 after n / (m - 1).
  std::pair<std::size_t, double> best_before(std::size_t end) const {
    std::pair<std::size_t, double> found{least_, 0};
    for (std::size_t n = least_; n + least_ <= end; ++n) {
      std::size_t const m = end - n;
      double const before = before_[n], after = within_[n];
      double const between = before_[end] - before - after;
      double const scaled = 2 * (between - before * static_cast<double>(m) * inverse_[n] -
                                 after * static_cast<double>(n) * inverse_[m]);
      if (n == least_ || scaled > found.second) found = {n, scaled};
    }
    return found;
  }

  std::size_t const least_;
  std::vector<double> within_, inverse_, before_;
};

class Division {
 public:
  Division(std::span<double const> values, ChangePointPlan const& plan)
      : values_(values.begin(), values.end()),
        plan_(plan),
        search_(values.size(), plan.least_segment),
        random_(plan.seed) {
    parts_.push_back(part(0, values.size()));
  }

  std::vector<ChangePoint> run() {
    std::vector<ChangePoint> found;
    for (;;) {
      auto const best =
          std::max_element(parts_.begin(), parts_.end(),
                           [](Part const& a, Part const& b) { return value(a) < value(b); });
      if (best->split.at == 0) break;
      double const p = chance_of(best->split.statistic);
      if (p > plan_.alpha) break;
      std::size_t const begin = best->begin, end = best->end, at = begin + best->split.at;
      found.push_back({at, p});
      *best = part(begin, at);
      parts_.insert(best + 1, part(at, end));
    }
    std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) { return a.at < b.at; });
    return found;
  }

 private:
  struct Part {
    std::size_t begin, end;
    Split split;  // relative to begin
  };
  static double value(Part const& part) {
    return part.split.at == 0 ? -HUGE_VAL : part.split.statistic;
  }

  Part part(std::size_t begin, std::size_t end) {
    return {begin, end, search_.best(std::span(values_).subspan(begin, end - begin))};
  }

  // The share of random orders within the parts in which some part has as good a place; 1 as soon
  // as it is certain to be above alpha.
  double chance_of(double statistic) {
    double const wanted = statistic - rounding * std::abs(statistic);
    double const orders = plan_.permutations + 1.0;
    std::uint32_t as_good = 1;  // the order that was observed
    for (std::uint32_t i = 0; i < plan_.permutations; ++i) {
      as_good += random_order_is_as_good(wanted);
      if (as_good > plan_.alpha * orders) return 1;
    }
    return as_good / orders;
  }

  bool random_order_is_as_good(double wanted) {
    for (Part const& each : parts_) {
      if (each.split.at == 0) continue;
      shuffled_.assign(values_.begin() + static_cast<std::ptrdiff_t>(each.begin),
                       values_.begin() + static_cast<std::ptrdiff_t>(each.end));
      for (std::size_t i = shuffled_.size(); i > 1; --i) {
        std::swap(shuffled_[i - 1], shuffled_[random_.below(i)]);
      }
      if (search_.best(shuffled_).statistic >= wanted) return true;
    }
    return false;
  }

  std::vector<double> const values_;
  ChangePointPlan const plan_;
  Search search_;
  Random random_;
  std::vector<Part> parts_;
  std::vector<double> shuffled_;
};

}  // namespace

std::vector<ChangePoint> change_points(std::span<double const> values,
                                       ChangePointPlan const& plan) {
  CHURN_CHECK(plan.least_segment >= 2);
  CHURN_CHECK(plan.alpha > 0 && plan.alpha < 1);
  return Division(values, plan).run();
}

Split most_divergent_split(std::span<double const> values, std::size_t least) {
  CHURN_CHECK(least >= 2);
  return Search(values.size(), least).best(values);
}

}  // namespace churn::statistics
