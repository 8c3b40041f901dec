// Two stored runs against each other: made-up stores whose truth is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "results/report/comparison.hpp"

namespace churn::report {
namespace {

using testing::HasSubstr;
using testing::Not;

class Comparing : public testing::Test {
 protected:
  Comparing() {
    std::string path = (std::filesystem::temp_directory_path() / "churn-compare-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw UserError("no temporary directory");
    directory_ = path;
    store_.emplace(path + "/churn.db", store::Store::Access::create);
  }
  ~Comparing() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // One run: each workload with the time of an op, in ns.
  std::int64_t add_run(std::vector<std::pair<std::string, double>> const& cells,
                       std::uint32_t rounds = 10, std::string const& machine = "here",
                       std::string const& kind = "run") {
    store::Run run;
    run.plan = "{}";
    run.seed = random_.next();
    run.kind = kind;
    auto const id = store_->add_run(run, {machine, {}});
    for (auto const& [workload, ns] : cells) {
      store::Cell cell;
      cell.run_id = id;
      cell.key.allocator.name = "glibc";
      cell.key.workload.name = workload;
      cell.ops_per_sample = 1000;
      auto const cell_id = store_->add_cell(cell);
      for (std::uint32_t round = 0; round < rounds; ++round) {
        store_->add_invocation(invocation(cell_id, round, ns));
      }
    }
    return id;
  }
  store::Invocation invocation(std::int64_t cell, std::uint32_t round, double ns) {
    store::Invocation result;
    result.cell_id = cell;
    result.round = round;
    result.outcome = ns > 0 ? Outcome::ok : Outcome::crashed;
    result.reason = ns > 0 ? "" : "killed by SIGSEGV";
    result.record = "{}";
    double const level = 1 + 0.01 * normal();
    for (int i = 0; ns > 0 && i < 10; ++i) {
      result.sample_ns.push_back(
          static_cast<std::uint64_t>(1000 * ns * level * (1 + 0.01 * normal())));
    }
    return result;
  }
  double normal() {
    double const radius = std::sqrt(-2 * std::log(1 - random_.unit()));
    return radius * std::cos(2 * std::numbers::pi * random_.unit());
  }
  std::map<std::string, ComparedCell> cells_of(Comparison const& comparison) {
    std::map<std::string, ComparedCell> result;
    for (auto const& each : comparison.cells) {
      result[each.name.substr(each.name.find("malloc/"))] = each;
    }
    return result;
  }
  std::string refusal(std::int64_t baseline, std::int64_t candidate) {
    try {
      compare(*store_, baseline, candidate, {});
    } catch (UserError const& error) {
      return error.what();
    }
    return "no error";
  }

  std::string directory_;
  std::optional<store::Store> store_;
  Random random_{17};
};

TEST_F(Comparing, FindsWhatBecameSlowerAndFaster) {
  auto const old_run = add_run({{"malloc/a", 20}, {"malloc/b", 20}, {"malloc/c", 20}});
  auto const new_run = add_run({{"malloc/a", 22}, {"malloc/b", 20}, {"malloc/c", 15}});
  Comparison const found = compare(*store_, old_run, new_run, {});
  auto const cells = cells_of(found);
  EXPECT_EQ(cells.at("malloc/a@1").change, Change::slower);
  EXPECT_EQ(cells.at("malloc/b@1").change, Change::none);
  EXPECT_EQ(cells.at("malloc/c@1").change, Change::faster);
  EXPECT_NEAR(cells.at("malloc/a@1").ratio.median, 1.1, 0.02);
  EXPECT_LE(cells.at("malloc/a@1").ratio.low, 1.1);
  EXPECT_GE(cells.at("malloc/a@1").adjusted_p, cells.at("malloc/a@1").p);
  std::string const text = to_terminal(found, {});
  EXPECT_THAT(text, HasSubstr("share no noise"));
  EXPECT_THAT(text, Not(HasSubstr("different machines")));
  EXPECT_THAT(to_json(found), HasSubstr("\"change\": \"slower\""));
}

TEST_F(Comparing, AChangeBelowTheMinimumEffectIsNone) {
  auto const old_run = add_run({{"malloc/a", 20}}), new_run = add_run({{"malloc/a", 22}});
  EXPECT_EQ(compare(*store_, old_run, new_run, {false, 0.2}).cells[0].change, Change::none);
  EXPECT_EQ(compare(*store_, old_run, new_run, {false, 0.0}).cells[0].change, Change::slower);
}

TEST_F(Comparing, ThreeProcessesProveNothing) {
  auto const old_run = add_run({{"malloc/a", 20}}, 3), new_run = add_run({{"malloc/a", 40}}, 3);
  ComparedCell const cell = compare(*store_, old_run, new_run, {}).cells[0];
  EXPECT_EQ(cell.change, Change::none);
  EXPECT_DOUBLE_EQ(cell.p, 0.1);
  EXPECT_EQ(cell.ratio.spread, statistics::Spread::range);
}

TEST_F(Comparing, CellsOfOneSideAndFailuresHaveNoRatio) {
  auto const old_run = add_run({{"malloc/a", 20}, {"malloc/gone", 20}, {"malloc/bad", 20}});
  auto const new_run = add_run({{"malloc/a", 20}, {"malloc/new", 20}, {"malloc/bad", 0}});
  auto const cells = cells_of(compare(*store_, old_run, new_run, {}));
  EXPECT_EQ(cells.at("malloc/gone@1").change, Change::only_in_baseline);
  EXPECT_EQ(cells.at("malloc/new@1").change, Change::only_in_candidate);
  EXPECT_EQ(cells.at("malloc/bad@1").change, Change::unmeasured);
  EXPECT_THAT(cells.at("malloc/bad@1").reason, HasSubstr("candidate crashed: killed by SIGSEGV"));
  EXPECT_EQ(cells.at("malloc/bad@1").ratio.n, 0u);
}

TEST_F(Comparing, DifferentMachinesAreRefusedOrMarkedOnEveryLine) {
  auto const here = add_run({{"malloc/a", 20}}), there = add_run({{"malloc/a", 20}}, 10, "there");
  EXPECT_THAT(refusal(here, there), HasSubstr("--across-machines"));
  Comparison const found = compare(*store_, here, there, {true, 0.02});
  EXPECT_TRUE(found.across_machines);
  EXPECT_THAT(to_terminal(found, {}), HasSubstr("different machines: glibc/malloc/a"));
}

TEST_F(Comparing, WhatCannotBeComparedIsRefused) {
  auto const run = add_run({{"malloc/a", 20}}), other = add_run({{"malloc/b", 20}});
  auto const gate = add_run({{"malloc/a", 20}}, 1, "here", "gate");
  EXPECT_THAT(refusal(run, other), HasSubstr("no cell in common"));
  EXPECT_THAT(refusal(run, gate), HasSubstr("is a gate"));
  EXPECT_THAT(refusal(run, 99), HasSubstr("99"));
}

// Ten cells that have not changed, ten times: at 5 % one alarm in twenty clean comparisons.
TEST_F(Comparing, SeldomCallsNoiseAChange) {
  std::vector<std::pair<std::string, double>> cells;
  for (int i = 0; i < 10; ++i) cells.emplace_back("malloc/w" + std::to_string(i), 20);
  int runs_with_alarms = 0;
  for (int run = 0; run < 10; ++run) {
    auto const old_run = add_run(cells, 6), new_run = add_run(cells, 6);
    Comparison const found = compare(*store_, old_run, new_run, {false, 0});
    runs_with_alarms += std::any_of(found.cells.begin(), found.cells.end(),
                                    [](auto const& each) { return each.change != Change::none; });
  }
  EXPECT_LE(runs_with_alarms, 2);
}

}  // namespace
}  // namespace churn::report
