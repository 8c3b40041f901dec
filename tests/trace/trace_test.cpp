// Traces in memory and in files: what is written is read, what is torn or malformed is said, and
// what is compiled makes the same calls in an order that can have happened.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>

#include "harness/core/error.hpp"
#include "harness/core/random.hpp"
#include "harness/trace/columns.hpp"
#include "harness/trace/compile.hpp"
#include "harness/trace/file.hpp"
#include "harness/trace/order.hpp"
#include "harness/trace/read.hpp"

namespace churn::trace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Threads that make, resize and free blocks, their own and each other's, at times that overlap.
Trace sample(std::uint32_t threads, std::uint32_t steps, std::uint64_t seed = 1) {
  Random random(seed);
  Trace trace;
  trace.source = "sample";
  trace.command = "sample --of 'calls'";
  trace.processes = {{17, "sample"}};
  trace.threads.resize(threads);
  std::vector<std::uint64_t> made(threads), live;
  auto const make = [&](std::uint32_t thread, std::uint64_t word) {
    trace.threads[thread].words.push_back(word);
    live.push_back(name_of_block(thread, made[thread]++));
  };
  auto const take_out = [&] {
    std::size_t const at = random.below(static_cast<std::uint32_t>(live.size()));
    std::swap(live[at], live.back());
    std::uint64_t const name = live.back();
    live.pop_back();
    return name;
  };
  for (std::uint32_t i = 0; i < steps; ++i) {
    auto const thread = random.below(threads);
    auto& words = trace.threads[thread].words;
    words.push_back(word_of(Kind::time, 1'000'000 + i));
    std::uint64_t const bytes = random.below(1000);
    switch (live.size() < 20 ? random.below(3) : random.below(8)) {
      case 0:
        make(thread, word_of(Kind::malloc, bytes << (i % 50 == 0 ? 21 : 0)));
        break;
      case 1:
        make(thread, word_of(Kind::calloc, bytes));
        break;
      case 2:
        make(thread, word_of(Kind::aligned, aligned_value(6, bytes)));
        break;
      case 3: {
        words.push_back(word_of(Kind::realloc, take_out()));
        words.push_back(bytes + 1);
        live.push_back(name_of_block(thread, made[thread]++));
        break;
      }
      case 4:
        words.push_back(word_of(Kind::usable, live.back()));
        break;
      case 5:
        words.insert(words.end(), {word_of(Kind::stack, 2), 0x401000, 0x402000});
        make(thread, word_of(Kind::malloc, bytes));
        break;
      default:
        words.push_back(word_of(Kind::free, take_out()));
    }
  }
  return trace;
}

std::string file_of(Trace const& trace) {
  std::string const path = testing::TempDir() + "churn-" + std::to_string(getpid()) + ".trace";
  write_trace(trace, path);
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::remove(path.c_str());
  return text;
}

TEST(Columns, give_back_what_was_put_in) {
  Trace const trace = sample(3, 2000);
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto const decoded = decode(encode(i, 0, 0, trace.threads[i].words));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->words, trace.threads[i].words);
  }
}

TEST(Columns, refuse_any_text_that_is_cut_or_changed_beyond_use) {
  std::string const text = encode(0, 0, 0, sample(1, 60).threads[0].words);
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(decode(std::string_view(text).substr(0, length))) << length;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 0x80);
    if (auto const decoded = decode(changed)) {
      EXPECT_LE(decoded->words.size(), text.size() * 2);
    }
  }
}

