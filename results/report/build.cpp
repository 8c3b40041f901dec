#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "harness/core/error.hpp"
#include "results/report/baseline.hpp"
#include "results/report/measured.hpp"
#include "results/report/ratios.hpp"
#include "results/report/report.hpp"
#include "results/report/text.hpp"
#include "results/statistics/bootstrap.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::report {
namespace {

using statistics::Process;

constexpr double collections_wanted_per_sample = 3;

void add_times(store::Cell const& cell, store::Invocation const& invocation, Random& random,
               Measured& measured) {
  if (cell.ops_per_sample == 0 || invocation.sample_ns.empty()) return;
  // A round counts once, whatever was merged into the store.
  auto& times = measured.times;
  if (!times.empty() && times.back().round >= invocation.round) return;
  std::vector<double> per_op_ns;
  per_op_ns.reserve(invocation.sample_ns.size());
  for (auto const ns : invocation.sample_ns) {
    per_op_ns.push_back(static_cast<double>(ns) / static_cast<double>(cell.ops_per_sample));
  }
  Process process = statistics::summarize(invocation.round, per_op_ns, random);
  if (process.value > 0) times.push_back(std::move(process));
}

void add_figures(store::Cell const& cell, store::Invocation const& invocation, Measured& measured) {
  auto const& figures = invocation.figures;
  auto& memory = measured.peak_rss;
  if (auto const peak = figures.find("peak_rss_bytes");
      peak != figures.end() && peak->second > 0 && std::isfinite(peak->second) &&
      (memory.empty() || memory.back().round < invocation.round)) {
    memory.push_back({invocation.round, peak->second, {}});
  }
  for (auto const& [name, value] : figures) {
    if (std::isfinite(value)) measured.figures[name].push_back(value);
  }
  if (auto const ratio = blow_up_of(cell, invocation)) {
    measured.figures["blow_up"].push_back(*ratio);
  }
}

void add(store::Cell const& cell, store::Invocation const& invocation, Random& random,
         Measured& measured) {
  ++measured.invocations;
  if (invocation.outcome != Outcome::ok) {
    if (measured.first_failure == Outcome::ok) {
      measured.first_failure = invocation.outcome;
      measured.reason = invocation.reason;
    }
    return;
  }
  ++measured.ok;
  add_times(cell, invocation, random, measured);
  add_figures(cell, invocation, measured);
}

// A collector that never ran is not warned about: counting references has no collections to miss.
void warn_of_few_collections(store::Cell const& cell, Row& row) {
  auto const in_samples = row.metrics.find("collections_in_samples");
  if (in_samples == row.metrics.end() || cell.samples == 0) return;
  double collections = 0;
  for (auto const* const name : {"collections_gen0", "collections_gen1", "collections_gen2"}) {
    if (auto const found = row.metrics.find(name); found != row.metrics.end()) {
      collections += found->second.median;
    }
  }
  double const each = in_samples->second.median / static_cast<double>(cell.samples);
  if (collections == 0 || each >= collections_wanted_per_sample) return;
  row.warnings.push_back("a sample spans " + three_digits(each) + " collections");
}

Row row_of(store::Cell const& cell, Measured const& measured, store::Run const& run) {
  Row row;
  row.cell_id = cell.id;
  row.key = cell.key;
  row.oversubscribed = cell.oversubscribed;
  row.ok_invocations = measured.ok;
  row.invocations = measured.invocations;
  row.outcome = cell.planned;
  row.reason = cell.planned_reason;
  if (cell.planned != Outcome::ok) return row;
  row.outcome = measured.first_failure;
  row.reason = measured.reason;
  row.measured = measured.invocations > 0;
  if (!row.measured) row.reason = "the run ended before its first invocation";
  if (!row.measured || row.outcome != Outcome::ok) return row;
  if (!measured.times.empty()) {
    row.metrics["time_per_op_ns"] =
        statistics::median_over(measured.times, random_for(run, store::spelled(cell.key), "time"));
  }
  if (cell.peak_live_bytes) {
    auto const bytes = static_cast<double>(*cell.peak_live_bytes);
    row.metrics["peak_live_bytes"] = {bytes, bytes, bytes, 1, statistics::Spread::range};
  }
  for (auto const& [name, values] : measured.figures) {
    row.metrics.emplace(name, statistics::median_over(values));
  }
  warn_of_few_collections(cell, row);
  return row;
}

// First what can be compared, by time; then failures, what was not reached, what makes no sense;
// each in the order of the plan.
void sort_rows(std::vector<Row>& rows) {
  std::vector<std::tuple<int, double, std::size_t>> order;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row const& row = rows[i];
    auto const time = row.metrics.find("time_per_op_ns");
    int const group = row.ok()                                 ? (time == row.metrics.end() ? 1 : 0)
                      : !row.measured                          ? 3
                      : row.outcome == Outcome::not_applicable ? 4
                                                               : 2;
    order.emplace_back(group, group == 0 ? time->second.median : 0, i);
  }
  std::sort(order.begin(), order.end());
  std::vector<Row> sorted;
  for (auto const& [group, time, at] : order) sorted.push_back(std::move(rows[at]));
  rows = std::move(sorted);
}

