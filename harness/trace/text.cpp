#include "harness/trace/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "harness/core/error.hpp"

namespace churn::trace {
namespace {

constexpr std::size_t most_remarks = 10;
constexpr std::size_t most_fields = 8, most_quoted = 60;

struct Fields {
  std::array<std::string_view, most_fields> field;
  std::size_t count = 0;  // most_fields + 1: more than fit
};

Fields fields_of(std::string_view line) {
  Fields result;
  while (true) {
    std::size_t const first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return result;
    line.remove_prefix(first);
    std::size_t const length = std::min(line.find_first_of(" \t\r"), line.size());
    if (result.count >= most_fields) {  // the last ones are kept: a path before may have blanks
      std::move(result.field.begin() + 1, result.field.end(), result.field.begin());
      result.field.back() = line.substr(0, length);
      result.count = most_fields + 1;
    } else {
      result.field[result.count++] = line.substr(0, length);
    }
    line.remove_prefix(length);
  }
}

bool parse_number(std::string_view text, std::uint64_t& into) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Calls by address, as lines tell them, into a Trace.
class TextTrace {
 public:
  explicit TextTrace(std::string const& source) { trace_.source = source; }

  // Feeds every line to `read(line) -> what is wrong, or nothing`.
  template <class Read>
  Trace all(std::string_view text, Read&& read) {
    while (!text.empty()) {
      std::size_t const end = std::min(text.find('\n'), text.size());
      std::string_view const line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++line_;
      if (std::string_view const wrong = read(line); !wrong.empty()) remark(line, wrong);
    }
    if (malformed_ > most_remarks) {
      trace_.remarks.push_back("and " + std::to_string(malformed_ - most_remarks) +
                               " more lines of " + trace_.source + " were left out");
    }
    if (calls_ == 0) {
      throw UserError(trace_.source + " has no line that is a call" +
                      (trace_.remarks.empty() ? "" : ": " + trace_.remarks.front()));
    }
    trace_.processes.resize(1);
    return std::move(trace_);
  }

  void select_thread(std::uint64_t id) {
    auto const [found, is_new] =
        numbers_.emplace(id, static_cast<std::uint32_t>(trace_.threads.size()));
    if (is_new) {
      trace_.threads.emplace_back();
      made_.push_back(0);
    }
    if (found->second == thread_) return;
    thread_ = found->second;
    words().push_back(word_of(Kind::time, line_));
  }
  void end_thread(std::uint64_t id) { numbers_.erase(id); }

  // Each: what is wrong, or nothing.
  std::string_view make(Kind kind, std::uint64_t address, std::uint64_t value) {
    if (address == 0) return {};  // the call failed
    std::string_view const wrong = live_.contains(address) ? "the block is alive already" : "";
    if (!wrong.empty()) return wrong;
    return put(word_of(kind, value), 0, address);
  }
  std::string_view resize(std::uint64_t address, std::uint64_t old, std::uint64_t bytes) {
    if (old == 0) return make(Kind::malloc, address, bytes);
    if (address == 0) return bytes == 0 ? free(old) : std::string_view();
    auto const found = live_.find(old);
    if (found == live_.end()) return "the block is not alive";
    if (address != old && live_.contains(address)) return "the block is alive already";
    std::uint64_t const name = found->second;
    live_.erase(found);
    return put(word_of(Kind::realloc, name), bytes + 1, address);
  }
  std::string_view free(std::uint64_t address) {
    if (address == 0) return {};
    auto const found = live_.find(address);
    if (found == live_.end()) return "the block is not alive";
    words().push_back(word_of(Kind::free, found->second));
    ++calls_;
    live_.erase(found);
    return {};
  }

 private:
  std::vector<std::uint64_t>& words() { return trace_.threads[thread_].words; }

  std::string_view put(std::uint64_t word, std::uint64_t second, std::uint64_t address) {
    if (thread_ >= most_threads_recorded) return "there are too many threads";
    words().push_back(word);
    if (second != 0) words().push_back(second);
    live_[address] = name_of_block(thread_, made_[thread_]++);
    ++calls_;
    return {};
  }

