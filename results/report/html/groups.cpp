// Which back ends and workloads share a table of the matrix, and what it may show.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "harness/core/metrics.hpp"
#include "results/report/baseline.hpp"
#include "results/report/html/parts.hpp"

namespace churn::report::html {
namespace {

constexpr std::array<std::string_view, 14> shown{"time_per_op_ns",
                                                 "cpu_per_op_ns",
                                                 "peak_rss_bytes",
                                                 "blow_up",
                                                 "latency_p50_ns",
                                                 "latency_p99_ns",
                                                 "latency_p9999_ns",
                                                 "slowest_batch_ns",
                                                 "pause_p99_ns",
                                                 "pause_max_ns",
                                                 "collector_cpu_per_op_ns",
                                                 "minor_faults",
                                                 "unshared_pages",
                                                 "floating_garbage_max_bytes"};

// Cells times baselines: what the file's size allows ratios of.
constexpr std::size_t most_ratios = 20'000;

Row const* baseline_of(Block const& block) {
  auto const found = std::find_if(block.rows.begin(), block.rows.end(),
                                  [](Row const& row) { return row.is_baseline; });
  return found == block.rows.end() ? nullptr : &*found;
}

// Titles of the groups that a row belongs to; the baseline belongs to both axes.
std::vector<std::string> groups_of(Block const& block, Row const& row) {
  if (row.key.collector.name.empty()) return {"allocators"};
  Row const* const base = baseline_of(block);
  std::string const collector = base == nullptr ? "refcount" : store::spelled(base->key.collector);
  std::string const allocators = "allocators beneath " + collector, collectors = "collectors";
  bool const same = store::spelled(row.key.collector) == collector;
  if (!row.is_baseline) return {same ? allocators : collectors};
  // Beside those that it is compared with there.
  std::vector<std::string> titles;
  for (bool const axis : {true, false}) {
    bool const any = std::any_of(block.rows.begin(), block.rows.end(), [&](Row const& other) {
      return !other.is_baseline && (store::spelled(other.key.collector) == collector) == axis;
    });
    if (any || (axis && block.rows.size() == 1)) titles.push_back(axis ? allocators : collectors);
  }
  return titles;
}

std::string common_prefix(std::vector<std::string> const& names) {
  std::size_t const slash = names.front().find('/');
  if (slash == std::string::npos || names.front().find('{') < slash) return {};
  std::string const prefix = names.front().substr(0, slash + 1);
  bool const all = std::all_of(names.begin(), names.end(),
                               [&](std::string const& name) { return name.starts_with(prefix); });
  return all ? prefix : std::string();
}

std::string common_suffix(std::vector<std::string> const& names) {
  std::size_t const slash = names.front().rfind('/');
  if (slash == std::string::npos) return {};
  std::string const suffix = names.front().substr(slash);
  bool const all = std::all_of(names.begin(), names.end(), [&](std::string const& name) {
    return name.ends_with(suffix) && name.size() > suffix.size();
  });
  return all ? suffix : std::string();
}

void label(Group& group) {
  std::string const prefix = common_prefix(group.names), suffix = common_suffix(group.names);
  bool const one = group.names.size() < 2;
  bool const by_collector = group.title == "collectors";
  for (auto const& name : group.names) {
    std::string text = name;
    if (!one && by_collector && !prefix.empty()) text.erase(0, prefix.size());
    if (!one && !by_collector && !suffix.empty()) text.resize(text.size() - suffix.size());
    group.labels.push_back(text);
  }
  if (!one && by_collector && !prefix.empty()) {
    group.title += " on " + prefix.substr(0, prefix.size() - 1);
  }
}

}  // namespace

std::vector<Group> groups_of(Report const& report) {
  std::vector<Group> groups;
  std::map<std::string, std::map<std::string, std::size_t>> names;  // as baseline, how often
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    for (auto const& row : report.blocks[i].rows) {
      for (auto const& title : groups_of(report.blocks[i], row)) {
        auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](Group const& each) { return each.title == title; });
        if (group == groups.end()) group = groups.insert(groups.end(), {title, "", {}, {}, {}});
        if (group->blocks.empty() || group->blocks.back() != i) group->blocks.push_back(i);
        names[title][back_end(row.key)] += row.is_baseline;
      }
    }
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& group = groups[i];
    group.id = "g" + std::to_string(i);
    for (auto const& [name, count] : names[group.title]) group.names.push_back(name);
    std::stable_sort(group.names.begin(), group.names.end(), [&](auto const& a, auto const& b) {
      return names[group.title][a] > names[group.title][b];
    });
    label(group);
  }
  return groups;
}

Row const* row_in(Block const& block, std::string const& name) {
  for (auto const& row : block.rows) {
    if (back_end(row.key) == name) return &row;
  }
  return nullptr;
}

std::vector<std::string> matrix_metrics(Report const& report) {
  std::set<std::string> present;
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) {
      for (auto const& [name, estimate] : row.metrics) {
        if (estimate.high > 0) present.insert(name);
      }
    }
  }
  std::vector<std::string> names;
  for (auto const name : shown) {
    if (present.contains(std::string(name))) names.emplace_back(name);
  }
  for (auto const& name : present) {
    if (name.starts_with("rss_after_free_")) names.push_back(name);
  }
  return names;
}

std::vector<std::string> baselines_of(Report const& report) {
  std::map<std::string, std::size_t> counts;
  std::size_t cells = 0;
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) {
      ++cells;
      if (!row.ok()) continue;
      // Those that the report chose come first.
      counts[back_end(row.key)] += row.is_baseline ? 1 + report.blocks.size() : 1;
    }
  }
  std::vector<std::pair<std::size_t, std::string>> order;
  for (auto const& [name, count] : counts) order.emplace_back(count, name);
  std::stable_sort(order.begin(), order.end(),
                   [](auto const& a, auto const& b) { return a.first > b.first; });
  std::size_t const most = std::max<std::size_t>(1, most_ratios / std::max<std::size_t>(cells, 1));
  if (order.size() > most) order.resize(most);
  std::vector<std::string> names;
  for (auto& [count, name] : order) names.push_back(std::move(name));
  return names;
}

}  // namespace churn::report::html