// What the program itself needs is unknown, but it is no more than the least CPU time that some
// collector left to it; so each collector's overhead is at least its CPU time over that
// (Z. Cai et al., Distilling the real cost of production garbage collectors, ISPASS 2022).
void add_lower_bounds(Block& block) {
  double least_ns = 0;
  std::size_t collectors = 0;
  for (auto const& row : block.rows) {
    auto const cpu = row.metrics.find("cpu_per_op_ns");
    if (!row.ok() || row.key.collector.name.empty() || cpu == row.metrics.end()) continue;
    auto const own = row.metrics.find("collector_cpu_per_op_ns");
    double const rest_ns = cpu->second.median - (own == row.metrics.end() ? 0 : own->second.median);
    if (collectors++ == 0 || rest_ns < least_ns) least_ns = rest_ns;
  }
  if (collectors < 2 || least_ns <= 0) return;
  for (auto& row : block.rows) {
    auto const cpu = row.metrics.find("cpu_per_op_ns");
    if (!row.ok() || cpu == row.metrics.end()) continue;
    Estimate bound = cpu->second;
    for (double* const figure : {&bound.low, &bound.median, &bound.high}) *figure /= least_ns;
    row.metrics["lower_bound_overhead_ratio"] = bound;
  }
}

void compare_rows(Block& block, std::vector<store::Cell const*> const& cells,
                  Measurements const& measurements, store::Run const& run,
                  std::string_view wanted) {
  std::size_t const baseline = choose_baseline(block, wanted);
  if (baseline == block.rows.size()) return;
  auto const& base = measurements.at(cells[baseline]->id);
  auto const base_memory = series_of(base.peak_rss);
  for (std::size_t i = 0; i < block.rows.size(); ++i) {
    Row& row = block.rows[i];
    if (!row.ok()) continue;
    auto const& own = measurements.at(cells[i]->id);
    auto const ratio = statistics::median_ratio(own.times, base.times,
                                                random_for(run, store::spelled(row.key), "ratio"));
    if (ratio.n > 0) row.ratio = ratio;
    row.memory_ratio = ratio_within_rounds(series_of(own.peak_rss), base_memory);
  }
}

Block block_of(std::vector<store::Cell const*> const& cells, Measurements const& measurements,
               store::Run const& run, std::string_view wanted) {
  auto const& key = cells.front()->key;
  Block block;
  block.workload = key.workload;
  block.threads = key.threads;
  block.heap_limit_bytes = key.heap_limit_bytes;
  for (auto const* const cell : cells) {
    if (block.op.empty()) block.op = cell->op;
    if (block.why_unranked.empty()) block.why_unranked = cell->why_unranked;
    block.oversubscribed |= cell->oversubscribed;
    block.rows.push_back(row_of(*cell, measurements.at(cell->id), run));
  }
  compare_rows(block, cells, measurements, run, wanted);
  add_lower_bounds(block);
  sort_rows(block.rows);
  rank_rows(block, measurements);
  return block;
}

