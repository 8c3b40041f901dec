// One cell over many made-up runs: what is taken in, what is left out and said, how it is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/core/error.hpp"
#include "results/report/history.hpp"
#include "results/report/plot.hpp"
#include "results/report/text.hpp"
#include "tests/golden/synthetic_run.hpp"

namespace churn::report {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() : directory_(made()), store_(directory_ / "db", store::Store::Access::create) {}
  ~HistoryTest() override { fs::remove_all(directory_); }

  static std::string made() {
    char name[] = "/tmp/churn-history-XXXXXX";
    CHURN_CHECK(mkdtemp(name) != nullptr);
    return name;
  }

  static store::CellKey larson(std::string allocator = "glibc") {
    return {{std::move(allocator), {}}, {}, {"malloc/larson", {{"blocks", "1000"}}}, 1, 0};
  }

  std::int64_t add(double op_ns, std::string machine = "f00d", std::string kind = "run",
                   store::CellKey key = larson(), Outcome outcome = Outcome::ok) {
    store::Run run;
    char day[32];
    std::snprintf(day, sizeof day, "2024-%02d-%02dT12:00:00Z", days_ / 28 + 1, days_ % 28 + 1);
    ++days_;
    run.started_utc = day;
    run.version = "0.1.0 (" + std::to_string(days_) + ")";
    run.kind = std::move(kind);
    store::Cell cell;
    cell.run_id = store_.add_run(run, {machine, {{"cores", "2"}, {"cpu_model", "Made-up"}}});
    cell.key = std::move(key);
    cell.ops_per_sample = 1000;
    auto const id = store_.add_cell(cell);
    for (std::uint32_t round = 0; round < 3; ++round) {
      store::Invocation made;
      made.cell_id = id;
      made.round = round;
      made.outcome = outcome;
      made.reason = outcome == Outcome::ok ? "" : "signal 11\x1b[31m";
      auto const ns = static_cast<std::uint64_t>(op_ns * 1000 * (1 + 0.02 * random_.unit()));
      made.sample_ns = {ns, ns + 2};
      made.figures["peak_rss_bytes"] = 6 << 20;
      store_.add_invocation(made);
    }
    return cell.run_id;
  }

  History found(HistoryOptions const& options = {}, store::CellKey const& key = larson()) {
    return history(store_, key, options);
  }

