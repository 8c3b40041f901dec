// What:  the parts that html.cpp puts together: what the script reads, what scripts-off readers
//        read, and the script and style themselves.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/report/details.hpp"
#include "results/report/html/html.hpp"
#include "results/report/report.hpp"

namespace churn::report::html {

// `visible`, and harmless in text and in quoted attributes.
std::string escaped(std::string_view text);

// Of one table of the matrix: the blocks whose rows lie on one axis.
struct Group {
  std::string title, id;
  std::vector<std::string> names;   // of the columns; the baseline first
  std::vector<std::string> labels;  // the same, without what all have in common
  std::vector<std::size_t> blocks;
};
std::vector<Group> groups_of(Report const& report);
// Of the group's column in the block; null: none there.
Row const* row_in(Block const& block, std::string const& name);

// What the matrix may show: metrics that some cell has, in the order of the table of metrics.
std::vector<std::string> matrix_metrics(Report const& report);
// Back ends that ratios are offered to: the report's own first, then those in the most blocks.
std::vector<std::string> baselines_of(Report const& report);

// Named parts of data, each as an element that holds deflated JSON in base64.
std::string data_parts(Report const& report, Details const& details);

// The headings, sentences and tables.
std::string body(Report const& report, Beside const& beside = {});
// A section of tables; empty where there is nothing beside the run.
std::string runs(Beside const& beside);
// With a region around it that scrolls and has a name. Cells are HTML, the first a heading.
std::string table(std::vector<std::string> const& titles,
                  std::vector<std::vector<std::string>> const& cells, std::string_view label);

// Empty in a build without npm.
std::string_view script() noexcept;
std::string_view style() noexcept;
std::string_view method() noexcept;  // the page for sceptics, HTML
// "sha256-…" of the script, as a Content-Security-Policy names it.
std::string_view script_hash() noexcept;

}  // namespace churn::report::html