void require_baseline(std::vector<store::Cell> const& cells, std::string const& wanted) {
  if (wanted.empty()) return;
  std::vector<std::string> names;
  for (auto const& cell : cells) {
    if (has_name(cell.key, wanted)) return;
    for (auto const* const part : {&cell.key.allocator, &cell.key.collector}) {
      if (!part->name.empty()) names.push_back(store::spelled(*part));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  throw UserError("no cell of this run has the allocator or collector '" + wanted +
                  "' to be the baseline; it has " + enumerated(names));
}

}  // namespace

std::optional<double> blow_up_of(store::Cell const& cell, store::Invocation const& invocation) {
  auto const& figures = invocation.figures;
  auto const start = figures.find("rss_start_bytes"), peak = figures.find("peak_rss_bytes");
  if (figures.contains("blow_up") || start == figures.end() || peak == figures.end()) return {};
  if (cell.peak_live_bytes.value_or(0) == 0) return {};
  return (peak->second - start->second) / static_cast<double>(*cell.peak_live_bytes);
}

Random random_for(store::Run const& run, std::string_view name, std::string_view purpose) {
  std::uint64_t hash = 0;
  for (std::string_view const text : {name, std::string_view("\n"), purpose}) {
    for (char const letter : text) hash = mix(hash, static_cast<unsigned char>(letter));
  }
  return Random::fork(run.seed, hash);
}

Report build(store::Store& store, std::int64_t run_id, Options const& options,
             Visitor const& visit) {
  Report report;
  report.run = store.run(run_id);
  if (report.run.kind != "run") {
    throw UserError("run " + std::to_string(report.run.id) + " is a " + report.run.kind +
                    ", not a comparison; `churn " +
                    (report.run.kind == "try" ? "try --report " : "gate --replay ") +
                    std::to_string(report.run.id) + "` shows it");
  }
  report.machine = store.machine(report.run.id);
  auto const cells = store.cells(report.run.id);
  require_baseline(cells, options.baseline);

  Measurements measurements;
  std::map<std::int64_t, store::Cell const*> by_id;
  std::vector<std::pair<std::uint64_t, std::vector<store::Cell const*>>> blocks;
  for (auto const& cell : cells) {
    measurements[cell.id];
    by_id[cell.id] = &cell;
    auto found = std::find_if(blocks.begin(), blocks.end(),
                              [&](auto const& block) { return block.first == cell.block; });
    if (found == blocks.end()) found = blocks.insert(found, {cell.block, {}});
    found->second.push_back(&cell);
  }
  store.each_invocation(report.run.id, true, [&](store::Invocation const& invocation) {
    auto const found = by_id.find(invocation.cell_id);
    if (found == by_id.end()) return;  // added since, by another writer
    auto const& cell = *found->second;
    Random random = random_for(report.run, store::spelled(cell.key),
                               "samples of round " + std::to_string(invocation.round));
    add(cell, invocation, random, measurements[cell.id]);
    if (visit) visit(cell, invocation);
  });
  auto const& wanted = options.baseline.empty() ? report.run.baseline : options.baseline;
  for (auto const& [id, members] : blocks) {
    report.blocks.push_back(block_of(members, measurements, report.run, wanted));
    for (auto const& row : report.blocks.back().rows) {
      if (!row.measured) ++report.unmeasured_cells;
      if (row.outcome != Outcome::ok && row.outcome != Outcome::not_applicable) {
        ++report.failed_cells;
      }
    }
  }
  report.overall = overall_of(report.blocks, measurements, report.run);
  report.statements = statements_of(report, measurements);
  return report;
}

}  // namespace churn::report
