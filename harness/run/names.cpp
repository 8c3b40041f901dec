#include "harness/run/names.hpp"

#include <algorithm>
#include <charconv>

#include "harness/core/error.hpp"

namespace churn::run {
namespace {

constexpr std::string_view reserved_in_words = ",;{}@ \t\r\n\v\f";
constexpr std::string_view blanks = " \t\r\n\v\f";

constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Control characters could rewrite the terminal they are shown on.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 200));
  std::replace_if(
      result.begin(), result.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return result;
}

// One name or cell being read; every complaint quotes the whole text and counts from its beginning.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[noreturn]] void fail(std::size_t at, std::string const& what) const {
    throw UserError("\"" + shown(text_) + "\", character " + std::to_string(at + 1) + ": " + what);
  }

  bool at_end() const noexcept { return at_ == text_.size(); }
  std::size_t position() const noexcept { return at_; }
  char next() const noexcept { return at_end() ? '\0' : text_[at_]; }
  void skip() noexcept { ++at_; }
  void skip_to(std::size_t at) noexcept { at_ = at; }
  void skip_blanks() noexcept {
    at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size());
  }
  std::string_view rest() const noexcept { return text_.substr(at_); }

  // Stops before `end` even if the word could go on.
  std::string_view word(std::size_t end = std::string_view::npos) {
    std::size_t const first = at_;
    at_ = std::min({text_.find_first_of(reserved_in_words, at_), end, text_.size()});
    if (at_ == first) fail(at_, at_end() ? "a name is missing at the end" : "a name is missing");
    return text_.substr(first, at_ - first);
  }

  store::Named name(std::size_t end = std::string_view::npos) {
    store::Named result{std::string(word(end)), {}};
    for (std::string_view const prefix : file_prefixes) {
      if (result.name.starts_with(prefix)) result.name.insert(0, "malloc/");
    }
    if (next() == '{') settings(result);
    return result;
  }

 private:
  void settings(store::Named& into) {
    std::size_t const opened = at_;
    do {
      skip();
      std::size_t const key_at = at_;
      std::string key = setting_key(opened);
      std::size_t const value_at = at_;
      at_ = std::min(text_.find_first_of(";{}", at_), text_.size());
      if (at_end()) unclosed(opened);
      if (next() == '{') fail(at_, "a value cannot hold a '{'");
      std::string value(text_.substr(value_at, at_ - value_at));
      if (value.find('\0') != std::string::npos) fail(value_at, "a value cannot hold a zero byte");
      if (!into.settings.emplace(key, std::move(value)).second) {
        fail(key_at, shown(key) + " is set twice");
      }
    } while (next() == ';');
    skip();
  }

  // Leaves the position behind the '='.
  std::string setting_key(std::size_t opened) {
    std::size_t const first = at_;
    std::size_t const last = std::min(text_.find_first_of("=;{}", at_), text_.size());
    std::string key(text_.substr(first, last - first));
    if (last == text_.size()) unclosed(opened);
    if (text_[last] != '=') fail(first, "settings are written {key=value;key=value}");
    if (key.empty()) fail(first, "a key is missing before '='");
    bool const upper = is_upper(key[0]) || key[0] == '_';
    if (!upper && !is_lower(key[0])) fail(first, "a key begins with a letter");
    for (std::size_t i = 0; i < key.size(); ++i) {
      bool const joins = is_digit(key[i]) || key[i] == '_' || (!upper && key[i] == '-');
      if (joins || (upper ? is_upper(key[i]) : is_lower(key[i]))) continue;
      fail(first + i,
           "a key is upper-case (environment) or lower-case (parameter) with digits and "
           "underscores");
    }
    at_ = last + 1;
    return key;
  }

  [[noreturn]] void unclosed(std::size_t opened) const {
    fail(opened, "'{' is never closed; settings are written {key=value;key=value}");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Where "malloc/" or "managed/" of the workload begins, outside braces; npos if nowhere.
std::size_t workload_begin(std::string_view text) {
  std::size_t found = std::string_view::npos;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}') --depth;
    if (text[i] != '/' || depth != 0) continue;
    std::string_view const behind = text.substr(i + 1);
    if (behind.starts_with("malloc/") || behind.starts_with("managed/")) found = i + 1;
  }
  return found;
}

