// Over several workloads: means of ratios, and how often a back end was in the top group.
#include <algorithm>
#include <functional>
#include <set>

#include "results/report/baseline.hpp"
#include "results/report/measured.hpp"
#include "results/report/text.hpp"
#include "results/statistics/best.hpp"

namespace churn::report {
namespace {

using statistics::LogRatio;

// What one block has to say of the back ends of a group.
struct Part {
  Block const* block;
  std::string key;  // of the block: the order of the plan must not matter
  std::vector<Row const*> rows;
};

std::string key_of(Block const& block) {
  return store::spelled(block.workload) + '@' + std::to_string(block.threads) + ' ' +
         std::to_string(block.heap_limit_bytes);
}

std::string kind_of(Block const& block) {
  return block.workload.name.substr(0, block.workload.name.find('/'));
}

Row const& baseline_of(Block const& block) {
  return *std::find_if(block.rows.begin(), block.rows.end(),
                       [](Row const& row) { return row.is_baseline; });
}

// The parts that a mean can be taken over, since the same back ends are ok in all of them: those
// with the most back ends first, as many as give the most figures.
std::vector<Part> averaged(std::vector<Part> parts, std::set<std::string>& names) {
  std::sort(parts.begin(), parts.end(), [](Part const& a, Part const& b) {
    return std::pair(b.rows.size(), a.key) < std::pair(a.rows.size(), b.key);
  });
  std::set<std::string> common;
  std::size_t taken = 0, figures = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::set<std::string> here;
    for (Row const* const row : parts[i].rows) {
      auto name = back_end(row->key);
      if (row->ratio && (i == 0 || common.contains(name))) here.insert(std::move(name));
    }
    common = std::move(here);
    if (common.size() < 2) break;
    if (i == 0 || (i + 1) * common.size() < figures) continue;
    taken = i + 1;
    figures = taken * common.size();
    names = common;
  }
  parts.resize(taken);
  return parts;
}

// By the name of the workload, since its variations are no workloads of their own; then by key.
using Workloads = std::map<std::string, std::map<std::string, Part const*>>;

Workloads by_workload(std::vector<Part> const& parts) {
  Workloads result;
  for (Part const& part : parts) result[part.block->workload.name][part.key] = &part;
  return result;
}

using Figures = std::vector<statistics::Process> Measured::*;

std::optional<Estimate> mean_ratio(Workloads const& workloads, std::string const& name,
                                   Figures figures, Measurements const& measurements,
                                   Random random) {
  std::vector<LogRatio> ratios;
  for (auto const& [workload, parts] : workloads) {
    std::vector<LogRatio> variations;
    for (auto const& [key, part] : parts) {
      auto const row = std::find_if(part->rows.begin(), part->rows.end(),
                                    [&](Row const* each) { return back_end(each->key) == name; });
      auto const& own = measurements.at((*row)->cell_id).*figures;
      auto const& base = measurements.at(baseline_of(*part->block).cell_id).*figures;
      auto ratio = statistics::log_ratio(own, base, Random(random.next()));
      if (!ratio) return std::nullopt;
      variations.push_back(std::move(*ratio));
    }
    ratios.push_back(statistics::mean_of(variations));
  }
  return statistics::geometric_mean_over(ratios, random);
}

// Among the rows of the part alone: a block may have others, of another axis.
std::vector<Standing> standings_in(Part const& part, Measurements const& measurements) {
  auto const ranked = static_cast<std::size_t>(
      std::count_if(part.block->rows.begin(), part.block->rows.end(),
                    [](Row const& row) { return row.standing != Standing::unranked; }));
  if (part.rows.size() == ranked) {
    std::vector<Standing> standings;
    for (Row const* const row : part.rows) standings.push_back(row->standing);
    return standings;
  }
  std::vector<statistics::Series> times;
  for (Row const* const row : part.rows) {
    times.push_back(series_of(measurements.at(row->cell_id).times));
  }
  return statistics::standings_of(statistics::against_best(statistics::Differences(times)));
}

Overall group_of(std::string kind, std::string title, std::vector<Part> const& parts,
                 Measurements const& measurements, store::Run const& run) {
  Overall group{std::move(kind), std::move(title), parts.front().block->baseline, 0, 0, "", {}};
  std::map<std::string, OverallRow> rows;
  for (Part const& part : parts) {
    auto const standings = standings_in(part, measurements);
    for (std::size_t i = 0; i < part.rows.size(); ++i) {
      OverallRow& row = rows[back_end(part.rows[i]->key)];
      row.wins += standings[i] == Standing::winner;
      row.ties += standings[i] == Standing::tied;
      row.losses += standings[i] == Standing::behind;
      row.on_front += part.rows[i]->on_front.value_or(false);
    }
  }
  std::set<std::string> names;
  auto const taken = averaged(parts, names);
  auto const workloads = by_workload(taken);
  group.blocks = static_cast<std::uint32_t>(taken.size());
  group.workloads = static_cast<std::uint32_t>(workloads.size());
  for (auto& [name, row] : rows) {
    row.name = name;
    if (names.contains(name)) {
      row.time = mean_ratio(workloads, name, &Measured::times, measurements,
                            random_for(run, group.title + name, "mean time"));
      row.peak_rss = mean_ratio(workloads, name, &Measured::peak_rss, measurements,
                                random_for(run, group.title + name, "mean memory"));
    }
    group.rows.push_back(row);
  }
  std::stable_sort(group.rows.begin(), group.rows.end(),
                   [](OverallRow const& a, OverallRow const& b) {
                     if (!a.time || !b.time) return a.time.has_value() && !b.time.has_value();
                     return a.time->median < b.time->median;
                   });
  return group;
}

struct Axis {
  std::string title;
  std::function<bool(Row const&, Row const& baseline)> has;
};

// Either axis for itself where every row lies on one of them, the baseline being on both.
std::vector<Axis> axes_of(std::string const& kind, std::vector<Block const*> const& blocks) {
  auto const same_allocator = [](Row const& row, Row const& baseline) {
    return row.key.allocator == baseline.key.allocator;
  };
  auto const same_collector = [](Row const& row, Row const& baseline) {
    return row.key.collector == baseline.key.collector;
  };
  bool crossed = false, collectors = false, allocators = false;
  for (Block const* const block : blocks) {
    Row const& baseline = baseline_of(*block);
    for (Row const& row : block->rows) {
      bool const allocator = same_allocator(row, baseline);
      bool const collector = same_collector(row, baseline);
      crossed |= !allocator && !collector;
      collectors |= allocator && !collector;
      allocators |= collector && !allocator;
    }
  }
  if (kind == "malloc" || crossed || !(collectors && allocators)) {
    return {{"all " + kind + " workloads", [](Row const&, Row const&) { return true; }}};
  }
  auto const& key = baseline_of(*blocks.front()).key;
  return {{"allocators under " + store::spelled(key.collector), same_collector},
          {"collectors on " + store::spelled(key.allocator), same_allocator}};
}

std::string kept_out_of(std::vector<Block> const& blocks, std::string const& kind) {
  std::map<std::string, std::string> reasons;
  for (auto const& block : blocks) {
    if (kind_of(block) == kind && !block.why_unranked.empty()) {
      reasons[block.workload.name] = block.why_unranked;
    }
  }
  std::string text;
  for (auto const& [name, reason] : reasons) {
    text += (text.empty() ? "" : "; ") + name + " is kept out: " + reason;
  }
  return text;
}

}  // namespace

