// What a reader without scripts sees, and what the script adds to.
#include <algorithm>

#include "results/report/baseline.hpp"
#include "results/report/html/parts.hpp"
#include "results/report/layout.hpp"
#include "results/report/text.hpp"
#include "results/report/units.hpp"

namespace churn::report::html {
namespace {

std::string element(std::string_view tag, std::string_view text) {
  return "<" + std::string(tag) + ">" + escaped(text) + "</" + std::string(tag) + ">";
}

std::string link_to(Row const& row, std::string_view text) {
  return "<a href=\"#cell=" + std::to_string(row.cell_id) + "\">" + escaped(text) + "</a>";
}

std::string statements(Report const& report, Statement::Kind kind) {
  std::string text;
  for (auto const& each : report.statements) {
    if (each.kind != kind) continue;
    text += "<li>";
    if (each.kind == Statement::Kind::block) {
      text += "<a href=\"#block-" + std::to_string(each.block) + "\">" + escaped(each.subject) +
              "</a>: ";
    } else if (!each.subject.empty()) {
      text += element("b", each.subject) + ": ";
    }
    text += escaped(each.text) + "\n";
  }
  return text;
}

std::string words(Report const& report) {
  using Kind = Statement::Kind;
  std::string text = "<section id=\"words\">\n<h2>In words</h2>\n<ul class=\"plain\">\n";
  for (auto const kind : {Kind::run, Kind::noise}) text += statements(report, kind);
  text += "</ul>\n";
  if (auto const failures = statements(report, Kind::failures); !failures.empty()) {
    text += "<ul class=\"plain failures\">\n" + failures + "</ul>\n";
  }
  if (auto const overall = statements(report, Kind::overall); !overall.empty()) {
    text += "<h3>Over workloads</h3>\n<ul>\n" + overall + "</ul>\n";
  }
  text += "<h3>Workload by workload</h3>\n<ul class=\"statements\">\n" +
          statements(report, Kind::block) + "</ul>\n";
  text += "<details><summary>Where and how it was run</summary>\n<dl>\n";
  for (auto const& [label, content] : heading_of(report)) {
    if (!content.empty()) text += element("dt", label) + element("dd", content) + "\n";
  }
  return text + "</dl>\n</details>\n</section>\n";
}

std::string matrix_cell(Row const* row) {
  if (row == nullptr) return "<td>";
  if (!row->ok()) {
    bool const failed = row->outcome != Outcome::not_applicable;
    return std::string("<td class=\"") + (failed ? "failed" : "none") + "\">" +
           link_to(*row, failed ? outcome_of(*row) : "n/a");
  }
  std::string const text = row->ratio ? three_digits(row->ratio->median) : "–";
  char const* const mark = row->standing == Standing::winner ? "★ "
                           : row->standing == Standing::tied ? "= "
                                                             : "";
  return "<td>" + link_to(*row, mark + text);
}

std::string matrix(Report const& report) {
  std::string text =
      "<section id=\"matrix\">\n<h2>The matrix</h2>\n<p id=\"matrix-words\">Time per op, as a "
      "ratio to the baseline's; below 1 is faster. ★ leads, = shares the top group.</p>\n"
      "<div id=\"controls\"></div>\n<div id=\"matrices\">\n";
  auto const titles = short_titles(report);
  for (auto const& group : groups_of(report)) {
    text += "<h3>" + escaped(group.title) +
            "</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
            escaped(group.title) +
            "\"><table class=\"matrix\"><thead><tr><th scope=\"col\">workload";
    for (auto const& label : group.labels) text += "<th scope=\"col\">" + escaped(label);
    text += "<tbody>\n";
    for (auto const index : group.blocks) {
      auto const& block = report.blocks[index];
      text += "<tr><th scope=\"row\"><a href=\"#block-" + std::to_string(index) + "\">" +
              escaped(titles[index]) + "</a>";
      for (auto const& name : group.names) text += matrix_cell(row_in(block, name));
      text += "\n";
    }
    text += "</table></div>\n";
  }
  return text + "</div>\n</section>\n";
}

std::string block_text(Block const& block, std::size_t index) {
  std::string text = "<details class=\"block\" id=\"block-" + std::to_string(index) +
                     "\"><summary>" + escaped(title_of(block)) + "</summary>\n";
  if (auto const why = explanation_of(block); !why.empty()) text += element("p", why + ".") + "\n";
  for (auto const* const sentence : {&block.verdict, &block.front}) {
    if (!sentence->empty()) text += element("p", *sentence + ".") + "\n";
  }
  Table const figures = table_of(block);
  std::vector<std::vector<std::string>> cells;
  for (std::size_t i = 0; i < figures.rows.size(); ++i) {
    Row const& row = *figures.rows[i];
    std::string const mark = row.standing == Standing::winner ? "★ "
                             : row.standing == Standing::tied ? "= "
                                                              : "";
    cells.push_back({link_to(row, mark + figures.cells[i][0])});
    for (std::size_t k = 1; k < figures.cells[i].size(); ++k) {
      cells.back().push_back(escaped(figures.cells[i][k]));
    }
  }
  if (!cells.empty()) text += table(figures.titles, cells, title_of(block));
  auto const notes = notes_of(block);
  if (notes.empty()) return text + "</details>\n";
  text += "<ul>\n";
  for (auto const& note : notes) {
    text += "<li>" +
            escaped(std::string(name_of(note.kind)) + ": " + note.names + ": " + note.text) + "\n";
  }
  return text + "</ul>\n</details>\n";
}

std::string overall_text(Report const& report) {
  if (report.overall.empty()) return {};
  std::string text = "<h3>Over workloads</h3>\n";
  for (auto const& overall : report.overall) {
    OverallTable means = table_of(overall);
    for (auto& row : means.cells) {
      for (auto& cell : row) cell = escaped(cell);
    }
    text += "<details class=\"block\"><summary>" + escaped(overall.title) + "</summary>\n" +
            element("p", explanation_of(overall) + ".") + "\n" +
            table(means.titles, means.cells, overall.title) + "</details>\n";
  }
  return text;
}

std::string tables(Report const& report) {
  std::string text = "<section id=\"tables\">\n<h2>All figures</h2>\n";
  for (std::size_t i = 0; i < report.blocks.size(); ++i) text += block_text(report.blocks[i], i);
  return text + overall_text(report) + "</section>\n";
}

std::string header(Report const& report, Beside const& beside) {
  bool const any = beside.comparison || beside.gate;
  std::string text =
      "<a class=\"skip\" href=\"#words\">To the report</a>\n<header>\n<h1>What memory management "
      "cost</h1>\n<p>churn report of run " +
      std::to_string(report.run.id) + ", " + escaped(report.run.started_utc) + "</p>\n";
  text +=
      "<nav aria-label=\"Sections\"><a href=\"#words\">In words</a> <a href=\"#matrix\">Matrix</a> "
      "<a class=\"needs-script\" href=\"#cell\">Cell</a> "
      "<a class=\"needs-script\" href=\"#trade-offs\">Trade-offs</a> ";
  if (any) text += "<a href=\"#runs\">Beside it</a> ";
  text += "<a href=\"#tables\">All figures</a> <a href=\"#method\">Method</a></nav>\n</header>\n";
  return text;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (char const letter : visible(text)) {
    switch (letter) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += letter;
    }
  }
  return result;
}

std::string table(std::vector<std::string> const& titles,
                  std::vector<std::vector<std::string>> const& cells, std::string_view label) {
  std::string text = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
                     escaped(label) + "\"><table><thead><tr>";
  for (auto const& title : titles) text += "<th scope=\"col\">" + escaped(title);
  text += "<tbody>\n";
  for (auto const& row : cells) {
    text += "<tr><th scope=\"row\">" + row.front();
    for (std::size_t k = 1; k < row.size(); ++k) text += "<td>" + row[k];
    text += "\n";
  }
  return text + "</table></div>\n";
}

std::string body(Report const& report, Beside const& beside) {
  std::string text = header(report, beside) +
                     "<main>\n<noscript><p>Scripts are off: every sentence and "
                     "table is here; the charts are not.</p></noscript>\n";
  text += words(report) + matrix(report);
  text +=
      "<section id=\"cell\" class=\"needs-script\" tabindex=\"-1\"><h2>A cell</h2><div "
      "id=\"cell-view\"><p>Choose a cell in the matrix.</p></div></section>\n";
  text +=
      "<section id=\"trade-offs\" class=\"needs-script\"><h2>Trade-offs</h2><div "
      "id=\"trade-offs-view\"></div></section>\n";
  text += runs(beside) + tables(report);
  text += "<section id=\"method\">\n<h2>Method</h2>\n";
  text += method();
  return text + "</section>\n</main>\n";
}

}  // namespace churn::report::html