// The '/' in front of `end` that parts allocator from collector, outside braces.
std::size_t last_slash(std::string_view text, std::size_t end) {
  int depth = 0;
  for (std::size_t i = end; i-- > 0;) {
    if (text[i] == '}') ++depth;
    if (text[i] == '{') --depth;
    if (text[i] == '/' && depth == 0) return i;
  }
  return std::string_view::npos;
}

template <class Number>
Number number(Reader& reader, std::string const& what) {
  std::string_view const rest = reader.rest();
  Number value = 0;
  auto const [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || value == 0) {
    reader.fail(reader.position(), what + " is a whole number from 1");
  }
  reader.skip_to(reader.position() + static_cast<std::size_t>(end - rest.data()));
  return value;
}

void expect_slash(Reader& reader) {
  if (reader.next() != '/') {
    reader.fail(reader.position(), "'/' expected: allocator/collector/workload@threads");
  }
  reader.skip();
}

// The heap limit as store::spelled writes it.
std::uint64_t heap_limit(Reader& reader) {
  static constexpr std::string_view before = " in ", after = " bytes";
  if (!reader.rest().starts_with(before)) return 0;
  reader.skip_to(reader.position() + before.size());
  auto const bytes = number<std::uint64_t>(reader, "a heap limit");
  if (!reader.rest().starts_with(after)) reader.fail(reader.position(), "\" bytes\" expected");
  reader.skip_to(reader.position() + after.size());
  return bytes;
}

}  // namespace

store::Named parse_name(std::string_view text) {
  Reader reader(text);
  store::Named result = reader.name();
  if (!reader.at_end()) reader.fail(reader.position(), "nothing may follow the name here");
  return result;
}

std::vector<store::Named> parse_names(std::string_view text) {
  Reader reader(text);
  std::vector<store::Named> result;
  while (true) {
    reader.skip_blanks();
    result.push_back(reader.name());
    reader.skip_blanks();
    if (reader.at_end()) return result;
    if (reader.next() != ',') {
      reader.fail(reader.position(), "names in a list are separated by commas");
    }
    reader.skip();
  }
}

store::CellKey parse_cell(std::string_view text) {
  Reader reader(text);
  std::size_t const workload = workload_begin(text);
  if (workload == std::string_view::npos) {
    reader.fail(text.size(),
                "a cell is allocator/collector/workload@threads, and its workload begins with "
                "malloc/ or managed/");
  }
  store::CellKey key;
  bool const managed = text.substr(workload).starts_with("managed/");
  std::size_t const before_workload = workload - 1;
  std::size_t const slash = managed ? last_slash(text, before_workload) : std::string_view::npos;
  if (managed && slash == std::string_view::npos) {
    reader.fail(before_workload,
                "a managed workload needs a collector: "
                "allocator/collector/managed/NAME@threads");
  }
  key.allocator = reader.name(managed ? slash : before_workload);
  expect_slash(reader);
  if (managed) {
    key.collector = reader.name(before_workload);
    expect_slash(reader);
  }
  key.workload = reader.name();
  key.threads = 0;
  if (reader.next() == '@') {
    reader.skip();
    key.threads = number<std::uint32_t>(reader, "the number of threads");
  }
  key.heap_limit_bytes = heap_limit(reader);
  if (!reader.at_end()) reader.fail(reader.position(), "nothing may follow the cell here");
  return key;
}

std::string without_file(std::string_view workload) {
  return std::string(workload.substr(0, workload.find(':')));
}

bool is_environment(std::string_view key) noexcept { return !key.empty() && !is_lower(key[0]); }

}  // namespace churn::run