TEST(File, gives_back_what_was_written) {
  Trace const trace = sample(3, 3000);
  Trace const read = read_trace_text(file_of(trace), "sample");
  EXPECT_FALSE(read.torn);
  EXPECT_THAT(read.remarks, IsEmpty());
  EXPECT_EQ(read.command, trace.command);
  EXPECT_EQ(read.processes[0].command, "sample");
  ASSERT_EQ(read.threads.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(read.threads[i].words, trace.threads[i].words);
}

TEST(File, torn_at_any_byte_keeps_what_lies_before) {
  Trace const trace = sample(2, 300);
  std::string const text = file_of(trace);
  std::size_t most = 0;
  for (std::size_t length = file_magic.size(); length < text.size(); ++length) {
    Trace const read = read_trace_text(std::string_view(text).substr(0, length), "t");
    EXPECT_TRUE(read.torn) << length;
    ASSERT_EQ(read.remarks.size(), 1u);
    EXPECT_THAT(read.remarks[0], HasSubstr("t ends early: at byte "));
    std::size_t words = 0;
    for (auto const& each : read.threads) words += each.words.size();
    EXPECT_GE(words, most) << "less is read of a longer file";
    most = std::max(most, words);
  }
  EXPECT_EQ(most, trace.threads[0].words.size() + trace.threads[1].words.size());
}

TEST(File, damaged_at_any_byte_is_noticed_or_harmless) {
  Trace const trace = sample(2, 120);
  std::string const text = file_of(trace);
  for (std::size_t at = file_magic.size(); at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    Trace const read = read_trace_text(changed, "t");
    if (read.torn) continue;
    for (std::size_t i = 0; i < read.threads.size(); ++i) {
      EXPECT_EQ(read.threads[i].words, trace.threads[i].words) << at;
    }
  }
}

TEST(Text, of_android_is_read_and_bad_lines_are_told_with_their_numbers) {
  Trace const trace = read_trace_text(
      "7: malloc 0x10 24\n"
      "7: calloc 0x20 3 5\n"
      "8: memalign 0x30 64 100\n"
      "8: realloc 0x40 0x10 48\n"
      "nonsense\n"
      "7: free 0x99\n"
      "7: memalign 0x50 63 100\n"
      "7: free 0x0\n"
      "7: free 0x20 1000 1010\n"
      "8: thread_done 0x0\n",
      "a.txt");
  ASSERT_EQ(trace.threads.size(), 2u);
  EXPECT_THAT(trace.remarks,
              ElementsAre(HasSubstr("a.txt, line 5: it is not understood"),
                          HasSubstr("a.txt, line 6: the block is not alive"),
                          HasSubstr("a.txt, line 7: the alignment is no power of two")));
  Summary const summary = summarize(trace, 0);
  EXPECT_EQ(summary.calls, 5u);
  EXPECT_EQ(summary.total_bytes, 24u + 15 + 100 + 48);
  EXPECT_EQ(summary.peak_live_bytes, 48u + 15 + 100);
}

TEST(Text, of_mtrace_is_read) {
  Trace const trace = read_trace_text(
      "= Start\n"
      "@ ./a b.out:(main+0x1d)[0x401136] + 0x4052a0 0x18\n"
      "@ ./a b.out:[0x401150] < 0x4052a0\n"
      "@ ./a b.out:[0x401150] > 0x4052c0 0x30\n"
      "@ ./a b.out:[0x401150] - 0x4052c0\n"
      "@ ./a b.out:[0x401150] - 0x1\n"
      "= End\n",
      "m");
  EXPECT_THAT(trace.remarks, ElementsAre(HasSubstr("m, line 6: the block is not alive")));
  Summary const summary = summarize(trace, 0);
  EXPECT_EQ(summary.calls, 3u);
  EXPECT_EQ(summary.peak_live_bytes, 0x30u);
}

TEST(Text, that_is_no_trace_is_refused) {
  EXPECT_THROW(read_trace_text("", "e"), UserError);
  EXPECT_THROW(read_trace_text("hello world\n", "e"), UserError);
  EXPECT_THROW(read_trace_text("1: nothing\n", "e"), UserError);
  EXPECT_THROW(read_trace_text("PK\x03\x04 no archive", "e"), UserError);
  EXPECT_THROW(read_trace_text("churn-trace 9\n", "e"), UserError);
}

TEST(Order, keeps_each_threads_own_and_making_before_ending) {
  Trace const trace = sample(4, 5000);
  std::map<std::uint32_t, std::uint64_t> made;
  std::set<std::uint32_t> live;
  Ordered const ordered = in_order(trace, 0, [&](Call const& call) {
    if (call.event.kind == Kind::free) {
      EXPECT_EQ(live.erase(call.block), 1u);
    }
    if (call.event.kind == Kind::usable) {
      EXPECT_TRUE(live.contains(call.block));
    }
    if (call.old_block != no_block) {
      EXPECT_EQ(live.erase(call.old_block), 1u);
    }
    if (call.event.makes_block()) {
      EXPECT_TRUE(live.insert(call.block).second);
    }
  });
  EXPECT_EQ(ordered.left_out, 0u);
  std::uint64_t calls = 0;
  for (auto const& each : trace.threads) calls += calls_of(each.words);
  EXPECT_EQ(ordered.calls, calls);
}

TEST(Order, of_calls_on_unknown_blocks_and_of_rings_of_waiters_leaves_some_out) {
  Trace trace;
  trace.processes.resize(1);
  trace.threads.resize(2);
  // Each frees first what the other makes last: that cannot have happened.
  trace.threads[0].words = {word_of(Kind::free, name_of_block(1, 0)), word_of(Kind::malloc, 1)};
  trace.threads[1].words = {word_of(Kind::free, name_of_block(0, 0)), word_of(Kind::malloc, 2),
                            word_of(Kind::free, name_of_block(9, 0)),
                            word_of(Kind::free, name_of_block(1, 7))};
  Ordered const ordered = in_order(trace, 0, [](Call const&) {});
  EXPECT_EQ(ordered.left_out, 3u);
  EXPECT_EQ(ordered.calls, 3u);
}

// Runs a compiled program as its lanes might, in an order drawn at random among those that may go
// on.
struct Simulation {
  explicit Simulation(std::string const& program, std::uint64_t seed) : random(seed) {
    view.header = reinterpret_cast<replay::ReplayHeader const*>(program.data());
    view.words = reinterpret_cast<std::uint64_t const*>(view.header + 1);
  }

  void pass() {
    std::uint32_t const lanes = view.header->lanes;
    std::vector<std::size_t> at(lanes, 0);
    std::vector<std::uint32_t> announced(lanes, 0);
    std::vector<std::uint32_t> open;
    for (std::uint32_t i = 0; i < lanes; ++i) open.push_back(i);
    std::uint32_t stuck = 0;
    while (!open.empty()) {
      std::uint32_t const lane = open[random.below(static_cast<std::uint32_t>(open.size()))];
      auto const words = view.lane(lane);
      if (at[lane] == words.size()) {
        std::erase(open, lane);
        continue;
      }
      std::uint64_t const word = words[at[lane]];
      if (replay::code_of(word) == replay::Code::await &&
          announced[replay::detail_of(word)] < replay::slot_of(word)) {
        ASSERT_LT(++stuck, 1'000'000u) << "the lanes wait for each other";
        continue;
      }
      stuck = 0;
      ++at[lane];
      if (replay::code_of(word) == replay::Code::announce) announced[lane] = replay::slot_of(word);
      if (replay::code_of(word) == replay::Code::wide) ++at[lane];
      call(word);
    }
    EXPECT_THAT(live, IsEmpty()) << "a pass leaves blocks behind";
  }

  void call(std::uint64_t word) {
    std::uint32_t const slot = replay::slot_of(word);
    switch (replay::code_of(word)) {
      case replay::Code::announce:
      case replay::Code::await:
        return;
      case replay::Code::free:
        EXPECT_EQ(live.erase(slot), 1u);
        break;
      case replay::Code::realloc:
      case replay::Code::usable:
        EXPECT_TRUE(live.contains(slot));
        break;
      case replay::Code::wide:
        if (replay::detail_of(word) == static_cast<std::uint32_t>(replay::Code::realloc)) {
          EXPECT_TRUE(live.contains(slot));
          break;
        }
        [[fallthrough]];
      default:
        EXPECT_TRUE(live.insert(slot).second) << "a slot is used twice at once";
    }
    ++calls;
  }

  replay::ProgramView view;
  Random random;
  std::set<std::uint32_t> live;
  std::uint64_t calls = 0;
};

TEST(Compiled, programs_are_sound_for_any_number_of_lanes) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Trace const trace = sample(5, 3000, seed);
    Summary const summary = summarize(trace, 0);
    EXPECT_EQ(summary.lanes, 5u);
    for (std::uint32_t lanes = 1; lanes <= summary.lanes; ++lanes) {
      std::string const program = compile(trace, summary, lanes);
      EXPECT_EQ(
          replay::what_is_wrong(reinterpret_cast<std::byte const*>(program.data()), program.size()),
          "");
      Simulation simulation(program, seed);
      simulation.pass();
      simulation.pass();
      EXPECT_EQ(simulation.calls, 2 * simulation.view.header->calls);
    }
  }
}