  void remark(std::string_view line, std::string_view wrong) {
    if (++malformed_ > most_remarks) return;
    std::string shown(line.substr(0, most_quoted));
    std::replace_if(
        shown.begin(), shown.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    trace_.remarks.push_back(trace_.source + ", line " + std::to_string(line_) + ": " +
                             std::string(wrong) + ", so it is left out: \"" + shown + "\"");
  }

  static constexpr std::uint32_t none = ~std::uint32_t{0};

  Trace trace_;
  std::uint64_t line_ = 0, malformed_ = 0, calls_ = 0;
  std::uint32_t thread_ = none;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // of threads, by id
  std::unordered_map<std::uint64_t, std::uint64_t> live_;     // address -> name
  std::vector<std::uint64_t> made_;                           // by thread
};

constexpr std::string_view not_understood = "it is not understood";
constexpr std::string_view too_large = "a number is too large";
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 50;

std::string_view android_line(TextTrace& into, std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  Fields const fields = fields_of(line);
  std::array<std::uint64_t, most_fields> number{};
  if (fields.count < 3 || fields.count > most_fields || !fields.field[0].ends_with(':')) {
    return not_understood;
  }
  std::string_view thread = fields.field[0];
  thread.remove_suffix(1);
  if (!parse_number(thread, number[0])) return not_understood;
  for (std::size_t i = 2; i < fields.count; ++i) {
    if (!parse_number(fields.field[i], number[i])) return not_understood;
  }
  std::string_view const action = fields.field[1];
  // A start and an end time may follow.
  auto const has = [&](std::size_t count) {
    return fields.count == 2 + count || fields.count == 4 + count;
  };
  bool const known = (action == "malloc" && has(2)) || (action == "calloc" && has(3)) ||
                     (action == "memalign" && has(3)) || (action == "realloc" && has(3)) ||
                     (action == "free" && has(1)) || (action == "thread_done" && has(1));
  if (!known) return not_understood;
  if (action == "thread_done") {
    into.end_thread(number[0]);
    return {};
  }
  into.select_thread(number[0]);
  if (action == "free") return into.free(number[2]);
  if (number[3] > most_bytes || (action != "malloc" && number[4] > most_bytes)) {
    if (action != "realloc" || number[4] > most_bytes) return too_large;
  }
  if (action == "malloc") return into.make(Kind::malloc, number[2], number[3]);
  if (action == "realloc") return into.resize(number[2], number[3], number[4]);
  if (action == "calloc") {
    std::uint64_t bytes = 0;
    bool const over = __builtin_mul_overflow(number[3], number[4], &bytes) || bytes > most_bytes;
    return over ? too_large : into.make(Kind::calloc, number[2], bytes);
  }
  bool const power = number[3] != 0 && (number[3] & (number[3] - 1)) == 0;
  if (!power) return "the alignment is no power of two";
  auto const log2_align = static_cast<unsigned>(__builtin_ctzll(number[3]));
  return into.make(Kind::aligned, number[2], aligned_value(log2_align, number[4]));
}

// realloc takes two lines, the first of which names the old block.
struct Mtrace {
  TextTrace& into;
  std::uint64_t old = 0;

  std::string_view line(std::string_view line) {
    if (line.empty() || line.starts_with('=')) return {};
    Fields const fields = fields_of(line);
    std::size_t const count = std::min(fields.count, most_fields);
    auto const from_end = [&](std::size_t i) {
      return i <= count ? fields.field[count - i] : std::string_view();
    };
    std::uint64_t address = 0, bytes = 0;
    into.select_thread(0);
    if (!line.starts_with('@')) return not_understood;
    std::string_view const one = from_end(2), two = from_end(3);
    if (one == "-" && parse_number(from_end(1), address)) return into.free(address);
    if (one == "<" && parse_number(from_end(1), old)) return {};
    if (!parse_number(from_end(2), address) || !parse_number(from_end(1), bytes)) {
      return not_understood;
    }
    if (bytes > most_bytes) return too_large;
    if (two == "+") return into.make(Kind::malloc, address, bytes);
    if (two == ">") return into.resize(address, std::exchange(old, 0), bytes);
    if (two == "!") return {};  // a realloc that failed
    return not_understood;
  }
};

std::string_view first_line(std::string_view text) {
  std::size_t const first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  text.remove_prefix(first);
  return text.substr(0, std::min({text.find('\n'), text.size(), std::size_t{256}}));
}

}  // namespace

bool is_android(std::string_view text) {
  Fields const fields = fields_of(first_line(text));
  std::uint64_t number = 0;
  if (fields.count < 2 || !fields.field[0].ends_with(':')) return false;
  return parse_number(fields.field[0].substr(0, fields.field[0].size() - 1), number);
}

bool is_mtrace(std::string_view text) {
  std::string_view const line = first_line(text);
  return line.starts_with("= Start") || line.starts_with("@ ");
}

Trace read_android(std::string_view text, std::string const& source) {
  TextTrace result(source);
  return result.all(text, [&](std::string_view line) { return android_line(result, line); });
}

Trace read_mtrace(std::string_view text, std::string const& source) {
  TextTrace result(source);
  Mtrace reader{result};
  return result.all(text, [&](std::string_view line) { return reader.line(line); });
}

}  // namespace churn::trace
