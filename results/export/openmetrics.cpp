#include <map>
#include <optional>

#include "harness/core/metrics.hpp"
#include "results/export/formats.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

std::string label_escaped(std::string_view text) {
  std::string result;
  for (char const letter : report::visible(text)) {
    if (letter == '\\' || letter == '"') result += '\\';
    result += letter;  // no line ends: the text is `visible`
  }
  return result;
}

std::string labels_of(Finding const& finding) {
  std::string text = "cell=\"" + label_escaped(finding.name) + "\"";
  for (auto const& [name, value] : finding.labels) {
    text += "," + name + "=\"" + label_escaped(value) + "\"";
  }
  return text;
}

// A metric as Prometheus names it: base units, and the unit last.
struct Family {
  std::string name, unit;
  double scale = 1;
};

Family family_of(Figure const& figure) {
  std::string name = "churn_" + figure.metric;
  if (figure.unit == "ns" && name.ends_with("_ns")) {
    return {name.substr(0, name.size() - 2) + "seconds", "seconds", 1e-9};
  }
  bool const named = name.ends_with("_" + figure.unit);
  return {std::move(name), named ? figure.unit : "", 1};
}

std::string family_header(std::string const& name, std::string_view type, std::string const& unit,
                          std::string_view help) {
  std::string text = "# TYPE " + name + " " + std::string(type) + "\n";
  if (!unit.empty()) text += "# UNIT " + name + " " + unit + "\n";
  return text + "# HELP " + name + " " + label_escaped(help) + "\n";
}

std::string help_of(std::string const& metric) {
  MetricInfo const* const known = find_metric(metric);
  return known == nullptr ? "candidate by baseline" : std::string(known->summary);
}

void add_samples(std::string& text, Finding const& finding, Figure const& figure) {
  Family const family = family_of(figure);
  auto const line = [&](char const* which, std::optional<double> value) {
    if (!value) return;
    text += family.name + "{" + labels_of(finding) + ",estimate=\"" + which + "\"} " +
            report::exact_text(*value * family.scale) + "\n";
  };
  line("median", figure.value);
  line("low", figure.low);
  line("high", figure.high);
}

}  // namespace

std::string to_openmetrics(Findings const& findings) {
  std::string text = family_header("churn", "info", "", "what was measured, when and where");
  text += "churn_info{subject=\"" + findings.subject + "\"";
  for (auto const& [name, value] : findings.facts) {
    text += "," + name + "=\"" + label_escaped(value) + "\"";
  }
  text +=
      "} 1\n" + family_header("churn_cell_ok", "gauge", "", "1: measured, and nothing is wrong");
  for (Finding const& each : findings.findings) {
    bool const ok = each.state == State::good || each.state == State::skipped;
    text += "churn_cell_ok{" + labels_of(each) + ",verdict=\"" + label_escaped(each.verdict) +
            "\"} " + (ok ? "1" : "0") + "\n";
  }
  // A family stands in one piece, in the order in which figures first appear.
  std::vector<std::string> order;
  std::map<std::string, std::string> families;
  for (Finding const& each : findings.findings) {
    for (Figure const& figure : each.figures) {
      std::string& family = families[figure.metric];
      if (family.empty()) {
        order.push_back(figure.metric);
        Family const of = family_of(figure);
        family = family_header(of.name, "gauge", of.unit, help_of(figure.metric));
      }
      add_samples(family, each, figure);
    }
  }
  for (auto const& metric : order) text += families[metric];
  return text + "# EOF\n";
}

}  // namespace churn::exporting