TEST(Compiled, threads_that_follow_each_other_share_a_lane) {
  Trace trace;
  trace.processes.resize(1);
  trace.threads.resize(3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    trace.threads[i].words = {word_of(Kind::time, 100 * (i + 1)), word_of(Kind::malloc, 8),
                              word_of(Kind::free, name_of_block(i, 0))};
  }
  Summary const summary = summarize(trace, 0);
  EXPECT_EQ(summary.threads, 3u);
  EXPECT_EQ(summary.lanes, 1u);
  EXPECT_THROW(compile(trace, summary, 2), UserError);
}

// Without its announcements, some order must go wrong: this test can fail.
TEST(Canary, a_program_without_waits_is_found) {
  Trace const trace = sample(3, 2000);
  std::string program = compile(trace, summarize(trace, 0), 3);
  auto* const words =
      reinterpret_cast<std::uint64_t*>(program.data() + sizeof(replay::ReplayHeader));
  std::size_t waits = 0;
  for (std::size_t i = 0; i < (program.size() - sizeof(replay::ReplayHeader)) / 8; ++i) {
    if (replay::code_of(words[i]) == replay::Code::wide)
      ++i;
    else if (replay::code_of(words[i]) == replay::Code::await) {
      words[i] = replay::word_of(replay::Code::announce, 0, 0);
      ++waits;
    }
  }
  EXPECT_GT(waits, 100u);
  testing::TestPartResultArray failures;
  {
    testing::ScopedFakeTestPartResultReporter const reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    Simulation simulation(program, 1);
    simulation.pass();
  }
  EXPECT_GT(failures.size(), 0);
}

}  // namespace
}  // namespace churn::trace
