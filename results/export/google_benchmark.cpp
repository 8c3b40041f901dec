#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "results/export/formats.hpp"
#include "results/report/json_writer.hpp"
#include "results/report/text.hpp"
#include "results/statistics/descriptive.hpp"

namespace churn::exporting {
namespace {

using report::JsonWriter;

struct Repetition {
  std::uint32_t index;
  double real_ns, cpu_ns;
};

struct Repetitions {
  std::vector<Repetition> ok;
  std::uint32_t invocations = 0;
  std::string error;  // of the first one that failed: then none has a time
};

double total(std::vector<std::uint64_t> const& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// compare.py prints names as they are: they must not reach its terminal as commands.
std::string name_of_cell(store::Cell const& cell) {
  return report::visible(store::spelled(cell.key));
}

// What each entry begins with; the caller ends the object.
void begin_entry(JsonWriter& out, std::string const& name, std::string_view suffix,
                 std::size_t family, store::Cell const& cell, Repetitions const& repetitions) {
  out.begin_object()
      .member("name", name + std::string(suffix))
      .member("family_index", family)
      .member("per_family_instance_index", 0)
      .member("run_name", name)
      .member("repetitions", repetitions.invocations)
      .member("threads", cell.key.threads)
      .member("time_unit", "ns");
}

double deviation(std::vector<double> const& values) {
  if (values.size() < 2) return 0;
  double const count = static_cast<double>(values.size());
  double const mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (double const value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (count - 1));
}

double mean_of(std::vector<double> const& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variation(std::vector<double> const& values) {
  double const mean = mean_of(values);
  return mean > 0 ? deviation(values) / mean : 0;
}

void write_aggregates(JsonWriter& out, std::string const& name, std::size_t family,
                      store::Cell const& cell, Repetitions const& repetitions) {
  if (repetitions.ok.size() < 2) return;
  std::vector<double> real, cpu;
  for (auto const& each : repetitions.ok) {
    real.push_back(each.real_ns);
    cpu.push_back(each.cpu_ns);
  }
  struct Aggregate {
    std::string_view name, unit;
    double (*of)(std::vector<double> const&);
  };
  constexpr auto median = [](std::vector<double> const& values) {
    return statistics::median(values);
  };
  for (auto const& aggregate :
       {Aggregate{"mean", "time", mean_of}, Aggregate{"median", "time", median},
        Aggregate{"stddev", "time", deviation}, Aggregate{"cv", "percentage", variation}}) {
    begin_entry(out, name, "_" + std::string(aggregate.name), family, cell, repetitions);
    out.member("run_type", "aggregate")
        .member("aggregate_name", aggregate.name)
        .member("aggregate_unit", aggregate.unit)
        .member("iterations", repetitions.ok.size())
        .member("real_time", aggregate.of(real))
        .member("cpu_time", aggregate.of(cpu))
        .end_object();
  }
}

void write_cell(JsonWriter& out, std::size_t family, store::Cell const& cell,
                Repetitions const& repetitions) {
  std::string const name = name_of_cell(cell);
  for (auto const& repetition : repetitions.ok) {
    begin_entry(out, name, "", family, cell, repetitions);
    out.member("run_type", "iteration")
        .member("repetition_index", repetition.index)
        .member("iterations", cell.ops_per_sample * cell.samples)
        .member("real_time", repetition.real_ns)
        .member("cpu_time", repetition.cpu_ns)
        .end_object();
  }
  write_aggregates(out, name, family, cell, repetitions);
}

// Beside the benchmarks: compare.py takes every entry there for a time, that of an error for 0 ns,
// and 0 makes the geometric mean of all of them 0.
void write_failures(JsonWriter& out, std::vector<store::Cell> const& cells,
                    std::map<std::int64_t, Repetitions> const& measured) {
  out.key("churn_failures").begin_array();
  for (auto const& cell : cells) {
    auto const found = measured.find(cell.id);
    if (found == measured.end() || found->second.error.empty()) continue;
    out.begin_object()
        .member("name", name_of_cell(cell))
        .member("error_message", found->second.error)
        .member("repetitions", found->second.invocations)
        .member("ok", found->second.ok.size())
        .end_object();
  }
  out.end_array();
}

void write_context(JsonWriter& out, store::Run const& run, store::Machine const& machine) {
  out.key("context")
      .begin_object()
      .member("date", run.started_utc)
      .member("executable", run.command)
      .member("library_build_type", "release")
      .member("churn_version", run.version)
      .member("churn_seed", run.seed)
      .member("churn_run", run.id)
      .member("churn_machine", machine.fingerprint)
      .key("caches")
      .begin_array()
      .end_array()
      .key("load_avg")
      .begin_array()
      .end_array();
  for (auto const& [name, value] : machine.facts) out.member("machine_" + name, value);
  if (auto const host = machine.facts.find("host_name"); host != machine.facts.end()) {
    out.member("host_name", host->second);
  }
  if (auto const cores = machine.facts.find("cores"); cores != machine.facts.end()) {
    out.member("num_cpus", std::strtoll(cores->second.c_str(), nullptr, 10));
  }
  out.end_object();
}

}  // namespace

void write_google_benchmark(store::Store& store, store::Run const& run, std::ostream& out) {
  auto const cells = store.cells(run.id);
  std::map<std::int64_t, Repetitions> measured;
  std::map<std::int64_t, store::Cell const*> by_id;
  for (auto const& cell : cells) by_id[cell.id] = &cell;
  store.each_invocation(run.id, true, [&](store::Invocation const& invocation) {
    auto const found = by_id.find(invocation.cell_id);
    if (found == by_id.end()) return;  // added since, by another writer
    Repetitions& repetitions = measured[invocation.cell_id];
    std::uint32_t const index = repetitions.invocations++;
    if (invocation.outcome != Outcome::ok) {
      if (repetitions.error.empty()) {
        repetitions.error = std::string(name_of(invocation.outcome)) + ": " + invocation.reason;
      }
      return;
    }
    double const ops = static_cast<double>(found->second->ops_per_sample) *
                       static_cast<double>(invocation.sample_ns.size());
    if (ops > 0) {
      repetitions.ok.push_back(
          {index, total(invocation.sample_ns) / ops, total(invocation.sample_cpu_ns) / ops});
    }
  });
  JsonWriter text(2);
  text.begin_object();
  write_context(text, run, store.machine(run.id));
  text.key("benchmarks").begin_array();
  std::size_t family = 0;
  for (auto const& cell : cells) {
    auto const found = measured.find(cell.id);
    if (found == measured.end() || !found->second.error.empty()) continue;
    if (!found->second.ok.empty()) write_cell(text, family++, cell, found->second);
  }
  text.end_array();
  write_failures(text, cells, measured);
  out << text.end_object().take() << '\n';
}

}  // namespace churn::exporting