std::vector<Overall> overall_of(std::vector<Block> const& blocks, Measurements const& measurements,
                                store::Run const& run) {
  std::vector<Overall> result;
  for (std::string const kind : {"malloc", "managed"}) {
    std::map<std::string, std::vector<Block const*>> by_baseline;
    for (auto const& block : blocks) {
      bool const ranked = std::any_of(block.rows.begin(), block.rows.end(), [](Row const& row) {
        return row.standing != Standing::unranked;
      });
      if (kind_of(block) == kind && ranked && !block.baseline.empty()) {
        by_baseline[block.baseline].push_back(&block);
      }
    }
    for (auto const& [baseline, members] : by_baseline) {
      for (Axis const& axis : axes_of(kind, members)) {
        std::vector<Part> parts;
        for (Block const* const block : members) {
          Part part{block, key_of(*block), {}};
          for (Row const& row : block->rows) {
            bool const ranked = row.standing != Standing::unranked;
            if (ranked && axis.has(row, baseline_of(*block))) part.rows.push_back(&row);
          }
          if (part.rows.size() > 1) parts.push_back(std::move(part));
        }
        if (parts.size() < 2) continue;
        // Two groups need two names.
        std::string const title =
            by_baseline.size() > 1 ? axis.title + ", to " + baseline : axis.title;
        result.push_back(group_of(kind, title, parts, measurements, run));
        result.back().kept_out = kept_out_of(blocks, kind);
      }
    }
  }
  return result;
}

}  // namespace churn::report
