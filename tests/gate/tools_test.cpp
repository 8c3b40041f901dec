// What a gate makes of other programs' words: a shell's line, a tool that fails, a link again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "harness/core/error.hpp"
#include "harness/gate/explain.hpp"
#include "harness/gate/relink.hpp"
#include "harness/gate/tool.hpp"

namespace churn::gate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SplitLine, ResolvesQuotesAsAShellDoes) {
  EXPECT_THAT(split_line("c++ -o 'a b' \"c'd\" e\\ f ''  g"),
              ElementsAre("c++", "-o", "a b", "c'd", "e f", "", "g"));
  EXPECT_THAT(split_line("  "), ElementsAre());
  for (char const* const word : {"plain", "two words", "it's", "$HOME"}) {
    EXPECT_THAT(split_line(shell_word(word)), ElementsAre(word));
  }
}

TEST(RunTool, SaysWhyThereIsNoAnswer) {
  run::Interrupt interrupt;
  EXPECT_EQ(run_tool("echo yes", "", 10, interrupt).words, "yes\n");
  EXPECT_EQ(run_tool("echo no >&2; exit 7", "", 10, interrupt).failure,
            "it ended with exit status 7: no");
  EXPECT_THAT(run_tool("sleep 100", "", 0.1, interrupt).failure, HasSubstr("in time"));
}

// CHURN_CELL is the path of a cell program of this build.
TEST(Relinker, LinksAnotherLayoutOfTheSameProgram) {
  run::Interrupt interrupt;
  std::string const program = CHURN_CELL;
  ASSERT_NE(build_directory_of(program), "");
  Relinker relinker(1, interrupt);
  std::string const one = relinker.layout(program, 0), other = relinker.layout(program, 1);
  EXPECT_NE(one, other);
  EXPECT_EQ(relinker.layout(program, 0), one) << "made once";
  auto const symbols = [&](std::string const& file) {
    return run_tool("nm " + shell_word(file) + " | grep ' [tTW] ' | sort -k3 | cksum", "", 60,
                    interrupt)
        .words;
  };
  EXPECT_NE(symbols(one), symbols(other)) << "functions lie elsewhere";
  EXPECT_NE(symbols(one), symbols(program));
  Relinker again(1, interrupt);
  EXPECT_EQ(symbols(again.layout(program, 0)), symbols(one)) << "the seed decides";
}

TEST(Relinker, SaysWhatCannotBeLinkedAgain) {
  run::Interrupt interrupt;
  Relinker relinker(1, interrupt);
  EXPECT_EQ(build_directory_of("/bin/sh"), "");
  EXPECT_THROW(relinker.layout("/bin/sh", 0), UserError);
  EXPECT_EQ(build_directory_of("/nowhere/at/all"), "");
}

TEST(InWords, ShowsChangesAndReasons) {
  EXPECT_EQ(in_words({{1, "instructions_per_op", 100, 102.9, ""},
                      {1, "minor_faults", 7, 7, ""},
                      {1, "allocations_per_op", 0, 2, ""}}),
            "instructions +2.9 %, minor faults equal, allocations none, then 2.00");
  EXPECT_EQ(in_words({{1, "system_calls_per_op", {}, {}, "strace is not installed"}}),
            "no system calls: strace is not installed");
  EXPECT_EQ(in_words({}), "");
}

TEST(Explanation, TellsTheWorstBatchesOfAllProcesses) {
  std::vector<store::GatePair> pairs(2);
  pairs[0].baseline.batch_ns = std::vector<std::uint64_t>(5000, 1000);
  pairs[0].candidate.batch_ns = std::vector<std::uint64_t>(5000, 2000);
  pairs[1].baseline.batch_ns = std::vector<std::uint64_t>(5000, 1000);
  pairs[1].baseline.batch_ns[7] = 3'000'000;
  pairs[1].candidate.batch_ns = {2000, 2000};
  auto const found = worst_batches_of(pairs);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_LT(*found[0].baseline, 3'000'000) << "one of ten thousand is beyond it";
  EXPECT_EQ(found[1].baseline, 3'000'000);
  EXPECT_EQ(found[1].candidate, 2000);
  EXPECT_EQ(in_words({found[1]}), "the longest 3.00, then 0.00200 ms");
  EXPECT_TRUE(worst_batches_of({}).empty());
  pairs[0].candidate.batch_ns.clear();
  pairs[1].candidate.batch_ns.clear();
  EXPECT_TRUE(worst_batches_of(pairs).empty()) << "no batches were kept";
}

}  // namespace
}  // namespace churn::gate
