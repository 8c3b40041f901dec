#include "results/report/details.hpp"

#include <cmath>
#include <numeric>

#include "results/report/measured.hpp"

namespace churn::report {
namespace {

// A round counts once, as in the report itself.
void add_figure(CellDetail& cell, std::string const& name, std::uint32_t round, double value) {
  if (!std::isfinite(value)) return;
  auto& series = cell.figures[name];
  if (series.empty() || series.back().round < round) series.push_back({round, value});
}

void add(CellDetail& detail, store::Cell const& cell, store::Invocation const& invocation) {
  detail.ops_per_sample = cell.ops_per_sample;
  auto const& samples = invocation.sample_ns;
  detail.processes.push_back(
      {invocation.round, invocation.outcome, invocation.reason, samples, invocation.rss_time_line});
  if (invocation.outcome != Outcome::ok) return;
  if (!samples.empty() && cell.ops_per_sample > 0) {
    auto const sum = std::accumulate(samples.begin(), samples.end(), std::uint64_t{0});
    auto const ops = static_cast<double>(cell.ops_per_sample) * static_cast<double>(samples.size());
    if (sum > 0) {
      add_figure(detail, "time_per_op_ns", invocation.round, static_cast<double>(sum) / ops);
    }
  }
  for (auto const& [name, value] : invocation.figures) {
    add_figure(detail, name, invocation.round, value);
  }
  if (auto const ratio = blow_up_of(cell, invocation)) {
    add_figure(detail, "blow_up", invocation.round, *ratio);
  }
  for (auto const& histogram : invocation.histograms) {
    auto& pooled = detail.histograms[histogram.name];
    for (auto const& [bound, count] : histogram.buckets) pooled[bound] += count;
  }
}

}  // namespace

Visitor Details::visitor() {
  return [this](store::Cell const& cell, store::Invocation const& invocation) {
    add(cells_[cell.id], cell, invocation);
  };
}

CellDetail const& Details::of(std::int64_t cell_id) const {
  static CellDetail const none;
  auto const found = cells_.find(cell_id);
  return found == cells_.end() ? none : found->second;
}

}  // namespace churn::report