  std::string refusal(store::CellKey const& key, HistoryOptions const& options = {}) {
    try {
      history(store_, key, options);
    } catch (UserError const& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path directory_;
  store::Store store_;
  Random random_{7};
  int days_ = 0;
};

void expect_golden(std::string const& name, std::string const& text) {
  fs::path const path = fs::path(CHURN_GOLDEN) / name;
  if (std::getenv("CHURN_REGENERATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    FAIL() << "wrote " << path << "; read what changed, then run without CHURN_REGENERATE";
  }
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << "differs from " << path;
}

TEST_F(HistoryTest, AStepAndWhatWasLeftOut) {
  for (int i = 0; i < 12; ++i) add(20);
  add(0.001, "f00d", "gate");
  add(20, "f00d", "run", larson(), Outcome::crashed);
  add(35, "cafe");
  for (int i = 0; i < 12; ++i) add(21);
  History const one = found();
  expect_golden("history.txt", to_terminal(one, {}));
  expect_golden("history_ascii.txt", to_terminal(one, {false, 60, false}));
  expect_golden("history.json", to_json(one));
  ASSERT_THAT(one.levels, SizeIs(2));
  EXPECT_EQ(one.moments[one.levels[1].first].run_id, 16);
  EXPECT_THAT(one.left_out, SizeIs(3));
  expect_golden("history_across.txt", to_terminal(found({"time_per_op_ns", true}), {}));
}

TEST_F(HistoryTest, ALineFitsUnlessAWordDoesNot) {
  for (int i = 0; i < 200; ++i) add(20 + 0.02 * i, i < 100 ? "f00d" : "cafe");
  for (auto const& style : {TerminalStyle{}, TerminalStyle{false, 80, false}}) {
    std::istringstream text(to_terminal(found({"time_per_op_ns", true}), style));
    for (std::string line; std::getline(text, line);) EXPECT_LE(width_of(line), 80u) << line;
  }
}

TEST_F(HistoryTest, OfOtherMachinesNothingIsTakenInUnasked) {
  for (int i = 0; i < 8; ++i) add(20, "f00d");
  for (int i = 0; i < 8; ++i) add(40, "cafe");
  History const newest = found();
  EXPECT_THAT(newest.moments, SizeIs(8));
  EXPECT_THAT(newest.levels, SizeIs(1));
  EXPECT_EQ(newest.machines[0].fingerprint, "cafe");
  ASSERT_THAT(newest.left_out, SizeIs(1));
  EXPECT_THAT(newest.left_out[0].runs, SizeIs(8));
  History const both = found({"time_per_op_ns", true});
  ASSERT_THAT(both.levels, SizeIs(2));
  EXPECT_TRUE(both.levels[1].machine_changed);
  EXPECT_THAT(to_terminal(both, {}),
              AllOf(HasSubstr("different machines: "), HasSubstr("the machine is another")));
}

TEST_F(HistoryTest, RunsAreInTheOrderOfTheirTime) {
  days_ = 20;
  add(20);
  days_ = 3;
  add(21);
  History const two = found();
  EXPECT_EQ(two.moments[0].run_id, 2);
  EXPECT_EQ(two.moments[1].run_id, 1);
}

TEST_F(HistoryTest, WhatIsLeftOutOfACellIsFilledInWhereItIsOne) {
  auto other = larson();
  other.workload.settings["blocks"] = "5";
  add(20);
  store::CellKey const brief{{"glibc", {}}, {}, {"malloc/larson", {}}, 0, 0};
  EXPECT_EQ(found({}, brief).key, larson());
  add(20, "f00d", "run", other);
  EXPECT_THAT(refusal(brief), AllOf(HasSubstr("is 2 cells here"), HasSubstr("blocks=5}@1")));
  EXPECT_EQ(found({}, other).key, other);
}

TEST_F(HistoryTest, RefusalsSayWhatThereIs) {
  EXPECT_THAT(refusal(larson()), HasSubstr("churn run"));
  add(20);
  EXPECT_THAT(refusal(larson("glibd")),
              HasSubstr("did you mean glibc/malloc/larson{blocks=1000}@1"));
  EXPECT_THAT(refusal(larson(), {"peak_rs_bytes"}), HasSubstr("did you mean peak_rss_bytes"));
  EXPECT_THAT(refusal(larson(), {"pause_max_ns"}), HasSubstr("it has no pause_max_ns"));
  EXPECT_THAT(refusal(larson(), {"lower_bound_overhead_ratio"}), HasSubstr("no history"));
}

TEST_F(HistoryTest, NamesAreHarmless) {
  add(20, "\x1b[2J", "run", larson(synthetic::hostile_name));
  std::string const text = to_terminal(found({}, larson(synthetic::hostile_name)), {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\u202e"), std::string::npos);
}

TEST(Plot, HighestFirstLowestLast) {
  std::vector<double> const values{1, 2, 3, 2, 1};
  Plot const drawn = plot(values, {}, {5, 3}, false);
  EXPECT_THAT(drawn.lines, ElementsAre("  *", " * *", "*   *"));
  EXPECT_EQ(drawn.high, 3);
  EXPECT_EQ(drawn.low, 1);
  EXPECT_THAT(plot(std::vector<double>{0, 0}, {{0, 1, 0}}, {4, 3}, false).lines,
              ElementsAre("", "*--*", ""));
  EXPECT_THAT(plot(std::vector<double>{5}, {}, {4, 3}, true).lines[1], HasSubstr("\u2804"));
}

}  // namespace
}  // namespace churn::report
