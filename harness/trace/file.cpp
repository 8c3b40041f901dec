#include "harness/trace/file.hpp"

#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "harness/core/error.hpp"
#include "harness/trace/columns.hpp"

namespace churn::trace {
namespace {

enum ChunkKind : std::uint8_t { info_chunk = 1, events_chunk = 2, end_chunk = 3 };

constexpr std::size_t most_plain_bytes = std::size_t{8} << 20;
constexpr std::size_t head_bytes = 9;
constexpr std::size_t words_per_chunk = std::size_t{1} << 16;
constexpr int compression_level = 7;

std::string in_head(std::uint32_t length, std::uint32_t plain, std::uint8_t kind) {
  std::string head(head_bytes, '\0');
  std::memcpy(head.data(), &length, 4);
  std::memcpy(head.data() + 4, &plain, 4);
  head[8] = static_cast<char>(kind);
  return head;
}

std::string compressed(std::string_view plain) {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> const context(ZSTD_createCCtx(),
                                                                        ZSTD_freeCCtx);
  std::string result(ZSTD_compressBound(plain.size()), '\0');
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, compression_level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::size_t const length =
      ZSTD_compress2(context.get(), result.data(), result.size(), plain.data(), plain.size());
  if (ZSTD_isError(length)) {
    throw UserError(std::string("zstd cannot compress a trace: ") + ZSTD_getErrorName(length));
  }
  result.resize(length);
  return result;
}

template <class Number>
bool read_number(std::string_view& text, Number& into) {
  auto const [rest, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

// One line of an info chunk. Keys that are not known are of a later version, and left alone.
bool read_info(std::string_view line, Trace& trace) {
  std::size_t const space = std::min(line.find(' '), line.size());
  std::string_view const key = line.substr(0, space);
  std::string_view rest = line.substr(std::min(space + 1, line.size()));
  if (key == "command") {
    trace.command = rest;
  } else if (key == "bytes_per_stack") {
    return read_number(rest, trace.bytes_per_stack);
  } else if (key == "process") {
    std::uint32_t number = 0;
    Process process;
    if (!read_number(rest, number) || number >= most_processes) return false;
    if (!read_number(rest, process.pid)) return false;
    process.command = rest;
    if (trace.processes.size() <= number) trace.processes.resize(number + 1);
    trace.processes[number] = process;
  } else if (key == "module") {
    Module module;
    if (!read_number(rest, module.process) || !read_number(rest, module.start) ||
        !read_number(rest, module.end) || !read_number(rest, module.offset)) {
      return false;
    }
    module.path = rest;
    trace.modules.push_back(std::move(module));
  }
  return true;
}

class FileReader {
 public:
  FileReader(std::string_view text, std::string const& source) : text_(text) {
    trace_.source = source;
  }

  Trace read() {
    at_ = file_magic.size();
    while (!ended_) {
      std::string const wrong = chunk();
      if (wrong.empty()) continue;
      trace_.torn = true;
      trace_.remarks.push_back(trace_.source + " ends early: at byte " + std::to_string(at_) +
                               " of " + std::to_string(text_.size()) + " " + wrong +
                               "; all before that is used");
      break;
    }
    if (ended_ && at_ != text_.size()) {
      trace_.remarks.push_back(trace_.source + " goes on behind its end, at byte " +
                               std::to_string(at_) + "; that is left out");
    }
    if (trace_.processes.empty()) trace_.processes.resize(1);
    return std::move(trace_);
  }

 private:
  // Empty, or what is wrong; then the position is still the chunk's beginning.
  std::string chunk() {
    std::string_view const rest = text_.substr(at_);
    if (rest.empty()) return "the end of the trace is missing";
    std::uint32_t length = 0, plain = 0;
    if (rest.size() < head_bytes) return "a chunk is cut off";
    std::memcpy(&length, rest.data(), 4);
    std::memcpy(&plain, rest.data() + 4, 4);
    auto const kind = static_cast<std::uint8_t>(rest[8]);
    if (plain > most_plain_bytes) return "a chunk is damaged";
    if (rest.size() - head_bytes < length) return "a chunk is cut off";
    std::string text(plain, '\0');
    std::size_t const got =
        ZSTD_decompress(text.data(), text.size(), rest.data() + head_bytes, length);
    if (ZSTD_isError(got) || got != plain) return "a chunk is damaged";
    if (!understand(kind, text)) return "a chunk does not say what it should";
    at_ += head_bytes + length;
    return {};
  }

  bool understand(std::uint8_t kind, std::string_view text) {
    switch (kind) {
      case info_chunk:
        return info(text);
      case events_chunk:
        return events(text);
      case end_chunk:
        ended_ = read_number(text, calls_) && read_number(text, trace_.lost);
        return ended_;
      default:
        return false;
    }
  }

  bool info(std::string_view text) {
    while (!text.empty()) {
      std::size_t const end = std::min(text.find('\n'), text.size());
      if (!read_info(text.substr(0, end), trace_)) return false;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
  }

  bool events(std::string_view text) {
    auto decoded = decode(text);
    if (!decoded) return false;
    words_ += decoded->words.size();
    // Numbers are dense where we made them; memory is not to be had by a large one.
    if (words_ > most_words || decoded->thread > trace_.threads.size() + 65'536) return false;
    if (trace_.threads.size() <= decoded->thread) {
      trace_.threads.resize(decoded->thread + 1);
      made_.resize(trace_.threads.size());
    }
    if (decoded->made != made_[decoded->thread]) return false;
    Thread& thread = trace_.threads[decoded->thread];
    if (!thread.words.empty() && thread.process != decoded->process) return false;
    thread.process = decoded->process;
    if (trace_.processes.size() <= thread.process) trace_.processes.resize(thread.process + 1);
    EventReader reader(decoded->words);
    while (auto const event = reader.next()) made_[decoded->thread] += event->makes_block();
    thread.words.insert(thread.words.end(), decoded->words.begin(), decoded->words.end());
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::uint64_t words_ = 0, calls_ = 0;
  std::vector<std::uint64_t> made_;  // blocks, by thread
  Trace trace_;
};

std::string one_line(std::string_view text) {
  std::string result(text);
  std::replace_if(result.begin(), result.end(), [](char c) { return c == '\n' || c == '\0'; }, '?');
  return result;
}

}  // namespace

FileWriter::FileWriter(std::string path)
    : path_(std::move(path)),
      temporary_(path_ + ".partial"),
      file_(std::fopen(temporary_.c_str(), "wbe"), std::fclose) {
  if (!file_) throw UserError("cannot write " + temporary_ + ": " + std::strerror(errno));
  write(file_magic);
}

FileWriter::~FileWriter() {
  if (!file_) return;
  file_.reset();
  std::remove(temporary_.c_str());
}

void FileWriter::write(std::string_view text) {
  bytes_ += text.size();
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size()) return;
  throw UserError("cannot write " + temporary_ + ": " + std::strerror(errno));
}

void FileWriter::chunk(std::uint8_t kind, std::string_view plain) {
  std::string const text = compressed(plain);
  write(in_head(static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(plain.size()),
                kind));
  write(text);
}

void FileWriter::info(std::string_view lines) {
  while (!lines.empty()) {
    std::size_t end = std::min(lines.size(), most_plain_bytes / 2);
    if (end < lines.size()) end = lines.rfind('\n', end) + 1;
    if (end == 0) return;  // a line of megabytes is nobody's
    chunk(info_chunk, lines.substr(0, end));
    lines.remove_prefix(end);
  }
}

void FileWriter::events(std::uint32_t thread, std::uint32_t process,
                        std::span<std::uint64_t const> words) {
  if (made_.size() <= thread) made_.resize(thread + 1);
  EventReader reader(words);
  std::size_t first = 0;
  std::uint64_t made_before = made_[thread];
  auto const write_up_to = [&](std::size_t end) {
    if (end == first) return;
    chunk(events_chunk, encode(thread, process, made_before, words.subspan(first, end - first)));
    first = end;
    made_before = made_[thread];
  };
  while (auto const event = reader.next()) {
    made_[thread] += event->makes_block();
    calls_ += event->kind != Kind::time && event->kind != Kind::stack;
    if (reader.position() - first >= words_per_chunk) write_up_to(reader.position());
  }
  write_up_to(reader.position());
}

void FileWriter::finish(std::uint64_t lost) {
  chunk(end_chunk, std::to_string(calls_) + " " + std::to_string(lost));
  if (std::fclose(file_.release()) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    int const error = errno;
    std::remove(temporary_.c_str());
    throw UserError("cannot write " + path_ + ": " + std::strerror(error));
  }
}

std::string info_of(Trace const& trace) {
  std::string text = "command " + one_line(trace.command) + "\n";
  if (trace.bytes_per_stack != 0) {
    text += "bytes_per_stack " + std::to_string(trace.bytes_per_stack) + "\n";
  }
  for (std::size_t i = 0; i < trace.processes.size(); ++i) {
    text += "process " + std::to_string(i) + " " + std::to_string(trace.processes[i].pid) + " " +
            one_line(trace.processes[i].command) + "\n";
  }
  for (auto const& each : trace.modules) {
    text += "module " + std::to_string(each.process) + " " + std::to_string(each.start) + " " +
            std::to_string(each.end) + " " + std::to_string(each.offset) + " " +
            one_line(each.path) + "\n";
  }
  return text;
}

void write_trace(Trace const& trace, std::string const& path) {
  FileWriter writer(path);
  writer.info(info_of(trace));
  for (std::size_t i = 0; i < trace.threads.size(); ++i) {
    writer.events(static_cast<std::uint32_t>(i), trace.threads[i].process, trace.threads[i].words);
  }
  writer.finish(trace.lost);
}

Trace read_file(std::string_view text, std::string const& source) {
  return FileReader(text, source).read();
}

}  // namespace churn::trace
