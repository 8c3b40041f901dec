#include "results/report/json_writer.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "results/report/text.hpp"

namespace churn::report {

std::string exact_text(double number) {
  char buffer[32];
  auto const end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return {buffer, end};
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  text_ += indent_ == 0 ? ":" : ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  text_ += '"';
  while (!text.empty()) {
    CodePoint const point = front_of(text);
    std::string_view const bytes = text.substr(0, point.length == 0 ? 1 : point.length);
    text.remove_prefix(bytes.size());
    if (point.length == 0) {
      text_ += "\xef\xbf\xbd";
    } else if (!harmless(point.value)) {  // all of these have four digits at most
      constexpr char digits[] = "0123456789abcdef";
      text_ += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) text_ += digits[point.value >> shift & 15];
    } else {
      if (point.value == '"' || point.value == '\\') text_ += '\\';
      text_ += bytes;
    }
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return raw("null");
  // A whole double reads as an integer for those who tell them apart, which loses nothing.
  return raw(exact_text(number));
}

std::string JsonWriter::take() { return std::exchange(text_, {}); }

JsonWriter& JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  --depth_;
  if (!first_) new_line();
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view text) {
  separate();
  text_ += text;
  return *this;
}

// Before every key and every value that has none.
void JsonWriter::separate() {
  if (std::exchange(after_key_, false)) return;
  if (!std::exchange(first_, false)) text_ += ',';
  if (depth_ > 0) new_line();
}

void JsonWriter::new_line() {
  if (indent_ == 0) return;
  text_ += '\n';
  text_.append(indent_ * depth_, ' ');
}

}  // namespace churn::report
