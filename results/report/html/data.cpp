// What the script reads: first "model", all cells without figures; then a part for each metric of
// the matrix and one for each block with its samples.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "harness/core/metrics.hpp"
#include "results/report/baseline.hpp"
#include "results/report/html/deflate.hpp"
#include "results/report/html/html.hpp"
#include "results/report/html/parts.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/layout.hpp"
#include "results/report/ratios.hpp"
#include "results/report/text.hpp"
#include "results/report/units.hpp"

namespace churn::report::html {
namespace {

// As many digits as a chart or a person can tell apart.
double rounded(double value, int digits = 4) {
  if (value == 0 || !std::isfinite(value)) return value;
  char text[32];
  auto const end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, digits - 1);
  std::from_chars(text, end.ptr, value);
  return value;
}

// [median, low, high]; a bound with three digits never leaves the side of 1 that it is on.
JsonWriter& write(JsonWriter& out, Estimate const& estimate) {
  out.value(rounded(estimate.median)).value(rounded(estimate.low, 3));
  return out.value(rounded(estimate.high, 3));
}

std::string part(std::string const& id, JsonWriter& json) {
  return "<script type=\"text/plain\" id=\"part-" + id + "\">" + deflated_base64(json.take()) +
         "</script>\n";
}

// So that a shell reads it as one word.
std::string shell_word(std::string const& text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (char const letter : visible(text)) word += letter == '\'' ? "'\\''" : std::string(1, letter);
  return word + "'";
}

std::string command_of(Report const& report, Row const& row) {
  auto const& key = row.key;
  std::string text = "churn run --allocator " + shell_word(store::spelled(key.allocator));
  if (!key.collector.name.empty()) {
    text += " --collector " + shell_word(store::spelled(key.collector));
  }
  text += " --workload " + shell_word(store::spelled(key.workload));
  text += " --threads " + std::to_string(key.threads);
  if (key.heap_limit_bytes != 0) text += " --heap " + std::to_string(key.heap_limit_bytes);
  text += " --invocations " + std::to_string(report.run.rounds);
  return text + " --seed " + std::to_string(report.run.seed);
}

using Places = std::map<std::string, std::size_t>;

void write_groups(JsonWriter& out, Report const& report, Places const& places) {
  out.key("groups").begin_array();
  for (auto const& group : groups_of(report)) {
    out.begin_object().member("title", visible(group.title)).member("id", group.id);
    out.key("labels").begin_array();
    for (auto const& text : group.labels) out.value(visible(text));
    out.end_array().array("blocks", group.blocks).key("names").begin_array();
    for (auto const& name : group.names) out.value(places.at(name));
    out.end_array().end_object();
  }
  out.end_array();
}

void write_row(JsonWriter& out, Row const& row, Places const& places) {
  out.begin_object().member("id", row.cell_id).member("name", places.at(back_end(row.key)));
  if (!row.ok()) {
    out.member("outcome", outcome_of(row)).member("reason", visible(row.reason));
  } else if (row.standing != Standing::unranked) {
    out.member("standing", name_of(row.standing));
  }
  out.member("ok", row.ok_invocations).member("of", row.invocations);
  if (row.to_best) {
    out.key("to_best").begin_array().value(rounded(row.to_best->low));
    if (row.to_best->high) out.value(rounded(*row.to_best->high));
    out.end_array();
  }
  if (row.on_front) out.member("front", *row.on_front);
  if (!row.dominated_by.empty()) out.member("dominated_by", visible(row.dominated_by));
  if (!row.warnings.empty()) {
    out.key("warnings").begin_array();
    for (auto const& warning : row.warnings) out.value(visible(warning));
    out.end_array();
  };
  out.end_object();
}

void write_block(JsonWriter& out, Block const& block, std::string const& brief,
                 Places const& places) {
  out.begin_object()
      .member("title", visible(title_of(block)))
      .member("brief", visible(brief))
      .member("workload", visible(block.workload.name));
  out.object("parameters", block.workload.settings).member("threads", block.threads);
  out.member("heap", block.heap_limit_bytes).member("op", visible(block.op));
  out.member("verdict", visible(block.verdict)).member("front", visible(block.front));
  if (!block.baseline.empty()) out.member("baseline", places.at(block.baseline));
  out.member("why_no_baseline", visible(block.baseline_reason));
  if (block.oversubscribed) out.member("oversubscribed", true);
  out.key("rows").begin_array();
  for (auto const& row : block.rows) write_row(out, row, places);
  out.end_array().end_object();
}

Places places_of(Report const& report) {
  Places places;
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) places.emplace(back_end(row.key), 0);
    if (!block.baseline.empty()) places.emplace(block.baseline, 0);
  }
  std::size_t next = 0;
  for (auto& [name, place] : places) place = next++;
  return places;
}

