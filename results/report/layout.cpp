#include "results/report/layout.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "results/report/baseline.hpp"
#include "results/report/text.hpp"

namespace churn::report {
namespace {

constexpr char const* absent = "–";

Estimate const* find(Row const& row, std::string_view metric) {
  auto const found = row.metrics.find(std::string(metric));
  return found == row.metrics.end() ? nullptr : &found->second;
}

// One unit for a column, so that its figures compare at a glance.
TimeUnit unit_of(std::vector<Row const*> const& rows, std::string_view metric) {
  double least = 0;
  for (auto const* const row : rows) {
    auto const* const estimate = find(*row, metric);
    if (estimate == nullptr || estimate->median <= 0) continue;
    if (least == 0 || estimate->median < least) least = estimate->median;
  }
  return time_unit_for(least);
}

std::string_view name_of_spread(std::vector<Row const*> const& rows) {
  bool range = false, interval = false;
  for (auto const* const row : rows) {
    auto const* const time = find(*row, "time_per_op_ns");
    if (time == nullptr) continue;
    (time->spread == statistics::Spread::range ? range : interval) = true;
  }
  return range && interval ? "range or 95 %" : range ? "range" : "95 %";
}

using CellText = std::function<std::string(Row const&)>;

void add_column(Table& table, std::string title, CellText const& text) {
  std::vector<std::string> column;
  for (auto const* const row : table.rows) column.push_back(text(*row));
  if (std::all_of(column.begin(), column.end(), [](auto const& cell) { return cell.empty(); })) {
    return;
  }
  table.titles.push_back(std::move(title));
  for (std::size_t i = 0; i < column.size(); ++i) {
    table.cells[i].push_back(column[i].empty() ? absent : std::move(column[i]));
  }
}

// difference: of times in ns, small beside what it is made of and of either sign, so never without
// its spread.
enum class Figure { time, bytes, count, ratio, difference };

struct ColumnKind {
  char const *metric, *title;
  Figure figure;
};

// What stands beside time: purge policies move cost between these.
constexpr std::array columns{
    ColumnKind{"peak_rss_bytes", "peak RSS", Figure::bytes},
    ColumnKind{"blow_up", "blow-up", Figure::ratio},
    ColumnKind{"cpu_per_op_ns", "CPU/op", Figure::time},
    ColumnKind{"system_per_op_ns", "system/op", Figure::time},
    ColumnKind{"minor_faults", "faults", Figure::count},
    ColumnKind{"latency_p50_ns", "median latency", Figure::time},
    ColumnKind{"latency_p9999_ns", "99.99 % latency", Figure::time},
    ColumnKind{"latency_max_ns", "max latency", Figure::time},
    ColumnKind{"malloc_p50_ns", "median malloc", Figure::time},
    ColumnKind{"malloc_p99_ns", "99 % malloc", Figure::time},
    ColumnKind{"malloc_p9999_ns", "99.99 % malloc", Figure::time},
    ColumnKind{"malloc_max_ns", "max malloc", Figure::time},
    ColumnKind{"local_free_p50_ns", "median local free", Figure::time},
    ColumnKind{"local_free_p9999_ns", "99.99 % local free", Figure::time},
    ColumnKind{"local_free_max_ns", "max local free", Figure::time},
    ColumnKind{"remote_free_p50_ns", "median remote free", Figure::time},
    ColumnKind{"remote_free_p9999_ns", "99.99 % remote free", Figure::time},
    ColumnKind{"remote_free_max_ns", "max remote free", Figure::time},
    ColumnKind{"rss_before_free_bytes", "RSS before free", Figure::bytes},
    ColumnKind{"rss_after_free_0s_bytes", "all freed", Figure::bytes},
    ColumnKind{"rss_after_free_1s_bytes", "after 1 s", Figure::bytes},
    ColumnKind{"rss_after_free_5s_bytes", "after 5 s", Figure::bytes},
    ColumnKind{"rss_after_most_free_0s_bytes", "99 % freed", Figure::bytes},
    ColumnKind{"rss_after_most_free_5s_bytes", "99 % after 5 s", Figure::bytes},
    ColumnKind{"unshared_pages", "unshared pages", Figure::count},
    ColumnKind{"pause_max_ns", "max pause", Figure::time},
    ColumnKind{"mmu_10ms", "MMU 10 ms", Figure::ratio},
    ColumnKind{"collector_cpu_per_op_ns", "collector CPU/op", Figure::time},
    ColumnKind{"lower_bound_overhead_ratio", "overhead ≥", Figure::ratio},
    ColumnKind{"overhead_allocation_ns", "of allocation", Figure::difference},
    ColumnKind{"overhead_barrier_ns", "of barriers", Figure::difference},
    ColumnKind{"overhead_reclamation_ns", "of reclamation", Figure::difference},
    ColumnKind{"overhead_interaction_ns", "of interaction", Figure::difference},
    ColumnKind{"full_collection_per_object_ns", "full coll./object", Figure::time},
    ColumnKind{"collections_gen0", "gen 0 coll.", Figure::count},
    ColumnKind{"collections_gen1", "gen 1 coll.", Figure::count},
    ColumnKind{"collections_gen2", "full coll.", Figure::count},
    ColumnKind{"floating_garbage_max_objects", "most garbage", Figure::count},
    ColumnKind{"unreclaimed_at_end_objects", "unreclaimed", Figure::count},
};

void add_difference(Table& table, ColumnKind const& kind) {
  add_column(table, std::string(kind.title) + " ns", [&](Row const& row) -> std::string {
    auto const* const estimate = find(row, kind.metric);
    if (estimate == nullptr) return {};
    return three_digits(estimate->median) + " (" + three_digits(estimate->low) + " to " +
           three_digits(estimate->high) + ")";
  });
}

void add_metric(Table& table, ColumnKind const& kind) {
  if (kind.figure == Figure::difference) return add_difference(table, kind);
  if (kind.figure != Figure::time) {
    add_column(table, kind.title, [&](Row const& row) -> std::string {
      auto const* const estimate = find(row, kind.metric);
      if (estimate == nullptr) return {};
      switch (kind.figure) {
        case Figure::bytes:
          return bytes_text(estimate->median);
        case Figure::count:
          return count_text(estimate->median);
        default:
          return three_digits(estimate->median);
      }
    });
    return;
  }
  TimeUnit const unit = unit_of(table.rows, kind.metric);
  add_column(table, std::string(kind.title) + " " + std::string(unit.name),
             [&](Row const& row) -> std::string {
               auto const* const estimate = find(row, kind.metric);
               return estimate == nullptr ? "" : three_digits(estimate->median / unit.ns);
             });
}

std::string invocations_text(Row const& row) {
  return std::to_string(row.ok_invocations) + "/" + std::to_string(row.invocations);
}

std::string joined(std::vector<std::string> const& parts) {
  std::string text;
  for (auto const& part : parts) {
    if (!text.empty() && !part.empty()) text += "; ";
    text += part;
  }
  return text;
}

}  // namespace

std::string interval(Estimate const& estimate, double unit) {
  return three_digits(estimate.low / unit) + "–" + three_digits(estimate.high / unit);
}

std::string to_best_text(statistics::AgainstBest const& against) {
  constexpr double most = 100;
  std::string low = against.low == 1 ? "1" : three_digits(against.low);
  if (!against.high || *against.high > most) return "≥ " + low;
  if (*against.high == against.low) return low;
  return low + "–" + three_digits(*against.high);
}

Table table_of(Block const& block) {
  Table table;
  table.titles.push_back("back end");
  for (auto const& row : block.rows) {
    if (!row.ok()) continue;
    table.rows.push_back(&row);
    table.cells.push_back({back_end(row.key)});
  }
  std::string const spread(name_of_spread(table.rows));
  TimeUnit const unit = unit_of(table.rows, "time_per_op_ns");
  add_column(table, "time/op " + std::string(unit.name), [&](Row const& row) -> std::string {
    auto const* const time = find(row, "time_per_op_ns");
    return time == nullptr ? "" : three_digits(time->median / unit.ns);
  });
  add_column(table, spread, [&](Row const& row) -> std::string {
    auto const* const time = find(row, "time_per_op_ns");
    return time == nullptr ? "" : interval(*time, unit.ns);
  });
  add_column(table, "ratio", [](Row const& row) -> std::string {
    if (!row.ratio) return {};
    return row.is_baseline ? "1" : three_digits(row.ratio->median);
  });
  add_column(table, spread, [](Row const& row) -> std::string {
    if (!row.ratio) return {};
    return row.is_baseline ? "baseline" : interval(*row.ratio, 1);
  });
  add_column(table, "to best", [](Row const& row) -> std::string {
    return row.to_best ? to_best_text(*row.to_best) : "";
  });
  for (auto const& kind : columns) add_metric(table, kind);
  return table;
}

std::string title_of(Block const& block) {
  std::string text = store::spelled(block.workload) + ", " + counted(block.threads, "thread");
  if (block.heap_limit_bytes != 0) {
    text += ", heap limit " + bytes_text(static_cast<double>(block.heap_limit_bytes));
  }
  return text;
}

std::vector<std::string> short_titles(Report const& report) {
  std::vector<std::string> titles;
  for (auto const& block : report.blocks) {
    Block brief{block.workload, block.threads, block.heap_limit_bytes, {}, {}, {}, {}, {}, {}, {}};
    std::erase_if(brief.workload.settings, [&](auto const& setting) {
      return std::all_of(report.blocks.begin(), report.blocks.end(), [&](Block const& other) {
        auto const& settings = other.workload.settings;
        auto const found = settings.find(setting.first);
        return other.workload.name != block.workload.name ||
               (found != settings.end() && found->second == setting.second);
      });
    });
    titles.push_back(title_of(brief));
  }
  return titles;
}

std::string explanation_of(Block const& block) {
  std::uint32_t most = 0;
  bool intervals = false, to_best = false;
  for (auto const& row : block.rows) {
    to_best |= row.to_best.has_value();
    auto const* const time = find(row, "time_per_op_ns");
    if (time == nullptr) continue;
    most = std::max(most, time->n);
    intervals |= time->spread == statistics::Spread::interval;
  }
  std::string const spread = most == 0 ? ""
                             : intervals
                                 ? "medians with 95 % intervals over " + counted(most, "round")
                                 : "medians and ranges over " + counted(most, "round");
  return joined({block.op.empty() ? "" : "op: " + block.op, spread,
                 block.baseline.empty() ? block.baseline_reason : "ratio to " + block.baseline,
                 to_best ? "to best: 95 % sure of the whole column" : "",
                 block.oversubscribed ? "more threads than cores" : ""});
}

std::string_view name_of(Note::Kind kind) noexcept {
  switch (kind) {
    case Note::Kind::failed:
      return "failed";
    case Note::Kind::unmeasured:
      return "not measured";
    case Note::Kind::not_applicable:
      return "not applicable";
    case Note::Kind::warning:
      return "note";
  }
  return "note";
}

std::vector<Note> notes_of(Block const& block) {
  std::vector<Note> notes;
  // Back ends with the same text share a note, but for failures: each has its own count.
  auto const add = [&](Note::Kind kind, Row const& row, std::string const& text) {
    for (auto& note : notes) {
      if (note.kind != kind || note.text != text || kind == Note::Kind::failed) continue;
      note.names += ", " + back_end(row.key);
      return;
    }
    notes.push_back({kind, back_end(row.key), text});
  };
  for (auto const& row : block.rows) {
    if (!row.measured) {
      add(Note::Kind::unmeasured, row, row.reason);
    } else if (row.outcome == Outcome::not_applicable) {
      add(Note::Kind::not_applicable, row, row.reason);
    } else if (row.outcome != Outcome::ok) {
      std::string text =
          std::string(churn::name_of(row.outcome)) + ", " + invocations_text(row) + " ok";
      if (!row.reason.empty()) text += ": " + row.reason;
      add(Note::Kind::failed, row, text);
    }
    for (auto const& warning : row.warnings) add(Note::Kind::warning, row, warning);
  }
  std::vector<Note> ordered;
  for (auto const kind : {Note::Kind::failed, Note::Kind::unmeasured, Note::Kind::not_applicable,
                          Note::Kind::warning}) {
    for (auto const& note : notes) {
      if (note.kind == kind) ordered.push_back(note);
    }
  }
  return ordered;
}

std::vector<std::pair<std::string, std::string>> heading_of(Report const& report) {
  auto const& run = report.run;
  std::string plan = run.matrix.empty() ? "axes given by hand" : "matrix " + run.matrix;
  plan += ", " + counted(run.rounds, "round") + ", seed " + std::to_string(run.seed);
  if (!run.finished) plan += ", not finished";
  std::string machine;
  for (auto const& [name, value] : report.machine.facts) {
    if (value.empty()) continue;
    if (!machine.empty()) machine += "; ";
    machine += name + " " + value;
  }
  return {{"run", std::to_string(run.id) + " of " + run.started_utc + ", churn " + run.version},
          {"plan", plan},
          {"command", run.command},
          {"machine", machine}};
}

std::string summary_of(Report const& report) {
  std::vector<std::string> parts;
  if (report.failed_cells > 0) parts.push_back(counted(report.failed_cells, "cell") + " failed");
  if (report.unmeasured_cells > 0) {
    parts.push_back(counted(report.unmeasured_cells, "cell") + " not measured");
  }
  return joined(parts);
}

std::string explanation_of(Overall const& overall) {
  bool const any = std::any_of(overall.rows.begin(), overall.rows.end(),
                               [](OverallRow const& row) { return row.time.has_value(); });
  std::string text;
  if (any) {
    bool const interval = overall.workloads >= statistics::rounds_for_intervals;
    text = "geometric means of the ratios to " + overall.baseline + " over " +
           counted(overall.workloads, "workload") + " (" + counted(overall.blocks, "variation") +
           (interval ? "), with 95 % for workloads like these"
                     : "), too few to say what others would give: ranges over them") +
           "; ";
  }
  text +=
      "in how many comparisons a back end leads, shares the top group, is outside, and is on "
      "the front of time against peak memory";
  return overall.kept_out.empty() ? text : text + "; " + overall.kept_out;
}

OverallTable table_of(Overall const& overall) {
  OverallTable table;
  bool const any = std::any_of(overall.rows.begin(), overall.rows.end(),
                               [](OverallRow const& row) { return row.time.has_value(); });
  char const* const spread =
      overall.workloads >= statistics::rounds_for_intervals ? "95 %" : "range";
  table.titles = {"back end"};
  if (any) table.titles.insert(table.titles.end(), {"time", spread, "peak RSS", spread});
  table.titles.insert(table.titles.end(), {"leads", "shares", "outside", "front"});
  for (OverallRow const& row : overall.rows) {
    std::vector<std::string> cells{row.name};
    for (auto const& mean : {row.time, row.peak_rss}) {
      if (!any) break;
      cells.push_back(mean ? three_digits(mean->median) : absent);
      cells.push_back(!mean                          ? absent
                      : row.name == overall.baseline ? "baseline"
                                                     : interval(*mean, 1));
    }
    for (auto const count : {row.wins, row.ties, row.losses, row.on_front}) {
      cells.push_back(std::to_string(count));
    }
    table.cells.push_back(std::move(cells));
  }
  return table;
}

}  // namespace churn::report
