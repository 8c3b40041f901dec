// What:  a report as words: headings, tables and notes, the same for the terminal and for Markdown,
//        which only arrange and escape them.
// Rule:  names come from the store as they are; each format makes them harmless. A column that no
//        row fills is left out; a figure that one row lacks is "–".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "results/report/report.hpp"

namespace churn::report {

struct Table {
  std::vector<std::string> titles;  // the first is of the names
  std::vector<Row const*> rows;
  std::vector<std::vector<std::string>> cells;  // by row; the first is the name
};

// The back ends that have figures. Refers to the block.
Table table_of(Block const& block);

// "managed/cycle-churn{ring=10}, 2 threads, heap limit 64.0 MiB"
std::string title_of(Block const& block);
// Of each block: as title_of, but with those settings of the workload only in which its blocks
// differ.
std::vector<std::string> short_titles(Report const& report);
// "op: one object; low to high: range over 3 rounds; ratio to glibc". Empty parts are left out.
std::string explanation_of(Block const& block);

struct Note {
  enum class Kind { failed, unmeasured, not_applicable, warning } kind;
  std::string names;  // of back ends that share the text
  std::string text;
};
std::string_view name_of(Note::Kind kind) noexcept;
// Ordered by kind.
std::vector<Note> notes_of(Block const& block);

// (what, text): run, command, machine …
std::vector<std::pair<std::string, std::string>> heading_of(Report const& report);
// "3 cells failed, 2 were not measured." or empty.
std::string summary_of(Report const& report);

// "3.14–3.39", in a unit.
std::string interval(Estimate const& estimate, double unit);
// The simultaneous interval of the ratio to the best: "1", "1–1.62"; "≥ 1.2" where nothing that
// helps bounds it.
std::string to_best_text(statistics::AgainstBest const& against);

struct OverallTable {
  std::vector<std::string> titles;              // the first is of the names
  std::vector<std::vector<std::string>> cells;  // by row; the first is the name
};
OverallTable table_of(Overall const& overall);
// How its figures came about, for above its table.
std::string explanation_of(Overall const& overall);

}  // namespace churn::report
