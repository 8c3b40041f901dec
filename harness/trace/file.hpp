// What:  trace files: chunks, each compressed by itself and with a checksum, one after the other.
//
//            "churn-trace 1\n"
//            chunk: length (u32), plain length (u32), kind (u8) | a zstd frame
//              kind 1: a text of lines KEY VALUE: command, process, module, bytes_per_stack
//              kind 2: events of one thread, its numbers in front, in columns: kinds, sizes, …
//              kind 3: the end, with the number of calls and what was lost
//
// Why:   columns of alike numbers compress better than records: 1–4 bytes a call. A chunk that is
//        damaged or cut off ends what can be used; all before it can.
// Errors: UserError for a file that cannot be opened, or is no trace at all. A torn or damaged
//        trace is a Trace with `torn` and a remark.
// Bounds: a chunk is at most 8 MiB plain; a file at most `most_words` of events.
// Cost:  some 10 ns a call in each direction. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/trace.hpp"

namespace churn::trace {

inline constexpr std::string_view file_magic = "churn-trace 1\n";
inline constexpr std::uint64_t most_words = std::uint64_t{1} << 28;

class FileWriter {
 public:
  // Writes beside `path` and puts the file in its place at `finish`.
  explicit FileWriter(std::string path);
  FileWriter(FileWriter const&) = delete;
  FileWriter& operator=(FileWriter const&) = delete;
  ~FileWriter();

  // Throws UserError where the file system refuses.
  void info(std::string_view lines);
  void events(std::uint32_t thread, std::uint32_t process, std::span<std::uint64_t const> words);
  void finish(std::uint64_t lost);

  std::uint64_t calls() const noexcept { return calls_; }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  void chunk(std::uint8_t kind, std::string_view plain);
  void write(std::string_view text);

  std::string path_, temporary_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::vector<std::uint64_t> made_;  // blocks, by thread
  std::uint64_t calls_ = 0, bytes_ = 0;
};

// The lines that describe a trace, for FileWriter::info.
std::string info_of(Trace const& trace);
// All of it at once.
void write_trace(Trace const& trace, std::string const& path);
// pre: text begins with file_magic
Trace read_file(std::string_view text, std::string const& source);

}  // namespace churn::trace
