#include "results/export/formats.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

// XML 1.0 cannot hold control characters at all, not even escaped, nor U+FFFE and U+FFFF.
std::string xml_escaped(std::string_view text) {
  std::string const shown = report::visible(text);
  std::string result;
  for (std::string_view rest = shown; !rest.empty();) {
    auto const [point, length] = report::front_of(rest);
    std::string_view const letter = rest.substr(0, length);
    rest.remove_prefix(length);
    if (point == '&') {
      result += "&amp;";
    } else if (point == '<') {
      result += "&lt;";
    } else if (point == '>') {
      result += "&gt;";
    } else if (point == '"') {
      result += "&quot;";
    } else if (point == 0xfffe || point == 0xffff) {
      result += "?";
    } else {
      result += letter;
    }
  }
  return result;
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + xml_escaped(value) + "\"";
}

std::string_view element_of(State state) {
  switch (state) {
    case State::good:
      return "";
    case State::skipped:
      return "skipped";
    case State::open:
    case State::broken:
      return "error";
    case State::bad:
      return "failure";
  }
  return "error";
}

std::string figures_text(Finding const& finding) {
  std::string text;
  for (Figure const& each : finding.figures) {
    text += each.metric + " " + report::exact_text(each.value);
    if (each.low && each.high) {
      text += " (" + report::exact_text(*each.low) + " to " + report::exact_text(*each.high) + ")";
    }
    text += "\n";
  }
  return text;
}

std::string test_case(Finding const& finding) {
  std::string text = "    <testcase" + attribute("name", finding.name) +
                     attribute("classname", finding.group) + ">";
  std::string const element(element_of(finding.state));
  if (!element.empty()) {
    std::string const message =
        finding.reason.empty() ? finding.verdict : finding.verdict + ": " + finding.reason;
    text += "\n      <" + element + attribute("message", message);
    // What is skipped has no type.
    if (element != "skipped") text += attribute("type", finding.verdict);
    text += "/>";
  }
  // Our own words and numbers: nothing to escape.
  std::string const figures = figures_text(finding);
  if (!figures.empty()) text += "\n      <system-out>" + figures + "</system-out>";
  return text + "\n    </testcase>\n";
}

}  // namespace

std::string to_junit(Findings const& findings) {
  std::size_t const errors = count(findings, State::open) + count(findings, State::broken);
  std::string const counts = attribute("tests", std::to_string(findings.findings.size())) +
                             attribute("failures", std::to_string(count(findings, State::bad))) +
                             attribute("errors", std::to_string(errors));
  std::string const name = attribute("name", "churn " + findings.subject);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + name + counts +
                     ">\n  <testsuite" + name + counts +
                     attribute("skipped", std::to_string(count(findings, State::skipped))) +
                     attribute("timestamp", findings.started_utc) + ">\n    <properties>\n";
  for (auto const& [fact, value] : findings.facts) {
    text += "      <property" + attribute("name", fact) + attribute("value", value) + "/>\n";
  }
  text += "    </properties>\n";
  for (Finding const& each : findings.findings) text += test_case(each);
  return text + "  </testsuite>\n</testsuites>\n";
}

}  // namespace churn::exporting
