// The pure parts of running a plan: order, amounts of work, environments, and what progress shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "harness/run/environment.hpp"
#include "harness/run/exchange.hpp"
#include "harness/run/order.hpp"
#include "harness/run/progress.hpp"
#include "harness/run/supervise.hpp"
#include "harness/run/work.hpp"

namespace churn::run {
namespace {

using testing::HasSubstr;
using testing::Not;

// ---- order ----

// Four blocks of five cells; the third cell of each cannot run.
Plan blocks(std::uint64_t seed) {
  Plan plan;
  plan.seed = seed;
  for (std::uint64_t i = 0; i < 20; ++i) {
    PlannedCell cell;
    cell.block = i / 5;
    if (i % 5 == 2) cell.why_not = "no";
    plan.cells.push_back(cell);
  }
  return plan;
}

TEST(RoundOrder, HasEveryRunnableCellOnceAndBlocksTogether) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Plan const plan = blocks(seed);
    std::vector<std::size_t> const order = round_order(plan, 3);
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), 16u);
    ASSERT_EQ(order.size(), 16u);
    std::vector<std::uint64_t> block_order;
    for (std::size_t const cell : order) {
      EXPECT_EQ(plan.cells[cell].why_not, "");
      if (block_order.empty() || block_order.back() != plan.cells[cell].block) {
        block_order.push_back(plan.cells[cell].block);
      }
    }
    EXPECT_EQ(block_order.size(), 4u) << "seed " << seed;
  }
}

TEST(RoundOrder, FollowsFromSeedAndRoundAlone) {
  EXPECT_EQ(round_order(blocks(7), 1), round_order(blocks(7), 1));
  EXPECT_NE(round_order(blocks(7), 1), round_order(blocks(7), 2));
  EXPECT_NE(round_order(blocks(7), 1), round_order(blocks(8), 1));
}

// Each cell comes first in its round about as often as any other: 320 rounds, 16 cells, 20 each.
TEST(RoundOrder, FavoursNoCell) {
  std::vector<int> firsts(20, 0);
  for (std::uint32_t round = 0; round < 320; ++round) ++firsts[round_order(blocks(1), round)[0]];
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    if (i % 5 == 2) continue;
    EXPECT_GT(firsts[i], 5) << i;
    EXPECT_LT(firsts[i], 45) << i;
  }
}

// ---- work ----

TEST(WorkFor, FillsTheTimeWithWholeSlices) {
  // 100 units take 1 ms: 0.5 s in 20 samples is 2500 units each.
  Work const work = work_for(100, 1'000'000, 0.5, 20);
  EXPECT_EQ(work, (Work{50'000, 20, 5'000}));
}