std::string model_part(Report const& report, Places const& places) {
  JsonWriter out;
  out.begin_object().member("rounds", report.run.rounds);
  out.key("names").begin_array();
  for (auto const& [name, place] : places) out.value(visible(name));
  out.end_array().key("baselines").begin_array();
  for (auto const& name : baselines_of(report)) out.value(places.at(name));
  out.end_array().key("metrics").begin_array();
  for (auto const& name : matrix_metrics(report)) {
    auto const* const known = find_metric(name);
    out.begin_object().member("name", name).member("unit", unit_of(name));
    out.member("summary", known == nullptr ? std::string_view() : known->summary).end_object();
  }
  out.end_array();
  write_groups(out, report, places);
  out.key("blocks").begin_array();
  auto const titles = short_titles(report);
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    write_block(out, report.blocks[i], titles[i], places);
  }
  out.end_array().end_object();
  return part("model", out);
}

std::optional<Estimate> ratio_of(Row const& row, Block const& block, Row const& base,
                                 std::string const& metric, Details const& details) {
  if (!row.ok() || !base.ok()) return std::nullopt;
  // The same figures as in the tables, where those have them.
  if (base.is_baseline && back_end(base.key) == block.baseline) {
    if (metric == "time_per_op_ns") return row.ratio;
    if (metric == "peak_rss_bytes") return row.memory_ratio;
  }
  auto const& own = details.of(row.cell_id).figures;
  auto const& other = details.of(base.cell_id).figures;
  auto const mine = own.find(metric), its = other.find(metric);
  if (mine == own.end() || its == other.end()) return std::nullopt;
  return ratio_within_rounds(mine->second, its->second);
}

// By block: [row's values …], and for each baseline [row's ratios …], in the order of the rows.
std::string metric_part(Report const& report, Details const& details,
                        std::vector<std::string> const& baselines, std::string const& metric,
                        std::string const& id) {
  JsonWriter out;
  auto const write_or_null = [&](std::optional<Estimate> const& estimate) {
    if (estimate) {
      write(out.begin_array(), *estimate).end_array();
    } else {
      out.value(std::nan(""));
    }
  };
  out.begin_array();
  for (auto const& block : report.blocks) {
    out.begin_object().key("values").begin_array();
    for (auto const& row : block.rows) {
      auto const found = row.metrics.find(metric);
      write_or_null(found == row.metrics.end() ? std::nullopt : std::optional(found->second));
    }
    out.end_array().key("ratios").begin_array();
    for (auto const& name : baselines) {
      out.begin_array();
      Row const* const base = row_in(block, name);
      for (auto const& row : block.rows) {
        if (base == nullptr) break;
        write_or_null(ratio_of(row, block, *base, metric, details));
      }
      out.end_array();
    }
    out.end_array().end_object();
  }
  out.end_array();
  return part(id, out);
}

// As whole numbers of `unit`, which leaves four digits.
double unit_of(std::vector<std::uint64_t> values) {
  if (values.empty()) return 1;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  double const digits = std::floor(std::log10(std::max<double>(static_cast<double>(*middle), 1)));
  return std::pow(10, std::max(0.0, digits - 3));
}

struct Thinning {
  std::size_t samples = 1, readings = 1;  // every how many are kept
};

// A column for each thing known of the processes. Samples are `least` and so much more, in units of
// which ops_per_sample take `unit` ns.
void write_processes(JsonWriter& out, CellDetail const& cell, Thinning thinning) {
  std::vector<std::uint64_t> least;
  std::vector<std::uint32_t> rounds;
  double unit = 0;
  for (auto const& process : cell.processes) {
    auto const& samples = process.sample_ns;
    if (unit == 0 && !samples.empty()) unit = unit_of(samples);
    least.push_back(samples.empty() ? 0 : *std::min_element(samples.begin(), samples.end()));
    rounds.push_back(process.round);
  }
  out.array("rounds", rounds);
  out.member("unit", unit / static_cast<double>(std::max<std::uint64_t>(cell.ops_per_sample, 1)));
  out.key("least").begin_array();
  for (auto const each : least) {
    out.value(unit == 0 ? 0 : std::llround(static_cast<double>(each) / unit));
  }
  out.end_array().key("samples").begin_array();
  for (std::size_t k = 0; k < cell.processes.size(); ++k) {
    auto const& samples = cell.processes[k].sample_ns;
    out.begin_array();
    for (std::size_t i = 0; i < samples.size(); i += thinning.samples) {
      out.value(std::llround(static_cast<double>(samples[i] - least[k]) / unit));
    }
    out.end_array();
  }
  out.end_array();
}

