// What:  writes JSON front to back: a million samples pass through without a tree in memory.
// Why:   a tree of the library that reads JSON elsewhere costs seconds per unit to compile and
//        several hundred bytes per number; writing needs neither.
// Rules: strings come out as UTF-8, whatever they were: bytes that are none become U+FFFD, and what
//        a terminal would obey is escaped. Numbers have as many digits as it takes to read the same
//        double again; what is not finite is null.
// When not: for reading.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace churn::report {

class JsonWriter {
 public:
  // `indent` spaces a level; 0: all on one line.
  explicit JsonWriter(std::size_t indent = 0) : indent_(indent) {}

  JsonWriter& begin_object() { return begin('{'); }
  JsonWriter& end_object() { return end('}'); }
  JsonWriter& begin_array() { return begin('['); }
  JsonWriter& end_array() { return end(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(char const* text) { return value(std::string_view(text)); }
  JsonWriter& value(std::string const& text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  JsonWriter& value(bool truth) { return raw(truth ? "true" : "false"); }
  template <std::integral T>
  JsonWriter& value(T number) {
    return raw(std::to_string(number));
  }
  template <class T>
  JsonWriter& member(std::string_view name, T const& content) {
    return key(name).value(content);
  }
  // An object of what can be iterated as (name, value).
  template <class Map>
  JsonWriter& object(std::string_view name, Map const& map) {
    key(name).begin_object();
    for (auto const& [each, content] : map) member(each, content);
    return end_object();
  }
  template <class List>
  JsonWriter& array(std::string_view name, List const& list) {
    key(name).begin_array();
    for (auto const& each : list) value(each);
    return end_array();
  }
  // pairs as [[a, b], …]
  template <class Pairs>
  JsonWriter& pairs(std::string_view name, Pairs const& pairs) {
    key(name).begin_array();
    for (auto const& [first, second] : pairs) begin_array().value(first).value(second).end_array();
    return end_array();
  }

  // What was written since the last call, and forgets it.
  std::string take();

 private:
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  JsonWriter& raw(std::string_view text);
  void separate();
  void new_line();

  std::string text_;
  std::size_t indent_, depth_ = 0;
  bool first_ = true;  // nothing yet in the innermost object or array
  bool after_key_ = false;
};

// The shortest text that reads as the same double again; pre: finite
std::string exact_text(double number);

}  // namespace churn::report