TEST(WorkFor, TakesFewerSamplesWhereAUnitIsLong) {
  // A unit takes 0.1 s: 5 of them fill 0.5 s.
  EXPECT_EQ(work_for(1, 100'000'000, 0.5, 20), (Work{5, 5, 1}));
  // A unit takes 10 s: there are still three.
  EXPECT_EQ(work_for(1, 10'000'000'000, 0.5, 20), (Work{3, 3, 1}));
  EXPECT_EQ(work_for(1, 10'000'000'000, 0.5, 2), (Work{2, 2, 1}));
}

TEST(WorkFor, IsAMultipleOfItsSamplesWhateverThePilotSaw) {
  for (std::uint64_t units = 1; units < 1'000'000; units = units * 7 + 3) {
    for (std::uint64_t ns = 0; ns < 100'000'000'000; ns = ns * 11 + 1) {
      Work const work = work_for(units, ns, 0.6, 20);
      EXPECT_GE(work.samples, least_samples);
      EXPECT_LE(work.samples, 20u);
      EXPECT_GE(work.units, work.samples);
      EXPECT_EQ(work.units % work.samples, 0u);
      EXPECT_GE(work.warmup_units, work.units / work.samples);
    }
  }
}

TEST(WatchedWork, IsAThirdInSlicesOfWholeUnits) {
  EXPECT_EQ(watched_work({50'000, 20, 5'000}), (Work{16'000, 1'000, 5'000}));
  EXPECT_EQ(watched_work({32, 4, 8}), (Work{10, 10, 8}));
  EXPECT_EQ(watched_work({1, 1, 1}), (Work{1, 1, 1})) << "never nothing";
}

TEST(WorkThatFits, NeverAsksForMoreThanTheRoom) {
  Requested const requested{{1000, 20, 100}, 5'000 + 1'100 * 700, 5'000 + 100 * 700};
  for (std::uint64_t room = 0; room < 1'000'000; room += 997) {
    std::optional<Work> const work = work_that_fits(requested, room);
    if (!work) {
      EXPECT_LT(room, 5'000u + 2 * 700u) << "setup, one unit and its warm-up would fit";
      continue;
    }
    EXPECT_LE(5'000 + (work->units + work->warmup_units) * 700, std::max<std::uint64_t>(room, 1));
    EXPECT_EQ(work->units % work->samples, 0u);
    EXPECT_EQ(work->warmup_units, warmup_units(work->units, work->samples));
  }
  EXPECT_EQ(work_that_fits(requested, requested.total_bytes), requested.work);
}

TEST(WorkThatFits, IsNothingWhereTheSetUpFillsTheRoom) {
  EXPECT_EQ(work_that_fits({{20, 20, 2}, 10'000'000, 9'999'000}, 5'000'000), std::nullopt);
  EXPECT_EQ(work_that_fits({{20, 20, 2}, 10'000'000, 10'000'000}, 5'000'000), std::nullopt)
      << "work that asks for nothing while it is timed does not shrink";
}

TEST(RoomForKeptBytes, IsHalfTheCapAndAtMostAGibibyte) {
  EXPECT_EQ(room_for_kept_bytes(std::uint64_t{1} << 30), std::uint64_t{1} << 29);
  EXPECT_EQ(room_for_kept_bytes(std::uint64_t{64} << 30), std::uint64_t{1} << 30);
  EXPECT_EQ(room_for_kept_bytes(0), std::uint64_t{1} << 30);
}

// ---- environment ----

TEST(Environment, IsPaddedToTheSameSizeWhateverGoesIn) {
  std::vector<std::string> const arguments{"churn-cell", "--a=b"};
  for (std::size_t settings = 0; settings < 20; ++settings) {
    std::map<std::string, std::string> given;
    for (std::size_t i = 0; i < settings; ++i)
      given["KEY" + std::to_string(i)] = std::string(i, 'v');
    std::string const program = "/" + std::string(settings * 3 + 1, 'p');
    std::vector<std::string> const environment =
        padded(program, arguments, cell_environment(given, settings % 2 ? "/tmp/l.so" : ""), 2048);
    EXPECT_EQ(stack_bytes(program, arguments, environment), 2048u);
    EXPECT_THAT(environment.back(), HasSubstr("CHURN_PAD="));
  }
}

TEST(Environment, LeastPaddingIsEnough) {
  std::vector<std::string> const arguments{"a"};
  std::size_t const least = stack_bytes("p", arguments, {}) + least_padding_bytes();
  EXPECT_EQ(padded("p", arguments, {}, least), std::vector<std::string>{"CHURN_PAD="});
}

// ---- request and record ----

TEST(Request, CarriesEveryKeyOfTheProtocol) {
  Asked asked;
  asked.workload = "managed/cycle-churn";
  asked.parameters["ring"] = 10;
  asked.seed = ~std::uint64_t{0};
  asked.work = {100, 20, 10};
  asked.cpus = {1, 0};
  std::string const without = to_request(asked);
  for (char const* const part :
       {"\"protocol\":1", "\"mode\":\"time\"", "\"workload\":\"managed/cycle-churn\"",
        "\"parameters\":{\"ring\":10}", "\"collector_parameters\":{}", "\"threads\":1",
        "\"heap_limit_bytes\":0", "\"seed\":18446744073709551615", "\"units\":100",
        "\"samples\":20", "\"warmup_units\":10", "\"library\":null", "\"cpus\":[1,0]"}) {
    EXPECT_THAT(without, HasSubstr(part));
  }
  EXPECT_THAT(without, Not(HasSubstr("target_ns"))) << "a target of 0 is refused; pilots have one";
  asked.mode = Mode::pilot;
  asked.target_ns = 30;
  EXPECT_THAT(to_request(asked), HasSubstr("\"target_ns\":30"));
  asked.library = LibraryFile{"/lib/l.so", 5, 6};
  EXPECT_THAT(to_request(asked),
              HasSubstr(R"("library":{"device":5,"inode":6,"path":"/lib/l.so"})"));
}

TEST(Request, OfTurnsSaysWhoMovesFirstAndWhereThePageIs) {
  Asked asked;
  asked.mode = Mode::turns;
  asked.turns = {20, 1};
  EXPECT_THAT(to_request(asked),
              HasSubstr(R"("turns":{"count":20,"page":"/proc/self/fd/5","place":1})"));
  asked.mode = Mode::time;
  EXPECT_THAT(to_request(asked), Not(HasSubstr("turns")));
}

TEST(ReadRecord, OfTurnsHasEachTurnAndWhatWasUsedWhileParked) {
  std::string const text =
      R"({"protocol":1,"outcome":"ok","reason":"","mode":"turns","workload":"w","threads":1,)"
      R"("units":4,"samples":4,"ops_per_unit":1,"checksum":"0","clock_setup_ns":1,)"
      R"("sample_ns":[5,6,7,8],"sample_cpu_ns":[4,4,4,4],"rss_time_line":[],"system_ns":0,)"
      R"("turn_ns":[11,15],"parked_cpu_ns":3})";
  Asked asked;
  asked.mode = Mode::turns;
  asked.workload = "w";
  asked.work = {4, 4, 0};
  asked.turns.count = 2;
  Record const record = read_record(text, asked);
  EXPECT_EQ(record.outcome, Outcome::ok) << record.reason;
  EXPECT_EQ(record.turn_ns, (std::vector<std::uint64_t>{11, 15}));
  EXPECT_EQ(record.figures.at("parked_cpu_ns"), 3);
  EXPECT_THAT(record.rest, Not(HasSubstr("turn_ns")));
  asked.turns.count = 3;
  EXPECT_THAT(read_record(text, asked).reason, HasSubstr("turn_ns"));
}

TEST(ReadRecord, KeepsAnOutcomeAndItsReason) {
  Record const record = read_record(
      R"({"protocol":1,"outcome":"unproved","reason":"malloc lies in libc.so.6"})", Asked{});
  EXPECT_EQ(record.outcome, Outcome::unproved);
  EXPECT_EQ(record.reason, "malloc lies in libc.so.6");
}

TEST(ReadRecord, HasNoPauseFiguresWithoutAPause) {
  Asked asked;
  asked.workload = "w";
  asked.work = {1, 1, 0};
  Record const record = read_record(
      R"({"protocol":1,"outcome":"ok","reason":"","mode":"time","workload":"w","threads":1,)"
      R"("units":1,"samples":1,"ops_per_unit":1,"checksum":"0","clock_setup_ns":1,"sample_ns":[5],)"
      R"("sample_cpu_ns":[4],"rss_time_line":[],"system_ns":0,"collector_stats":)"
      R"({"pause":{"count":0,"p50_ns":0,"p99_ns":0,"max_ns":0,"total_ns":0,"buckets":[]}}})",
      asked);
  EXPECT_EQ(record.outcome, Outcome::ok) << record.reason;
  EXPECT_EQ(record.figures.size(), 2u);  // CPU and system time
  EXPECT_TRUE(record.histograms.empty());
}

TEST(ReadRecord, SurvivesEveryCutAndEveryFlippedByte) {
  std::string const whole =
      R"({"protocol":1,"outcome":"ok","reason":"","mode":"pilot","workload":"w","threads":1,)"
      R"("ops_per_unit":1,"checksum":"0","slice_units":4,"slice_ns":9})";
  Asked asked;
  asked.mode = Mode::pilot;
  asked.workload = "w";
  ASSERT_EQ(read_record(whole, asked).outcome, Outcome::ok);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Record const cut = read_record(whole.substr(0, i), asked);
    EXPECT_EQ(cut.outcome, Outcome::crashed) << i;
    EXPECT_NE(cut.reason, "");
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x40);
    Record const other =
        read_record(flipped, asked);  // what it says matters less than that it returns
    EXPECT_TRUE(other.outcome != Outcome::ok || other.slice_units > 0);
  }
}

// ---- progress ----

TEST(Progress, SpellsSeconds) {
  EXPECT_EQ(spelled_seconds(0.2), "0s");
  EXPECT_EQ(spelled_seconds(59.4), "59s");
  EXPECT_EQ(spelled_seconds(80), "1m20s");
  EXPECT_EQ(spelled_seconds(7500), "2h05m");
}

TEST(Progress, ALineFitsItsWidth) {
  Step step{3, 165, Eta{80, 95}, 0.034, "jemalloc/malloc/larson@2"};
  EXPECT_EQ(progress_line(step, 79),
            "[  3/165] 1m20s-1m35s left  noise 3%  jemalloc/malloc/larson@2");
  step.what = std::string(200, 'x');
  EXPECT_EQ(progress_line(step, 79).size(), 79u);
}

TEST(Progress, RemainingTimeIsACellsOwnOrTheQuartilesOfAll) {
  Eta const unknown = remaining({{10, {}}}, 0.5);
  EXPECT_DOUBLE_EQ(unknown.low_s, 5);
  EXPECT_DOUBLE_EQ(unknown.high_s, 15);
  Eta const own = remaining({{2, {1'000'000'000, 2'000'000'000}}, {0, {9'000'000'000}}}, 0.5);
  EXPECT_DOUBLE_EQ(own.low_s, 1.8);
  EXPECT_DOUBLE_EQ(own.high_s, 4.6);
  Eta const others = remaining({{1, {}}, {0, {1'000'000'000}}, {0, {3'000'000'000}}}, 0.5);
  EXPECT_LE(others.low_s, others.high_s);
  EXPECT_GE(others.low_s, 1);
}

TEST(Progress, NoiseIsTheMedianSpreadOfCellsThatRanTwice) {
  EXPECT_EQ(noise_between({{1.0}, {}}), std::nullopt);
  EXPECT_DOUBLE_EQ(*noise_between({{100, 110, 105}, {5.0}}), 10.0 / 105);
}

// A terminal's line is written over: what is left of a longer one is blanked.
TEST(Progress, OverwritesOnATerminalAndThinsOutElsewhere) {
  auto const shown = [](bool is_terminal) {
    char* text = nullptr;
    std::size_t length = 0;
    std::FILE* const out = open_memstream(&text, &length);
    {
      Progress progress(out, is_terminal);
      progress.show({0, 9, {}, {}, "a-long-name-of-a-cell"});
      progress.show({1, 9, {}, {}, "b"});
      progress.note("note");
    }
    std::fclose(out);
    std::string const result(text, length);
    std::free(text);
    return result;
  };
  EXPECT_EQ(shown(true), "\r[0/9]  a-long-name-of-a-cell\r[1/9]  b" + std::string(20, ' ') + "\r" +
                             std::string(8, ' ') + "\rnote\n");
  EXPECT_EQ(shown(false), "[0/9]  a-long-name-of-a-cell\nnote\n");
}

TEST(Signals, HaveNamesThatPeopleKnow) {
  EXPECT_EQ(spelled_signal(11), "SIGSEGV (Segmentation fault)");
  EXPECT_THAT(spelled_signal(40), HasSubstr("40"));
}

}  // namespace
}  // namespace churn::run
