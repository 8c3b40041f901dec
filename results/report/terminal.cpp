#include <algorithm>

#include "results/report/layout.hpp"
#include "results/report/terminal_text.hpp"
#include "results/report/text.hpp"

namespace churn::report {
namespace {

void add_block(TerminalText& out, Block const& block) {
  out.line();
  out.paragraph("", 0, title_of(block), "1");
  out.paragraph("", 2, explanation_of(block), "2");
  Table const table = table_of(block);
  auto const mark = [&](std::size_t row) -> std::string {
    Standing const standing = table.rows[row]->standing;
    return standing == Standing::winner ? "*" : standing == Standing::tied ? "=" : "";
  };
  auto const code = [&](std::size_t row) -> char const* {
    Standing const standing = table.rows[row]->standing;
    return standing == Standing::winner ? "32" : standing == Standing::tied ? "33" : "";
  };
  if (!table.rows.empty()) out.table(table.titles, table.cells, mark, code);
  for (auto const& row : table.rows) {
    if (row->standing == Standing::winner) out.paragraph("  * ", 4, block.verdict);
  }
  bool const tied = std::any_of(table.rows.begin(), table.rows.end(),
                                [](Row const* row) { return row->standing == Standing::tied; });
  bool const won = std::any_of(table.rows.begin(), table.rows.end(),
                               [](Row const* row) { return row->standing == Standing::winner; });
  if (!won && !block.verdict.empty())
    out.paragraph(tied ? "  = " : "", tied ? 4 : 2, block.verdict);
  if (!block.front.empty()) out.paragraph("", 2, block.front);
  for (auto const& note : notes_of(block)) {
    bool const failed = note.kind == Note::Kind::failed;
    out.paragraph("", 2, std::string(name_of(note.kind)) + ": " + note.names + ": " + note.text,
                  failed ? "31" : "");
  }
}

}  // namespace

std::string to_terminal(Report const& report, TerminalStyle style) {
  TerminalText out(style);
  for (auto const& [label, content] : heading_of(report)) {
    if (!content.empty()) out.paragraph(label, 9, content);
  }
  for (auto const& block : report.blocks) add_block(out, block);
  for (Overall const& overall : report.overall) {
    OverallTable const table = table_of(overall);
    out.line();
    out.paragraph("", 0, overall.title, "1");
    out.paragraph("", 2, explanation_of(overall), "2");
    out.table(
        table.titles, table.cells, [](std::size_t) { return std::string(); },
        [](std::size_t) { return ""; });
  }
  if (auto const summary = summary_of(report); !summary.empty()) {
    out.line();
    out.paragraph("", 0, summary, "31");
  }
  return std::move(out.text);
}

}  // namespace churn::report
