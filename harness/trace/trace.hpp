// What:  a recorded program in memory: for each thread, the words of harness/core/recording.hpp in
//        the order in which it wrote them; and a reader of such words that trusts none of them.
// Why:   one form between those who make traces (the recorder, Android, mtrace) and those who use
//        them (replay, profile).
// Invariant: a thread's Nth making of a block, from 0, is named (its number, N). Whether a name
//        that is freed was ever made is for the user to check: recordings end anywhere.
// Cost:  8 bytes an event, 16 a realloc. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/core/recording.hpp"

namespace churn::trace {

struct Thread {
  std::uint32_t process = 0;
  std::vector<std::uint64_t> words;
};

struct Process {
  std::uint32_t pid = 0;
  std::string command;
};

// A file that was mapped for execution: what addresses of call stacks mean.
struct Module {
  std::uint32_t process = 0;
  std::uint64_t start = 0, end = 0, offset = 0;
  std::string path;
};

struct Trace {
  std::string source;   // file it was read from, for messages
  std::string command;  // what was recorded
  std::vector<Process> processes;
  std::vector<Thread> threads;  // by number
  std::vector<Module> modules;
  std::uint64_t bytes_per_stack = 0;  // 0: no stacks
  std::uint64_t lost = 0;             // calls that the recorder could not write down
  // Not empty: what was wrong with the file or its lines. What is here lies before it, or around
  // it.
  std::vector<std::string> remarks;
  bool torn = false;  // the end is missing
};

struct Event {
  Kind kind = Kind::none;
  std::uint64_t bytes = 0;                     // malloc, calloc, aligned, realloc
  unsigned log2_align = 0;                     // aligned
  std::uint64_t name = 0;                      // free, usable; realloc: of the old block
  std::uint64_t time_ns = 0;                   // time
  std::span<std::uint64_t const> frames = {};  // stack

  bool makes_block() const noexcept {
    return kind == Kind::malloc || kind == Kind::calloc || kind == Kind::aligned ||
           kind == Kind::realloc;
  }
  bool ends_block() const noexcept { return kind == Kind::free || kind == Kind::realloc; }
};

// Events of words, one by one, up to the end, to a zero, or to what is no event.
class EventReader {
 public:
  explicit EventReader(std::span<std::uint64_t const> words) : words_(words) {}

  // Nothing where there is no further whole event.
  std::optional<Event> next();
  std::size_t position() const noexcept { return at_; }  // in words: behind the last event

 private:
  std::span<std::uint64_t const> words_;
  std::size_t at_ = 0;
};

// How many calls of the malloc family these words hold.
std::uint64_t calls_of(std::span<std::uint64_t const> words);

}  // namespace churn::trace
