// Who leads, who shares the lead and what is averaged, on stores whose truth is known: a claim that
// the data do not license must not be made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "harness/core/random.hpp"
#include "results/report/report.hpp"

namespace churn {
namespace {

namespace fs = std::filesystem;
using report::Report;
using report::Standing;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

struct BackEnd {
  std::string allocator, collector;
  double op_ns = 0;
  std::uint64_t peak_rss = 8 << 20;
  std::uint32_t rounds = 0;  // 0: as many as the run
};

struct Work {
  std::string name;
  std::vector<BackEnd> back_ends;
  std::string why_unranked;
  std::uint32_t threads = 1;
};

struct Measurement {
  std::uint32_t rounds = 10;
  double spread = 0.02;  // of a process
  double factor = 1;     // of every time
  std::string machine = "one";
};

double normal(Random& random) {
  double const radius = std::sqrt(-2 * std::log(1 - random.unit()));
  return radius * std::cos(2 * std::numbers::pi * random.unit());
}

class RankingTest : public ::testing::Test {
 protected:
  RankingTest() {
    char name[] = "/tmp/churn-ranking-XXXXXX";
    CHURN_CHECK(mkdtemp(name) != nullptr);
    directory_ = name;
  }
  ~RankingTest() override { fs::remove_all(directory_); }

  // Noise depends on names and rounds alone, so that nothing else changes it.
  Report measured(std::vector<Work> const& works, Measurement how = {}) {
    store::Store store(directory_ / std::to_string(++stores_), store::Store::Access::create);
    store::Run run;
    run.seed = 3;
    run.rounds = how.rounds;
    run.baseline = "glibc";
    auto const id = store.add_run(run, {how.machine, {{"cpu_model", how.machine}}});
    std::uint64_t block = 0;
    for (Work const& work : works) {
      ++block;
      for (BackEnd const& each : work.back_ends) add(store, id, block, work, each, how);
    }
    store.finish_run(id);
    return report::build(store, id);
  }

 private:
  void add(store::Store& store, std::int64_t run, std::uint64_t block, Work const& work,
           BackEnd const& back_end, Measurement const& how) {
    store::Cell cell;
    cell.run_id = run;
    cell.key = {
        {back_end.allocator, {}}, {back_end.collector, {}}, {work.name, {}}, work.threads, 0};
    cell.block = block;
    cell.ops_per_sample = 1;
    cell.why_unranked = work.why_unranked;
    auto const cell_id = store.add_cell(cell);
    std::uint64_t seed = 0;
    for (char const letter : store::spelled(cell.key)) {
      seed = mix(seed, static_cast<unsigned char>(letter));
    }
    Random random(seed);
    auto const rounds = back_end.rounds == 0 ? how.rounds : back_end.rounds;
    for (std::uint32_t round = 0; round < rounds; ++round) {
      store::Invocation made;
      made.cell_id = cell_id;
      made.round = round;
      made.outcome = Outcome::ok;
      double const level = back_end.op_ns * std::exp(how.spread * normal(random));
      for (int i = 0; i < 4; ++i) {
        made.sample_ns.push_back(static_cast<std::uint64_t>(std::round(level * 1000) * how.factor));
      }
      made.figures["peak_rss_bytes"] = static_cast<double>(back_end.peak_rss);
      store.add_invocation(made);
    }
  }

