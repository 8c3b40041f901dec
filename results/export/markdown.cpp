#include "results/export/findings.hpp"
#include "results/export/formats.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

using report::markdown_escaped;

constexpr std::size_t most_shown_characters = 300, most_reason_characters = 300;
constexpr std::size_t room_for_the_end = 300;

std::string words(std::string const& text, std::size_t most) {
  return markdown_escaped(shortened(report::visible(text), most));
}

std::string heading(Findings const& findings) {
  std::string text = "### churn " + findings.subject + ": " + findings.verdict + "\n\n" +
                     words(findings.summary, most_reason_characters) + "\n\n";
  std::string titles = "| cell | verdict |", line = "|---|---|";
  for (auto const& each : findings.titles) {
    titles += " " + each + " |";
    line += "---|";
  }
  return text + titles + " why |\n" + line + "---|\n";
}

std::string row(Finding const& finding, std::size_t columns) {
  bool const grave = finding.state != State::good && finding.state != State::skipped;
  std::string const mark = grave ? "**" : "";
  std::string text = "| " + words(finding.name, most_shown_characters) + " | " + mark +
                     finding.verdict + mark + " |";
  for (std::size_t i = 0; i < columns; ++i) {
    text += " " + (i < finding.columns.size() ? markdown_escaped(finding.columns[i]) : "") + " |";
  }
  return text + " " + words(finding.reason, most_reason_characters) + " |\n";
}

std::string left_out(std::size_t rows, std::string const& again) {
  return "\n" + std::to_string(rows) +
         " more cells do not fit here; those above are the gravest. `" + again + "` shows all.\n";
}

}  // namespace

std::string to_markdown(Findings const& findings, std::size_t most_bytes) {
  std::string text = heading(findings);
  auto const order = gravest_first(findings);
  std::size_t shown = 0;
  for (; shown < order.size(); ++shown) {
    std::string const line = row(*order[shown], findings.titles.size());
    if (text.size() + line.size() + room_for_the_end > most_bytes) break;
    text += line;
  }
  if (shown < order.size()) return text + left_out(order.size() - shown, findings.again);
  std::string separator = "\n";
  for (auto const& each : findings.notes) {
    std::string const line = separator + "- " + words(each, most_shown_characters) + "\n";
    if (text.size() + line.size() + room_for_the_end > most_bytes) break;
    text += line;
    separator.clear();
  }
  std::string facts = "\n";
  for (auto const& [name, value] : findings.facts) {
    facts += (facts.size() == 1 ? "" : ", ") + name + " " + words(value, most_shown_characters);
  }
  if (text.size() + facts.size() + 1 <= most_bytes) text += facts + "\n";
  return text;
}

}  // namespace churn::exporting