// By process: ms since the start line and KiB, in turn.
void write_memory(JsonWriter& out, CellDetail const& cell, Thinning thinning) {
  bool const any = std::any_of(cell.processes.begin(), cell.processes.end(),
                               [](auto const& process) { return !process.rss_time_line.empty(); });
  if (!any) return;
  out.key("memory").begin_array();
  for (auto const& process : cell.processes) {
    auto const& line = process.rss_time_line;
    out.begin_array();
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i % thinning.readings != 0 && i + 1 != line.size()) continue;
      out.value(rounded(static_cast<double>(line[i].first) / 1e6)).value(line[i].second / 1024);
    }
    out.end_array();
  }
  out.end_array();
}

void write_failures(JsonWriter& out, CellDetail const& cell) {
  bool const any = std::any_of(cell.processes.begin(), cell.processes.end(),
                               [](auto const& each) { return each.outcome != Outcome::ok; });
  if (!any) return;
  out.key("failures").begin_array();
  for (auto const& process : cell.processes) {
    if (process.outcome == Outcome::ok) continue;
    out.begin_array().value(process.round).value(churn::name_of(process.outcome));
    out.value(visible(process.reason)).end_array();
  }
  out.end_array();
}

void write_cell(JsonWriter& out, Report const& report, Row const& row, CellDetail const& cell,
                std::vector<std::string> const& figures, Thinning thinning) {
  out.begin_object().member("command", command_of(report, row)).key("figures").begin_array();
  for (auto const& name : figures) {
    auto const found = row.metrics.find(name);
    out.begin_array();
    if (found != row.metrics.end()) {
      auto const& estimate = found->second;
      write(out, estimate).value(estimate.n);
      out.value(estimate.spread == statistics::Spread::interval ? 1 : 0);
    }
    out.end_array();
  }
  // As [round, mean], since a process that failed has none.
  out.end_array().key("times").begin_array();
  if (auto const times = cell.figures.find("time_per_op_ns"); times != cell.figures.end()) {
    for (auto const& each : times->second) {
      out.begin_array().value(each.round).value(rounded(each.value)).end_array();
    }
  }
  out.end_array();
  write_processes(out, cell, thinning);
  write_memory(out, cell, thinning);
  write_failures(out, cell);
  if (!cell.histograms.empty()) {
    out.key("histograms").begin_object();
    for (auto const& [name, buckets] : cell.histograms) out.pairs(name, buckets);
    out.end_object();
  }
  out.end_object();
}

std::string block_part(Report const& report, Details const& details, std::size_t index,
                       Thinning thinning) {
  JsonWriter out;
  out.begin_object().member("every_sample", thinning.samples);
  out.member("every_reading", thinning.readings);
  std::set<std::string> names;
  for (auto const& row : report.blocks[index].rows) {
    for (auto const& [name, estimate] : row.metrics) names.insert(name);
  }
  std::vector<std::string> const figures(names.begin(), names.end());
  out.array("figures", figures).key("cells").begin_object();
  for (auto const& row : report.blocks[index].rows) {
    out.key(std::to_string(row.cell_id));
    write_cell(out, report, row, details.of(row.cell_id), figures, thinning);
  }
  out.end_object().end_object();
  return part("b" + std::to_string(index), out);
}

Thinning thinning_for(Report const& report, Details const& details) {
  std::size_t samples = 0, readings = 0;
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) {
      for (auto const& process : details.of(row.cell_id).processes) {
        samples += process.sample_ns.size();
        readings += process.rss_time_line.size();
      }
    }
  }
  return {1 + (samples - std::min<std::size_t>(samples, 1)) / most_samples,
          1 + (readings - std::min<std::size_t>(readings, 1)) / most_memory_readings};
}

}  // namespace

std::string data_parts(Report const& report, Details const& details) {
  auto const places = places_of(report);
  auto const metrics = matrix_metrics(report);
  auto const baselines = baselines_of(report);
  auto const thinning = thinning_for(report, details);
  std::string text = model_part(report, places);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    text += metric_part(report, details, baselines, metrics[i], "m" + std::to_string(i));
  }
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    text += block_part(report, details, i, thinning);
  }
  return text;
}

}  // namespace churn::report::html
