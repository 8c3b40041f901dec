#include "results/export/findings.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/core/check.hpp"
#include "harness/core/metrics.hpp"
#include "results/export/formats.hpp"
#include "results/report/baseline.hpp"
#include "results/report/text.hpp"
#include "results/report/units.hpp"

namespace churn::exporting {
namespace {

using report::Row;

State state_of(Row const& row) {
  if (!row.measured) return State::open;
  if (row.outcome == Outcome::not_applicable) return State::skipped;
  if (row.outcome == Outcome::wrong_answer) return State::bad;
  return row.ok() ? State::good : State::broken;
}

std::vector<Figure> figures_of(Row const& row) {
  std::vector<Figure> figures;
  for (auto const& known : metrics) {
    auto const found = row.metrics.find(std::string(known.name));
    if (found == row.metrics.end() || !std::isfinite(found->second.median)) continue;
    auto const& [median, low, high, n, spread] = found->second;
    figures.push_back({found->first, std::string(known.unit), median, low, high});
  }
  if (row.ratio) {
    figures.push_back({"time_ratio", "ratio", row.ratio->median, row.ratio->low, row.ratio->high});
  }
  return figures;
}

// "12.6 ns (12.5 to 13.1)"
std::string with_range(statistics::Estimate const& estimate, std::string const& unit) {
  using report::three_digits;
  return three_digits(estimate.median) + unit + " (" + three_digits(estimate.low) + " to " +
         three_digits(estimate.high) + ")";
}

std::vector<std::string> columns_of(Row const& row) {
  std::vector<std::string> columns(3);
  auto const time = row.metrics.find("time_per_op_ns");
  auto const memory = row.metrics.find("peak_rss_bytes");
  if (time != row.metrics.end()) columns[0] = with_range(time->second, " ns");
  if (row.ratio) columns[1] = row.is_baseline ? "baseline" : with_range(*row.ratio, "");
  if (memory != row.metrics.end()) columns[2] = report::bytes_text(memory->second.median);
  return columns;
}

Finding finding_of(Row const& row) {
  Finding finding;
  finding.name = store::spelled(row.key);
  finding.group = row.key.workload.name;
  finding.labels = {{"allocator", store::spelled(row.key.allocator)},
                    {"collector", store::spelled(row.key.collector)},
                    {"workload", store::spelled(row.key.workload)},
                    {"threads", std::to_string(row.key.threads)}};
  finding.state = state_of(row);
  finding.verdict = std::string(report::outcome_of(row));
  finding.reason = row.reason;
  for (auto const& warning : row.warnings) {
    finding.reason += (finding.reason.empty() ? "" : "; ") + warning;
  }
  finding.columns = columns_of(row);
  finding.figures = figures_of(row);
  return finding;
}

}  // namespace

Findings findings_of(report::Report const& report) {
  Findings result;
  result.subject = "run";
  result.started_utc = report.run.started_utc;
  result.again = "churn report --run " + std::to_string(report.run.id);
  result.facts = {{"run", std::to_string(report.run.id)},
                  {"version", report.run.version},
                  {"seed", std::to_string(report.run.seed)},
                  {"command", report.run.command},
                  {"machine", report.machine.fingerprint}};
  result.titles = {"time/op", "ratio", "peak RSS"};
  for (auto const& block : report.blocks) {
    for (auto const& row : block.rows) result.findings.push_back(finding_of(row));
    if (block.verdict.empty()) continue;
    result.notes.push_back(store::spelled(block.workload) + ", " +
                           report::counted(block.threads, "thread") + ": " + block.verdict);
  }
  complete(result);
  std::size_t const good = count(result, State::good), failed = report.failed_cells;
  result.verdict = failed > 0                    ? "some cells failed"
                   : report.unmeasured_cells > 0 ? "incomplete"
                                                 : "ok";
  result.summary = report::counted(good, "cell") + " measured, " + std::to_string(failed) +
                   " failed, " + std::to_string(count(result, State::skipped)) +
                   " not applicable, " + std::to_string(report.unmeasured_cells) + " not measured";
  return result;
}

void complete(Findings& findings) {
  std::map<std::string, int> uses;
  for (Finding& each : findings.findings) {
    int const use = ++uses[each.name];
    if (use > 1) each.name += " #" + std::to_string(use);
    findings.state =
        std::max(findings.state, each.state == State::skipped ? State::good : each.state);
  }
}

std::vector<Finding const*> gravest_first(Findings const& findings) {
  std::vector<Finding const*> order;
  for (Finding const& each : findings.findings) order.push_back(&each);
  std::stable_sort(order.begin(), order.end(), [](auto const* a, auto const* b) {
    return a->state != b->state ? a->state > b->state : a->gravity > b->gravity;
  });
  return order;
}

std::size_t count(Findings const& findings, State state) noexcept {
  return static_cast<std::size_t>(
      std::count_if(findings.findings.begin(), findings.findings.end(),
                    [&](Finding const& each) { return each.state == state; }));
}

std::string shortened(std::string text, std::size_t most_characters) {
  if (report::width_of(text) <= most_characters) return text;
  std::size_t end = 0;
  for (std::size_t left = most_characters - 3; end < text.size(); ++end) {
    bool const begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && left-- == 0) break;
  }
  return text.substr(0, end) + "...";
}

std::string_view finding_format_names() noexcept {
  return "bmf, custom-smaller-is-better, github, junit, markdown, openmetrics";
}

bool is_finding_format(std::string_view name) noexcept {
  for (auto const each :
       {"bmf", "custom-smaller-is-better", "github", "junit", "markdown", "openmetrics"}) {
    if (name == each) return true;
  }
  return false;
}

std::string render(Findings const& findings, std::string_view format) {
  CHURN_CHECK(is_finding_format(format));
  if (format == "bmf") return to_bmf(findings);
  if (format == "custom-smaller-is-better") return to_custom_smaller_is_better(findings);
  if (format == "github") return to_github_annotations(findings);
  if (format == "junit") return to_junit(findings);
  if (format == "markdown") return to_markdown(findings, most_comment_bytes);
  return to_openmetrics(findings);
}

}  // namespace churn::exporting