  fs::path directory_;
  int stores_ = 0;
};

std::map<std::string, Standing> standings_of(report::Block const& block) {
  std::map<std::string, Standing> result;
  for (auto const& row : block.rows) result[row.key.allocator.name] = row.standing;
  return result;
}

Work work(std::string name, std::vector<BackEnd> back_ends) {
  return {std::move(name), std::move(back_ends), "", 1};
}

// ---- claims ----

TEST_F(RankingTest, EqualBackEndsHaveNoLeader) {
  auto const report = measured({work("malloc/a", {{"glibc", "", 20}, {"jemalloc", "", 20}})});
  auto const& block = report.blocks[0];
  EXPECT_EQ(block.verdict, "not separated: nobody is proven more than 2 % slower than the best");
  EXPECT_EQ(block.front, "time against peak memory: nobody is proven to be dominated");
  for (auto const& row : block.rows) EXPECT_EQ(row.standing, Standing::tied);
}

// By 1.9 %, however sure: it is not worth a word.
TEST_F(RankingTest, ADifferenceWithinTheToleranceMakesNoLeader) {
  auto const report = measured({work("malloc/a", {{"glibc", "", 20}, {"jemalloc", "", 20.38}})},
                               {20, 0.0001, 1, ""});
  EXPECT_THAT(report.blocks[0].verdict, HasSubstr("not separated"));
  auto const& against = *report.blocks[0].rows[1].to_best;
  EXPECT_GT(against.low, 1.015) << "and yet its interval says how much it is";
}

TEST_F(RankingTest, TheTopGroupIsWhoIsNotProvenSlower) {
  auto const report = measured(
      {work("malloc/a", {{"glibc", "", 30}, {"jemalloc", "", 20}, {"mimalloc", "", 20.1}})});
  EXPECT_THAT(report.blocks[0].verdict,
              AllOf(HasSubstr("top group: "), HasSubstr("jemalloc"), HasSubstr("mimalloc"),
                    Not(HasSubstr("glibc")), HasSubstr("slower than the best")));
  EXPECT_EQ(standings_of(report.blocks[0]).at("glibc"), Standing::behind);
}

TEST_F(RankingTest, AloneAheadLeads) {
  auto const report =
      measured({work("malloc/a", {{"glibc", "", 30}, {"jemalloc", "", 20}, {"mimalloc", "", 30}})});
  EXPECT_EQ(report.blocks[0].verdict, "jemalloc leads: every other is proven more than 2 % slower");
}

// The same data that ten rounds prove: three say that they cannot.
TEST_F(RankingTest, ThreeRoundsClaimLittle) {
  std::vector<Work> const one{work("malloc/a", {{"glibc", "", 22}, {"jemalloc", "", 20}})};
  EXPECT_THAT(measured(one, {10, 0.005, 1, ""}).blocks[0].verdict, HasSubstr("jemalloc leads"));
  EXPECT_EQ(measured(one, {3, 0.005, 1, ""}).blocks[0].verdict,
            "not separated: nobody is proven more than 2 % slower than the best; 3 rounds prove "
            "only large differences");
  EXPECT_EQ(measured(one, {2, 0.005, 1, ""}).blocks[0].verdict, "not ranked: fewer than 3 rounds");
}

// One that has fewer rounds than the others might be the best.
TEST_F(RankingTest, NobodyIsRankedBesideOneWithTooFewRounds) {
  auto const report =
      measured({work("malloc/a", {{"glibc", "", 30}, {"new", "", 20, 1, 2}, {"old", "", 25}})});
  EXPECT_EQ(report.blocks[0].verdict, "not ranked: fewer than 3 rounds");
  EXPECT_THAT(report.blocks[0].front, IsEmpty());
}

TEST_F(RankingTest, TheFrontKeepsTheSmallAndTheFast) {
  auto const report = measured({work("malloc/a", {{"fast", "", 10, 40 << 20},
                                                  {"glibc", "", 20, 10 << 20},
                                                  {"slow", "", 30, 30 << 20},
                                                  {"wide", "", 11, 50 << 20}})});
  EXPECT_EQ(report.blocks[0].front,
            "time against peak memory: the front is fast and glibc; every other is proven to be "
            "dominated");
  for (auto const& row : report.blocks[0].rows) {
    EXPECT_EQ(row.dominated_by, row.key.allocator.name == "slow"   ? "glibc"
                                : row.key.allocator.name == "wide" ? "fast"
                                                                   : "");
  }
}

// ---- what is not ranked, and not averaged ----

TEST_F(RankingTest, AWorkloadThatComparesNobodyIsKeptOut) {
  std::vector<BackEnd> const two{{"glibc", "", 20}, {"jemalloc", "", 10}};
  std::vector<Work> works{work("malloc/a", two), work("malloc/b", two)};
  works.push_back({"malloc/paced", {{"glibc", "", 20}, {"jemalloc", "", 19}}, "a clock paces it"});
  auto const report = measured(works);
  EXPECT_EQ(report.blocks[2].verdict, "not ranked by time: a clock paces it");
  EXPECT_THAT(standings_of(report.blocks[2]),
              Each(::testing::Pair(::testing::_, Standing::unranked)));
  ASSERT_EQ(report.overall.size(), 1u);
  auto const& overall = report.overall[0];
  EXPECT_EQ(overall.workloads, 2u);
  EXPECT_EQ(overall.kept_out, "malloc/paced is kept out: a clock paces it");
  EXPECT_EQ(overall.rows[0].name, "jemalloc");
  EXPECT_NEAR(overall.rows[0].time->median, 0.5, 0.02);
  EXPECT_EQ(overall.rows[0].wins, 2u);
  for (auto const* const format : {"terminal", "markdown"}) {
    EXPECT_THAT(report::render(report, format), HasSubstr("is kept out: a clock paces it"));
  }
}

TEST_F(RankingTest, AMeanIsOverWorkloadsThatAllHave) {
  auto const report = measured({
      work("malloc/a", {{"glibc", "", 20}, {"fast", "", 10}, {"new", "", 5}}),
      work("malloc/b", {{"glibc", "", 20}, {"fast", "", 10}}),
      work("malloc/c", {{"glibc", "", 20}, {"fast", "", 40}}),
  });
  ASSERT_EQ(report.overall.size(), 1u);
  std::map<std::string, report::OverallRow> rows;
  for (auto const& row : report.overall[0].rows) rows[row.name] = row;
  EXPECT_NEAR(rows.at("fast").time->median, std::cbrt(0.5), 0.02);
  EXPECT_FALSE(rows.at("new").time.has_value());
  EXPECT_EQ(rows.at("new").wins, 1u);
  EXPECT_EQ(rows.at("fast").wins, 1u);
  EXPECT_EQ(rows.at("fast").losses, 2u);
  EXPECT_EQ(rows.at("glibc").wins, 1u);
  EXPECT_LT(rows.at("fast").time->low, 0.55) << "with three workloads: from the least";
  EXPECT_GT(rows.at("fast").time->high, 1.9) << "to the greatest";
}

TEST_F(RankingTest, VariationsOfAWorkloadCountOnce) {
  std::vector<BackEnd> const faster{{"glibc", "", 20}, {"fast", "", 10}};
  std::vector<Work> works{work("malloc/a", faster), work("malloc/a", faster),
                          work("malloc/b", {{"glibc", "", 20}, {"fast", "", 20}})};
  works[1].threads = 2;
  auto const report = measured(works);
  EXPECT_EQ(report.overall[0].blocks, 3u);
  EXPECT_EQ(report.overall[0].workloads, 2u);
  EXPECT_NEAR(report.overall[0].rows[0].time->median, std::sqrt(0.5), 0.02);
}

TEST_F(RankingTest, EachAxisOfManagedWorkloadsIsAveragedForItself) {
  std::vector<BackEnd> const both{
      {"glibc", "refcount", 20}, {"jemalloc", "refcount", 10}, {"glibc", "marking", 5}};
  auto const report = measured({work("managed/a", both), work("managed/b", both)});
  ASSERT_EQ(report.overall.size(), 2u);
  EXPECT_EQ(report.overall[0].title, "allocators under refcount");
  EXPECT_EQ(report.overall[1].title, "collectors on glibc");
  EXPECT_EQ(report.overall[0].rows[0].name, "jemalloc/refcount");
  EXPECT_EQ(report.overall[0].rows[0].wins, 2u) << "among the allocators";
  EXPECT_EQ(report.overall[1].rows[0].name, "glibc/marking");
  auto product = both;
  product.push_back({"jemalloc", "marking", 4});
  auto const whole = measured({work("managed/a", product), work("managed/b", product)});
  ASSERT_EQ(whole.overall.size(), 1u);
  EXPECT_EQ(whole.overall[0].rows.size(), 4u);
}

// ---- what must not matter ----

std::vector<Work> several() {
  std::vector<Work> works;
  for (int i = 0; i < 6; ++i) {
    works.push_back(work("malloc/" + std::string(1, static_cast<char>('a' + i)),
                         {{"glibc", "", 20.0 + i}, {"jemalloc", "", 19.5 + i}, {"slow", "", 30}}));
  }
  return works;
}

// Everything but times, and the machine.
Json told(Report const& report) {
  Json rows = Json::parse(to_json(report));
  for (auto& row : rows) row["metrics"].erase("time_per_op_ns");
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST_F(RankingTest, NeitherTheOrderOfCellsNorTheMachinesNameMatters) {
  auto const plain = told(measured(several()));
  auto works = several();
  std::reverse(works.begin(), works.end());
  for (auto& each : works) std::reverse(each.back_ends.begin(), each.back_ends.end());
  EXPECT_EQ(told(measured(works)), plain);
  EXPECT_EQ(told(measured(several(), {10, 0.02, 1, "another"})), plain);
}

TEST_F(RankingTest, DoublingAllTimesChangesNothing) {
  auto const one = told(measured(several())), two = told(measured(several(), {10, 0.02, 2, ""}));
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    for (auto const* const key : {"allocator", "workload", "standing", "on_front"}) {
      EXPECT_EQ(one[i].at(key), two[i].at(key));
    }
    EXPECT_NEAR(one[i].at("to_best").at("low").get<double>(), two[i].at("to_best").at("low"), 1e-9);
    EXPECT_EQ(one[i].at("ratio"), two[i].at("ratio"));
  }
}

}  // namespace
}  // namespace churn
