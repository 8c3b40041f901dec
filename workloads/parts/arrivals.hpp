// What:  requests that arrive when they will: a Poisson process from the seed, drawn ahead of time
//        and independent of the service.
// Why:   a closed loop hides its victims: who only sends a request when the last one is answered
//        does not notice the thousand that a pause would have kept waiting (coordinated omission).
// How:   the schedule's clock runs inside units alone: it stands still while the harness reads its
//        own figures between slices, and a backlog goes over into the next unit. It is forgiven
//        once, at the start line, with all latencies before it.
// Cost:  two readings of the clock a request, and a logarithm.
// Source: G. Tene, How NOT to measure latency, 2013; open and closed systems after B. Schroeder, A.
//        Wierman and M. Harchol-Balter, NSDI 2006.
// Thread-safety: one for each thread.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/core/clock.hpp"
#include "harness/core/histogram.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"

namespace churn {

class Arrivals {
 public:
  // A thread's own stream of its own.
  static Random stream(std::uint64_t seed, std::uint32_t thread) noexcept {
    return Random::fork(~seed, thread);
  }

  Arrivals(Random random, double mean_interval_ns) noexcept
      : random_(random), mean_interval_ns_(mean_interval_ns) {}

  void begin_unit() noexcept {
    std::uint64_t const began_ns = now_ns();
    if (forgiven_) {
      stood_still_ns_ = static_cast<double>(began_ns) - due_ns_;
      forgiven_ = false;
    } else {
      stood_still_ns_ += static_cast<double>(began_ns - left_ns_);
    }
  }
  // Returns when the next request is due, and has called idle() until then.
  template <class Idle>
  CHURN_ALWAYS_INLINE std::uint64_t await(Idle&& idle) {
    due_ns_ -= std::log(1 - random_.unit()) * mean_interval_ns_;
    auto const due_ns = static_cast<std::uint64_t>(due_ns_ + stood_still_ns_);
    while (now_ns() < due_ns) idle();
    return due_ns;
  }
  void answered(std::uint64_t due_ns) noexcept {
    left_ns_ = now_ns();
    latencies_.record(left_ns_ - due_ns);
  }

  void start_line() noexcept {
    latencies_.clear();
    forgiven_ = true;
  }
  Histogram const& latencies() const noexcept { return latencies_; }

 private:
  Random random_;
  double mean_interval_ns_;
  std::uint64_t left_ns_ = 0;  // the end of the last request
  double due_ns_ = 0;          // the latest arrival, by the schedule's clock
  double stood_still_ns_ = 0;  // what that clock is behind the monotonic one
  bool forgiven_ = true;
  Histogram latencies_;
};

// Names of the 50th, 99th, 99.9th, 99.99th percentile and of the maximum.
using PercentileNames = std::array<std::string_view, 5>;
inline constexpr PercentileNames latency_names{
    "latency_p50_ns", "latency_p99_ns", "latency_p999_ns", "latency_p9999_ns", "latency_max_ns"};

// A percentile is told where at least one value lies beyond it.
inline void add_percentiles(std::vector<Figure>& figures, PercentileNames const& names,
                            Histogram const& all) {
  if (all.count() == 0) return;
  figures.push_back({names[0], all.quantile(0.5)});
  if (all.count() >= 100) figures.push_back({names[1], all.quantile(0.99)});
  if (all.count() >= 1'000) figures.push_back({names[2], all.quantile(0.999)});
  if (all.count() >= 10'000) figures.push_back({names[3], all.quantile(0.9999)});
  figures.push_back({names[4], all.max()});
}

}  // namespace churn
