// Pairs of whole commands, one after the other in random order: what a project gates with that has
// nothing to do with churn's own cells.
#include <unistd.h>

#include <cstdio>

#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/gate/measurer.hpp"
#include "harness/run/spawn.hpp"
#include "harness/run/supervise.hpp"

namespace churn::gate {
namespace {

constexpr char shell[] = "/bin/sh";

std::vector<std::string> own_environment() {
  std::vector<std::string> result;
  for (char** each = environ; *each != nullptr; ++each) result.emplace_back(*each);
  return result;
}

std::string last_line(std::string words) {
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::size_t const at = words.find_last_of('\n');
  return at == std::string::npos ? words : words.substr(at + 1);
}

void judge(run::Ended const& ended, double limit_seconds, store::Invocation& row) {
  using How = run::Ended::How;
  row.outcome = Outcome::crashed;
  if (ended.how == How::out_of_time) {
    row.outcome = Outcome::timed_out;
    char text[64];
    std::snprintf(text, sizeof text, "did not end within %g s", limit_seconds);
    row.reason = text;
  } else if (ended.how == How::out_of_memory) {
    row.outcome = Outcome::out_of_memory;
    row.reason = "reached " + std::to_string(ended.peak_resident_bytes >> 20) + " MiB";
  } else if (ended.how == How::signalled) {
    row.reason = "killed by " + run::spelled_signal(ended.status);
  } else if (ended.status != 0) {
    row.reason = "ended with exit status " + std::to_string(ended.status);
  } else {
    row.outcome = Outcome::ok;
  }
  std::string const line = last_line(ended.words);
  if (row.outcome != Outcome::ok && !line.empty()) row.reason += "; it said: " + line;
}

class CommandMeasurer final : public Measurer {
 public:
  CommandMeasurer(GatePlan const& plan, run::Interrupt& interrupt)
      : plan_(plan), interrupt_(interrupt) {}

  // Once each: files are read, and a command that fails is told of before any pair.
  Ready prepare(Pairing const& pairing) override {
    for (std::size_t const side : {*pairing.baseline, pairing.candidate}) {
      auto const row = run_once(side);
      Ready ready;
      ready.interrupted = !row;
      if (ready.interrupted) return ready;
      if (row->outcome == Outcome::ok) continue;
      ready.failure = plan_.plan.cells.at(side).program + ": " + row->reason;
      return ready;
    }
    Ready ready;
    ready.protocol = "whole commands";
    ready.turns = 1;
    return ready;
  }

  void resume(Ready const&) override {}
  std::optional<Ready> shorten(double) override { return std::nullopt; }

  // pre: no extra work, which only cells can do
  std::optional<store::GatePair> measure(Pairing const& pairing, PairWish const& wish) override {
    CHURN_CHECK(!wish.extra.any());
    std::size_t const candidate = wish.canary ? *pairing.baseline : pairing.candidate;
    auto first = run_once(wish.candidate_first ? candidate : *pairing.baseline);
    if (!first) return std::nullopt;
    auto second = run_once(wish.candidate_first ? *pairing.baseline : candidate);
    if (!second) return std::nullopt;
    if (wish.candidate_first) std::swap(first, second);
    store::GatePair pair;
    pair.candidate_first = wish.candidate_first;
    pair.baseline = std::move(*first);
    pair.candidate = std::move(*second);
    return pair;
  }

  double seconds() const override { return static_cast<double>(now_ns()) * 1e-9; }

 private:
  std::optional<store::Invocation> run_once(std::size_t side) {
    run::Launch launch;
    launch.program = shell;
    launch.arguments = {"sh", "-c", plan_.plan.cells.at(side).program};
    launch.environment = environment_;
    store::Invocation row;
    row.started_ns = read_clock_ns(CLOCK_REALTIME);
    run::Limits const limits{plan_.plan.memory_cap_bytes,
                             static_cast<std::uint64_t>(plan_.plan.time_limit_seconds * 1e9)};
    std::uint64_t const spawned_ns = now_ns();
    run::Ended const ended = run::supervise(run::spawn(launch), spawned_ns, limits, interrupt_);
    if (ended.how == run::Ended::How::interrupted) return std::nullopt;
    row.wall_ns = ended.wall_ns;
    row.record = "{}";
    judge(ended, plan_.plan.time_limit_seconds, row);
    if (row.outcome == Outcome::ok) row.sample_ns = {ended.wall_ns};
    return row;
  }

  GatePlan const& plan_;
  run::Interrupt& interrupt_;
  std::vector<std::string> const environment_ = own_environment();
};

}  // namespace

std::unique_ptr<Measurer> make_command_measurer(GatePlan const& plan, run::Interrupt& interrupt) {
  return std::make_unique<CommandMeasurer>(plan, interrupt);
}

}  // namespace churn::gate
