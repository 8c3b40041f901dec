#include "results/export/formats.hpp"
#include "results/report/text.hpp"

namespace churn::exporting {
namespace {

constexpr std::size_t most_annotations = 10;  // of a kind and step
constexpr std::size_t most_characters = 1000;

// A message is one line; a property ends at a comma or colon besides.
std::string command_escaped(std::string_view text, bool property) {
  std::string result;
  for (char const letter : text) {
    switch (letter) {
      case '%':
        result += "%25";
        break;
      case '\r':
        result += "%0D";
        break;
      case '\n':
        result += "%0A";
        break;
      case ':':
        result += property ? "%3A" : ":";
        break;
      case ',':
        result += property ? "%2C" : ",";
        break;
      default:
        result += letter;
    }
  }
  return result;
}

std::string annotation(std::string_view kind, std::string const& title, std::string const& text) {
  return "::" + std::string(kind) + " title=" + command_escaped(title, true) +
         "::" + command_escaped(shortened(report::visible(text), most_characters), false) + "\n";
}

std::string message_of(Finding const& finding) {
  std::string text = finding.name + ": " + finding.verdict;
  return finding.reason.empty() ? text : text + ": " + finding.reason;
}

std::string annotations(std::string_view kind, std::string const& title,
                        std::vector<Finding const*> const& found, std::string const& again) {
  std::string text;
  bool const all = found.size() <= most_annotations;
  std::size_t const shown = all ? found.size() : most_annotations - 1;
  for (std::size_t i = 0; i < shown; ++i) text += annotation(kind, title, message_of(*found[i]));
  if (all) return text;
  return text + annotation(kind, title,
                           std::to_string(found.size() - shown) + " more cells; `" + again +
                               "` shows all");
}

}  // namespace

std::string to_github_annotations(Findings const& findings) {
  std::vector<Finding const*> errors, warnings;
  for (Finding const* const each : gravest_first(findings)) {
    if (each->state == State::bad || each->state == State::broken) errors.push_back(each);
    if (each->state == State::open) warnings.push_back(each);
  }
  std::string const title = "churn " + findings.subject;
  return annotations("error", title, errors, findings.again) +
         annotations("warning", title, warnings, findings.again);
}

}  // namespace churn::exporting
