// What:  what a run or a gate found, as continuous integration asks: of each cell whether it is
//        good, why not, and its figures. One model for all formats of that kind; they arrange and
//        escape it and compute nothing.
// Rule:  names come from a store as they are; each format makes them harmless. Names are unique.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "results/report/report.hpp"

namespace churn::exporting {

// In ascending gravity.
enum class State {
  good,
  skipped,  // there is nothing to say: not applicable, or new
  open,     // no answer: inconclusive, or not measured. Never green
  broken,   // it could not be measured: a crash
  bad,      // the answer is no: a regression, a wrong answer
};

struct Figure {
  std::string metric, unit;  // "time_per_op_ns", "ns"
  double value = 0;          // finite
  std::optional<double> low, high;
};

struct Finding {
  std::string name, group;                                  // the cell; its workload's name
  std::vector<std::pair<std::string, std::string>> labels;  // of the cell, by axis
  State state = State::good;
  std::string verdict, reason;       // "crashed", "signal 11"
  std::vector<std::string> columns;  // for people, under Findings::titles
  std::vector<Figure> figures;
  double gravity = 0;  // among those of one state, the greatest first
};

struct Findings {
  std::string subject;  // "gate" or "run"
  State state = State::good;
  std::string verdict, summary;
  std::string started_utc, again;  // `again`: the command that shows all of it
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> titles;
  std::vector<Finding> findings;
  std::vector<std::string> notes;
};

// Of a run; a gate has its own in harness/gate.
Findings findings_of(report::Report const& report);

// Gives findings of one name numbers, and the whole the gravest state. For whoever made it.
void complete(Findings& findings);
std::vector<Finding const*> gravest_first(Findings const& findings);
std::size_t count(Findings const& findings, State state) noexcept;

// At most so many characters, the last three of them dots where some were left out.
// pre: text is UTF-8
std::string shortened(std::string text, std::size_t most_characters);

// "bmf, custom-smaller-is-better, github, junit, markdown, openmetrics"
std::string_view finding_format_names() noexcept;
bool is_finding_format(std::string_view name) noexcept;

// "github" gives its annotations; the job's summary is `to_markdown` with the room there is.
// pre: is_finding_format(format)
std::string render(Findings const& findings, std::string_view format);

// Of a comment on a pull request, of a job's summary.
inline constexpr std::size_t most_comment_bytes = 65'000, most_summary_bytes = std::size_t{1} << 20;
// No longer than `most_bytes`; what does not fit is the least grave, and the text says so.
std::string to_markdown(Findings const& findings, std::size_t most_bytes);

}  // namespace churn::exporting
