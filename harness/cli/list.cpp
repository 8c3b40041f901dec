// `churn list`: what there is to name on each axis, as a table for people or as JSON.
#include <algorithm>
#include <functional>
#include <map>

#include "harness/cli/commands.hpp"
#include "harness/cli/here.hpp"
#include "harness/cli/output.hpp"
#include "harness/core/error.hpp"
#include "harness/core/metrics.hpp"
#include "harness/core/nearest.hpp"
#include "harness/run/plan_cells.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"

namespace churn::cli {
namespace {

using report::JsonWriter;

// One thing that can be named. `details` are (label, text) lines of the long form.
struct Item {
  std::string name, summary, why_not;  // why_not empty: available
  std::vector<std::pair<std::string, std::string>> details;
  std::function<void(JsonWriter&)> more;  // further members of its JSON object
};

// The value it has by itself, and which it may have: "4 (1 to 10)", "3.11 (3.11, 3.13)".
std::string range_of(auto const& parameter) {
  std::string text, standard = std::to_string(parameter.standard);
  if constexpr (requires { parameter.words; }) {
    for (auto const& word : parameter.words) text.append(text.empty() ? "" : ", ").append(word);
    if (!text.empty()) standard = parameter.words[static_cast<std::size_t>(parameter.standard)];
  }
  if (text.empty()) {
    text = std::to_string(parameter.minimum) + " to " + std::to_string(parameter.maximum);
  }
  return standard + " (" + text + ")";
}

template <class Parameters>
void add_parameters(Item& item, Parameters const& parameters) {
  for (auto const& each : parameters) {
    item.details.emplace_back(std::string(each.name),
                              range_of(each) + ": " + std::string(each.summary));
  }
}

template <class Parameters>
void write_parameters(JsonWriter& json, Parameters const& parameters) {
  json.key("parameters").begin_array();
  for (auto const& each : parameters) {
    json.begin_object()
        .member("name", each.name)
        .member("summary", each.summary)
        .member("standard", each.standard)
        .member("minimum", each.minimum)
        .member("maximum", each.maximum);
    if constexpr (requires { each.words; }) {
      if (!each.words.empty()) json.array("words", each.words);
    }
    json.end_object();
  }
  json.end_array();
}

void add_detail(Item& item, std::string const& label, std::string const& text) {
  if (!text.empty()) item.details.emplace_back(label, text);
}

std::vector<Item> allocator_items(Here const& here) {
  std::vector<Item> items;
  for (auto const& info : here.catalogue().all()) {
    Item item{info.name, info.summary, info.available ? "" : info.why_not, {}, {}};
    add_detail(item, "library", info.library);
    add_detail(item, "package", info.package);
    add_detail(item, "note", info.note);
    add_parameters(item, info.parameters);
    for (auto const& variant : info.variants) {
      item.details.emplace_back("{" + variant.settings + "}", variant.why);
    }
    item.more = [&info](JsonWriter& json) {
      json.member("library", info.library)
          .member("package", info.package)
          .member("note", info.note)
          .member("in_project", info.in_project)
          .member("reuses", info.reuses);
      json.key("variants").begin_array();
      for (auto const& variant : info.variants) {
        json.begin_object().member("settings", variant.settings).member("why", variant.why);
        json.end_object();
      }
      json.end_array();
      write_parameters(json, info.parameters);
    };
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<Item> collector_items(Here const& here) {
  std::vector<Item> items;
  for (auto const& program : here.surroundings().programs) {
    if (program.collector.empty()) continue;
    Item item{program.collector, program.summary, "", {}, {}};
    std::string promises;
    for (auto const& [trait, value] : program.traits) {
      if (value == 1) promises += (promises.empty() ? "" : ", ") + trait;
    }
    add_detail(item, "traits", promises);
    add_parameters(item, program.parameters);
    for (auto const& [workload, reason] : program.not_applicable) {
      add_detail(item, "not " + workload, reason);
    }
    item.more = [&program](JsonWriter& json) {
      json.object("traits", program.traits).object("not_applicable", program.not_applicable);
      write_parameters(json, program.parameters);
    };
    items.push_back(std::move(item));
  }
  return items;
}

std::string threads_text(run::WorkloadDescription const& workload) {
  if (workload.min_threads == workload.max_threads) return std::to_string(workload.min_threads);
  std::string text =
      std::to_string(workload.min_threads) + " to " + std::to_string(workload.max_threads);
  if (workload.min_threads > 1) text += ", multiples of " + std::to_string(workload.min_threads);
  return text;
}

std::vector<Item> workload_items(Here const& here) {
  std::map<std::string, run::WorkloadDescription const*> workloads;
  for (auto const& program : here.surroundings().programs) {
    for (auto const& each : program.workloads) workloads.emplace(each.name, &each);
  }
  std::vector<Item> items;
  for (auto const& [name, workload] : workloads) {
    Item item{name, workload->summary, "", {}, {}};
    add_detail(item, "op", workload->op);
    add_detail(item, "source", workload->source);
    add_detail(item, "threads", threads_text(*workload));
    add_detail(item, "unranked", workload->why_unranked);
    add_parameters(item, workload->parameters);
    item.more = [workload = workload](JsonWriter& json) {
      json.member("source", workload->source)
          .member("op", workload->op)
          .member("min_threads", workload->min_threads)
          .member("max_threads", workload->max_threads)
          .member("disposes", workload->disposes)
          .member("makes_cycles", workload->makes_cycles)
          .member("why_unranked", workload->why_unranked);
      write_parameters(json, workload->parameters);
    };
    items.push_back(std::move(item));
  }
  return items;
}

// A matrix is planned for this machine: its size depends on what is registered here.
std::vector<Item> matrix_items(Here const& here) {
  std::vector<Item> items;
  for (auto const& embedded : run::embedded_matrices()) {
    run::Matrix const matrix = run::find_matrix(std::string(embedded.name));
    Item item{matrix.name, matrix.summary, "", {}, {}};
    try {
      run::Wish wish;
      wish.matrix = matrix.name;
      run::Plan const plan = run::make_plan(wish, here.surroundings());
      auto const runnable = std::count_if(plan.cells.begin(), plan.cells.end(),
                                          [](auto const& each) { return each.why_not.empty(); });
      double const seconds = run::estimated_seconds(plan);
      std::size_t const cells = plan.cells.size();
      add_detail(item, "cells",
                 std::to_string(cells) + ", of which " + std::to_string(runnable) + " run here");
      add_detail(item, "rounds", std::to_string(matrix.rounds));
      add_detail(item, "about", duration_text(seconds));
      add_detail(item, "baseline", plan.baseline);
      item.more = [=](JsonWriter& json) {
        json.member("cells", cells)
            .member("runnable_cells", runnable)
            .member("rounds", plan.rounds)
            .member("seconds", plan.seconds_per_invocation)
            .member("estimated_seconds", seconds)
            .member("baseline", plan.baseline);
      };
    } catch (UserError const& error) {
      item.why_not = error.what();
    }
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<Item> metric_items(Here const&) {
  std::vector<Item> items;
  for (auto const& metric : metrics) {
    Item item{std::string(metric.name), std::string(metric.summary), "", {}, {}};
    add_detail(item, "unit", std::string(metric.unit));
    item.more = [&metric](JsonWriter& json) { json.member("unit", metric.unit); };
    items.push_back(std::move(item));
  }
  return items;
}

struct Kind {
  char const* name;
  std::vector<Item> (*items)(Here const&);
};
constexpr Kind kinds[] = {{"allocators", allocator_items},
                          {"collectors", collector_items},
                          {"workloads", workload_items},
                          {"matrices", matrix_items},
                          {"metrics", metric_items}};

void write_items(JsonWriter& json, std::vector<Item> const& items) {
  json.begin_array();
  for (auto const& item : items) {
    json.begin_object()
        .member("name", item.name)
        .member("summary", item.summary)
        .member("available", item.why_not.empty())
        .member("why_not", item.why_not);
    if (item.more) item.more(json);
    json.end_object();
  }
  json.end_array();
}

std::string as_text(std::vector<Item> const& items, bool long_form, std::size_t width) {
  std::size_t column = 0;
  for (auto const& item : items) column = std::max(column, item.name.size() + 4);
  std::string text;
  std::string const margin(column, ' ');
  auto const add = [&](std::string const& words) {
    for (auto const& line : report::wrapped(words, width - column)) text += margin + line + "\n";
  };
  for (auto const& item : items) {
    std::size_t const begin = text.size();
    add(item.summary);
    std::string const head = "  " + item.name;
    text.replace(begin, std::min(head.size(), text.size() - begin), head);
    if (!item.why_not.empty()) add("not available: " + item.why_not);
    if (!long_form) continue;
    for (auto const& [label, words] : item.details) add(label + ": " + words);
  }
  return text;
}

Kind const& find_kind(std::string const& name) {
  std::vector<std::string> names;
  for (auto const& each : kinds) {
    if (name == each.name) return each;
    names.emplace_back(each.name);
  }
  throw UserError("there is no list of " + name + run::did_you_mean(name, names) +
                  " (there are allocators, collectors, workloads, matrices and metrics)");
}

}  // namespace

int list(ListOptions const& options) {
  if (!options.what.empty()) find_kind(options.what);
  Here const here;
  JsonWriter json(2);
  if (!options.what.empty()) {
    auto const items = find_kind(options.what).items(here);
    write_items(json, items);
    write_output("", options.json ? json.take() + "\n"
                                  : as_text(items, options.long_form, style_of_stdout().width));
    return fine;
  }
  std::string text;
  json.begin_object();
  for (auto const& kind : kinds) {
    auto const items = kind.items(here);
    json.key(kind.name);
    write_items(json, items);
    text += (text.empty() ? "" : "\n") + std::string(kind.name) + "\n" +
            as_text(items, options.long_form, style_of_stdout().width);
  }
  json.end_object();
  write_output("", options.json ? json.take() + "\n" : text);
  return fine;
}

}  // namespace churn::cli
