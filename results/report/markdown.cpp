#include "results/report/layout.hpp"
#include "results/report/text.hpp"

namespace churn::report {
namespace {

std::string table_line(std::vector<std::string> const& escaped) {
  std::string line = "|";
  for (auto const& cell : escaped) line += " " + cell + " |";
  return line + "\n";
}

// Names to the left, figures to the right.
std::string table_head(std::vector<std::string> const& titles) {
  std::string rule = "|---|";
  for (std::size_t i = 1; i < titles.size(); ++i) rule += "---:|";
  return table_line(titles) + rule + "\n";
}

std::string marked_name(Row const& row, std::string const& name) {
  std::string escaped = markdown_escaped(name);
  switch (row.standing) {
    case Standing::winner:
      return "**" + escaped + "** (leads)";
    case Standing::tied:
      return escaped + " (top group)";
    case Standing::behind:
    case Standing::unranked:
      break;
  }
  return escaped;
}

std::string block_text(Block const& block) {
  std::string text = "\n## " + markdown_escaped(title_of(block)) + "\n\n";
  if (auto const why = explanation_of(block); !why.empty()) text += markdown_escaped(why) + ".\n";
  if (!block.verdict.empty()) text += "**" + markdown_escaped(block.verdict) + ".**\n";
  if (!block.front.empty()) text += "\n" + markdown_escaped(block.front) + ".\n";
  Table const table = table_of(block);
  if (!table.rows.empty()) text += "\n" + table_head(table.titles);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    auto cells = table.cells[i];
    cells[0] = marked_name(*table.rows[i], cells[0]);
    text += table_line(cells);
  }
  auto const notes = notes_of(block);
  if (!notes.empty()) text += "\n";
  for (auto const& note : notes) {
    text += "- " + std::string(name_of(note.kind)) + ": " + markdown_escaped(note.names) + ": " +
            markdown_escaped(note.text) + "\n";
  }
  return text;
}

}  // namespace

std::string to_markdown(Report const& report) {
  std::string text = "# churn report\n\n";
  for (auto const& [label, content] : heading_of(report)) {
    if (!content.empty()) text += "- " + label + ": " + markdown_escaped(content) + "\n";
  }
  if (auto const summary = summary_of(report); !summary.empty()) text += "- " + summary + "\n";
  text += "\n## In words\n\n";
  for (auto const& each : report.statements) {
    text += "- ";
    if (!each.subject.empty()) text += "**" + markdown_escaped(each.subject) + "**: ";
    text += markdown_escaped(each.text) + "\n";
  }
  for (auto const& block : report.blocks) text += block_text(block);
  for (Overall const& overall : report.overall) {
    OverallTable const table = table_of(overall);
    text += "\n## " + markdown_escaped(overall.title) + "\n\n" +
            markdown_escaped(explanation_of(overall)) + ".\n\n" + table_head(table.titles);
    for (auto cells : table.cells) {
      cells[0] = markdown_escaped(cells[0]);
      text += table_line(cells);
    }
  }
  return text;
}

}  // namespace churn::report
