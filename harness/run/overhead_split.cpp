#include "harness/run/overhead_split.hpp"

#include <algorithm>
#include <numeric>

namespace churn::run {
namespace {

// Requested bytes that an invocation may keep; with headers and slack up to three times as many.
constexpr std::uint64_t most_split_bytes = std::uint64_t{256} << 20;

struct Arm {
  double SplitTimes::* time;
  Parts parts;
};
constexpr std::array<Arm, 5> arms{{
    {&SplitTimes::base_ns, {false, false, false}},
    {&SplitTimes::allocation_ns, {true, false, false}},
    {&SplitTimes::barriers_ns, {false, true, false}},
    {&SplitTimes::unreclaimed_ns, {true, true, false}},
    {&SplitTimes::full_ns, {true, true, true}},
}};

}  // namespace

std::map<std::string, double> split_figures(SplitTimes const& times) {
  double const allocation = times.allocation_ns - times.base_ns;
  double const barrier = times.barriers_ns - times.base_ns;
  double const reclamation = times.full_ns - times.unreclaimed_ns;
  double const all = times.full_ns - times.base_ns;
  return {{"overhead_allocation_ns", allocation},
          {"overhead_barrier_ns", barrier},
          {"overhead_reclamation_ns", reclamation},
          {"overhead_interaction_ns", all - allocation - barrier - reclamation}};
}

std::optional<double> split_time_per_op_ns(Record const& record, Work const& work) {
  double const cpu_ns =
      std::accumulate(record.sample_cpu_ns.begin(), record.sample_cpu_ns.end(), 0.0);
  double const own_ns = cpu_ns - record.first_touches_ns;
  if (own_ns <= 0) return std::nullopt;
  return own_ns / (static_cast<double>(record.ops_per_unit) * static_cast<double>(work.units));
}

OverheadSplit::Fits const* OverheadSplit::work_for(PlannedCell const& cell, Work const& timed) {
  if (auto const known = works_.find(cell.block); known != works_.end()) return &known->second;
  Work wanted{std::max(timed.units / 3 / timed.samples, std::uint64_t{1}) * timed.samples,
              timed.samples, 0};
  wanted.warmup_units = warmup_units(wanted.units, wanted.samples);
  Finding const counted = invoker_.count(cell, reference_of(cell), wanted);
  if (counted.interrupted) return nullptr;
  Fits& fits = works_[cell.block];
  if (!counted.ok()) {
    fits.why_not = "its counting pass failed: " + counted.record.reason;
    return &fits;
  }
  std::uint64_t const room = std::min(room_for_kept_bytes(memory_cap_bytes_), most_split_bytes);
  Requested const requested{wanted, counted.record.total_bytes, counted.record.total_bytes_warm};
  fits.work = work_that_fits(requested, room);
  if (!fits.work) {
    fits.why_not = "one unit of the work after its warm-up needs more than the " +
                   std::to_string(room >> 20) + " MiB that may be kept without reclamation";
  }
  return &fits;
}

OverheadSplit::Found OverheadSplit::measure(PlannedCell const& cell, Work const& timed,
                                            std::uint32_t round) {
  Found found;
  found.why_not = cell.why_no_split;
  if (!found.why_not.empty()) return found;
  Fits const* const fits = work_for(cell, timed);
  found.interrupted = fits == nullptr;
  if (found.interrupted) return found;
  found.why_not = fits->why_not;
  if (!fits->work) return found;
  SplitTimes times;
  std::string checksum;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    Arm const& arm = arms[(i + round) % arms.size()];
    Finding const finding = invoker_.split(cell, *fits->work, arm.parts);
    found.interrupted = finding.interrupted;
    if (found.interrupted) return found;
    if (!finding.ok()) {
      found.why_not = finding.record.reason;
      return found;
    }
    if (!checksum.empty() && finding.record.checksum != checksum) {
      found.why_not = "its parts do not give the same answer";
      return found;
    }
    checksum = finding.record.checksum;
    auto const time = split_time_per_op_ns(finding.record, *fits->work);
    if (!time) {
      found.why_not = "first touches of pages are all of its time";
      return found;
    }
    times.*arm.time = *time;
  }
  found.figures = split_figures(times);
  return found;
}

}  // namespace churn::run
