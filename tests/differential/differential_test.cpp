// `generational` against CPython itself, in one process: random programs of allocations, links,
// drops, weak objects, finalizers that resurrect, collections and all that the gc module controls
// must look the same on both, event by event.
//
// CHURN_TEST_SEED: this seed alone. CHURN_TEST_SEEDS: so many, from 1. CHURN_TEST_OPERATIONS: in
// each program.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "collectors/cpython.hpp"
#include "collectors/generational.hpp"
#include "harness/conform/collector_child.hpp"
#include "tests/differential/execution.hpp"
#include "tests/differential/shrink.hpp"

namespace churn::differential {
namespace {

constexpr std::size_t neighbourhood = 8;
constexpr std::size_t shrinking_attempts = 600;

std::uint64_t from_environment(char const* name, std::uint64_t otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string neighbourhood_of(char const* whose, Log const& log, std::size_t at,
                             Program const& program) {
  std::string text = std::string("\n") + whose + ":\n";
  std::size_t const first = at < neighbourhood ? 0 : at - neighbourhood;
  for (std::size_t i = first; i < std::min(log.size(), at + neighbourhood); ++i) {
    std::uint32_t const place = log[i].operation;
    text += (i == at ? "* " : "  ") + std::to_string(place) + ' ';
    text += place < program.operations.size()
                ? code_names[static_cast<std::size_t>(program.operations[place].code)]
                : std::string_view("end");
    text += ": " + in_words(log[i]) + '\n';
  }
  if (at >= log.size()) text += "* nothing more\n";
  return text;
}

// Empty: none.
std::string difference(Program const& program) {
  Log const expected = execute<cpython::Collector>(program);
  Log const found = execute<generational::Collector>(program);
  auto const at = first_difference(expected, found);
  if (!at) return "";
  return neighbourhood_of("cpython", expected, *at, program) +
         neighbourhood_of("generational", found, *at, program);
}

std::string listing(Program const& program) {
  std::string text = "\nof a program of " + std::to_string(program.operations.size()) +
                     " operations that is left of it:\n";
  for (std::size_t i = 0; i < program.operations.size() && i < 60; ++i) {
    text += "  " + std::to_string(i) + ' ' + in_words(program, program.operations[i]) + '\n';
  }
  return text;
}

std::string explained(Program program) {
  std::string const first = difference(program);
  program = shrink(std::move(program), shrinking_attempts,
                   [](Program const& shorter) { return !difference(shorter).empty(); });
  return first + listing(program) + difference(program);
}

void compare_all() {
  std::uint64_t const only = from_environment("CHURN_TEST_SEED", 0);
  std::uint64_t const seeds = from_environment("CHURN_TEST_SEEDS", 300);
  std::uint64_t const operations = from_environment("CHURN_TEST_OPERATIONS", 2000);
  std::uint64_t events = 0;
  for (std::uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? seeds : only); ++seed) {
    set_check_context("seed " + std::to_string(seed));
    Program const program = make_program(seed, operations, Profile::everything);
    Log const expected = execute<cpython::Collector>(program);
    events += expected.size();
    if (expected == execute<generational::Collector>(program)) continue;
    throw conform::Violation{"seed " + std::to_string(seed) + " of programs of " +
                             std::to_string(operations) +
                             " operations: the logs differ, where marked:" + explained(program)};
  }
  std::printf("%llu events are the same\n", static_cast<unsigned long long>(events));
  std::fflush(stdout);
}

// The comparison sees what it is there to see: all kinds of events occur.
void see_everything() {
  std::array<std::uint64_t, static_cast<std::size_t>(Seen::end_of_list)> seen{};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (auto const& event :
         execute<cpython::Collector>(make_program(seed, 2000, Profile::everything))) {
      ++seen[static_cast<std::size_t>(event.seen)];
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    // Without tp_del, which nobody uses any more, nothing is uncollectable.
    if ((seen[i] == 0) == seen_names[i].starts_with("uncollectable")) continue;
    throw conform::Violation{std::string(seen_names[i]) + " is seen " + std::to_string(seen[i]) +
                             " times"};
  }
}

// In a child: a wrong collector may crash.
constexpr unsigned most_seconds = 7000;

TEST(Differential, GenerationalDoesWhatCpythonDoes) {
  std::string const failure = conform::run_in_child(compare_all, most_seconds).failure();
  EXPECT_TRUE(failure.empty()) << failure;
}
TEST(Differential, ProgramsShowEverything) {
  std::string const failure = conform::run_in_child(see_everything, most_seconds).failure();
  EXPECT_TRUE(failure.empty()) << failure;
}

}  // namespace
}  // namespace churn::differential
