// Who leads a block, in words that its intervals license.
#include <algorithm>

#include "results/report/baseline.hpp"
#include "results/report/measured.hpp"
#include "results/report/text.hpp"
#include "results/statistics/best.hpp"
#include "results/statistics/estimate.hpp"

namespace churn::report {
namespace {

using statistics::Differences;
using statistics::Series;

bool has_time(Row const& row) { return row.ok() && row.metrics.contains("time_per_op_ns"); }

std::string names_of(std::vector<Row*> const& rows, auto&& wanted) {
  std::vector<std::string> names;
  for (Row const* const row : rows) {
    if (wanted(*row)) names.push_back(back_end(row->key));
  }
  return enumerated(names);
}

// What failed has no time and is not spoken of.
std::string others_of(Block const& block) {
  bool const failed = std::any_of(block.rows.begin(), block.rows.end(), [](Row const& row) {
    return !row.ok() && row.outcome != Outcome::not_applicable;
  });
  return failed ? "every other that has a time" : "every other";
}

std::string verdict_of(Block const& block, std::vector<Row*> const& ranked, std::size_t fewest) {
  std::size_t leaders = 0;
  for (Row const* const row : ranked) leaders += row->standing != Standing::behind;
  if (leaders == ranked.size()) {
    std::string text = "not separated: nobody is proven more than 2 % slower than the best";
    if (fewest < statistics::rounds_for_intervals) {
      text += "; " + counted(fewest, "round") + " prove only large differences";
    }
    return text;
  }
  auto const names = names_of(ranked, [](Row const& row) {
    return row.standing == Standing::winner || row.standing == Standing::tied;
  });
  if (leaders == 1)
    return names + " leads: " + others_of(block) + " is proven more than 2 % slower";
  return "top group: " + names + "; " + others_of(block) +
         " is proven more than 2 % slower than the best";
}

// Memory against time, where every ranked row has both.
void find_front(Block& block, std::vector<Row*> const& ranked, Differences const& times,
                Measurements const& measurements) {
  std::vector<Series> memory;
  for (Row const* const row : ranked) {
    auto const& measured = measurements.at(row->cell_id);
    if (measured.peak_rss.size() < statistics::rounds_for_pairs) return;
    memory.push_back(series_of(measured.peak_rss));
  }
  auto const dominated = statistics::dominated_by(times, Differences(memory));
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranked[i]->on_front = !dominated[i];
    if (dominated[i]) ranked[i]->dominated_by = back_end(ranked[*dominated[i]]->key);
  }
  auto const off = std::count_if(dominated.begin(), dominated.end(),
                                 [](auto const& each) { return each.has_value(); });
  if (off == 0) {
    block.front = "time against peak memory: nobody is proven to be dominated";
    return;
  }
  block.front = "time against peak memory: the front is " +
                names_of(ranked, [](Row const& row) { return *row.on_front; }) + "; " +
                others_of(block) + " is proven to be dominated";
}

}  // namespace

std::string enumerated(std::vector<std::string> const& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

Series series_of(std::vector<statistics::Process> const& processes) {
  Series series;
  for (auto const& process : processes) series.push_back({process.round, process.value});
  return series;
}

void rank_rows(Block& block, Measurements const& measurements) {
  if (block.oversubscribed) {
    block.verdict = "not ranked: more threads than cores";
    return;
  }
  std::vector<Row*> ranked;
  std::vector<Series> times;
  std::size_t fewest = SIZE_MAX;
  for (auto& row : block.rows) {
    if (!has_time(row)) continue;
    ranked.push_back(&row);
    times.push_back(series_of(measurements.at(row.cell_id).times));
    fewest = std::min(fewest, times.back().size());
  }
  if (ranked.size() < 2) return;
  if (!block.why_unranked.empty()) {
    block.verdict = "not ranked by time: " + block.why_unranked;
    return;
  }
  if (fewest < statistics::rounds_for_pairs) {
    block.verdict =
        "not ranked: fewer than " + std::to_string(statistics::rounds_for_pairs) + " rounds";
    return;
  }
  Differences const differences(times);
  auto const against = statistics::against_best(differences);
  auto const standings = statistics::standings_of(against);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranked[i]->to_best = against[i];
    ranked[i]->standing = standings[i];
  }
  block.verdict = verdict_of(block, ranked, fewest);
  find_front(block, ranked, differences, measurements);
}

}  // namespace churn::report
