#include "harness/run/matrix.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "harness/core/error.hpp"
#include "harness/core/nearest.hpp"
#include "harness/core/quantity.hpp"
#include "harness/run/names.hpp"

namespace churn::run {
namespace {

constexpr std::size_t most_file_bytes = std::size_t{1} << 20;

std::vector<std::string> const matrix_keys{"baseline", "rounds", "samples",
                                           "seconds",  "star",   "summary"};
std::vector<std::string> const star_keys{"allocators",  "collectors", "heap",
                                         "memory_life", "threads",    "workloads"};

std::string joined(std::vector<std::string> const& words) {
  std::string result;
  for (auto const& each : words) result += (result.empty() ? "" : ", ") + each;
  return result;
}

// What a person would call the type.
std::string described(toml::node const& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "a truth value";
    default:
      return "a date or time";
  }
}

class Parser {
 public:
  explicit Parser(std::string name) : name_(std::move(name)) {}

  Matrix parse(std::string_view text) const {
    toml::table const table = parse_toml(text);
    check_keys(table, matrix_keys, "a matrix");
    Matrix matrix;
    matrix.name = name_;
    if (auto const* node = table.get("summary")) matrix.summary = string(*node, "summary");
    if (auto const* node = table.get("baseline")) matrix.baseline = string(*node, "baseline");
    if (auto const* node = table.get("rounds")) {
      matrix.rounds = static_cast<std::uint32_t>(whole(*node, "rounds", 1, most_rounds));
    }
    if (auto const* node = table.get("samples")) {
      matrix.samples = static_cast<std::uint32_t>(whole(*node, "samples", 1, most_samples));
    }
    if (auto const* node = table.get("seconds")) matrix.seconds = seconds(*node);
    auto const* const stars = table.get("star");
    if (stars == nullptr) fail(table, "there is no [[star]], so nothing to measure");
    if (!stars->is_array_of_tables()) {
      fail(*stars, "star is " + described(*stars) + "; each star begins with a line [[star]]");
    }
    for (toml::node const& each : *stars->as_array()) {
      matrix.stars.push_back(star(*each.as_table()));
    }
    return matrix;
  }

 private:
  [[noreturn]] void fail(toml::source_position at, std::string const& what) const {
    throw UserError(name_ + ":" + std::to_string(at.line) + ": " + what);
  }
  [[noreturn]] void fail(toml::node const& node, std::string const& what) const {
    fail(node.source().begin, what);
  }

  toml::table parse_toml(std::string_view text) const {
    try {
      return toml::parse(text, name_);
    } catch (toml::parse_error const& error) {
      fail(error.source().begin, std::string(error.description()));
    }
  }

  void check_keys(toml::table const& table, std::vector<std::string> const& keys,
                  std::string const& what) const {
    for (auto const& [key, node] : table) {
      if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
      std::string message = "unknown key \"" + std::string(key.str()) + "\"";
      if (auto const close = nearest(key.str(), keys); !close.empty()) {
        message += "; did you mean " + close.front() + "?";
      }
      fail(key.source().begin, message + " (the keys of " + what + " are " + joined(keys) + ")");
    }
  }

  std::string string(toml::node const& node, std::string const& key) const {
    if (auto const text = node.value_exact<std::string>()) return *text;
    fail(node, key + " must be a text in quotes, not " + described(node));
  }

  bool truth(toml::node const& node, std::string const& key) const {
    if (auto const value = node.value_exact<bool>()) return *value;
    fail(node, key + " must be true or false, not " + described(node));
  }

  std::int64_t whole(toml::node const& node, std::string const& key, std::int64_t least,
                     std::int64_t most) const {
    auto const value = node.value_exact<std::int64_t>();
    if (!value) fail(node, key + " must be a whole number, not " + described(node));
    if (*value < least || *value > most) {
      fail(node, key + " is " + std::to_string(*value) + "; it must be from " +
                     std::to_string(least) + " to " + std::to_string(most));
    }
    return *value;
  }

  double seconds(toml::node const& node) const {
    auto const value = node.is_number() ? node.value<double>() : std::nullopt;
    if (!value) fail(node, "seconds must be a number, not " + described(node));
    if (!(*value >= least_seconds && *value <= most_seconds)) {
      fail(node, "seconds must be from 0.001 to 3600");
    }
    return *value;
  }

  Star star(toml::table const& table) const {
    check_keys(table, star_keys, "a star");
    Star star;
    star.allocators = names(table, "allocators");
    star.collectors = names(table, "collectors");
    star.workloads = names(table, "workloads");
    if (star.workloads.empty()) fail(table, "this star names no workloads");
    if (auto const* node = table.get("threads")) {
      for (toml::node const& each : list(*node, "threads")) {
        star.threads.push_back(static_cast<std::uint32_t>(whole(each, "threads", 1, most_threads)));
      }
    }
    if (auto const* node = table.get("heap")) star.heap_limit_bytes = heap(*node);
    if (auto const* node = table.get("memory_life")) star.memory_life = truth(*node, "memory_life");
    return star;
  }

  toml::array const& list(toml::node const& node, std::string const& key) const {
    if (!node.is_array()) fail(node, key + " must be a list in brackets, not " + described(node));
    if (node.as_array()->empty())
      fail(node, key + " is an empty list; leave it out for the default");
    return *node.as_array();
  }

  std::vector<store::Named> names(toml::table const& table, std::string const& key) const {
    std::vector<store::Named> result;
    auto const* const node = table.get(key);
    if (node == nullptr) return result;
    for (toml::node const& each : list(*node, key)) {
      std::string const text = string(each, "each of " + key);
      try {
        result.push_back(parse_name(text));
      } catch (UserError const& error) {
        fail(each, key + ": " + error.what());
      }
    }
    return result;
  }

  std::uint64_t heap(toml::node const& node) const {
    std::string const text =
        node.is_integer() ? std::to_string(node.as_integer()->get()) : string(node, "heap");
    auto const bytes = parse_quantity(text, 1, INT64_MAX);
    if (!bytes) fail(node, "heap is \"" + text + "\"; write bytes, as in 64Mi or 1G");
    return static_cast<std::uint64_t>(*bytes);
  }

  std::string name_;
};

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) {
    throw UserError("cannot read the matrix " + path + ": " + std::strerror(errno));
  }
  if (text.size() > most_file_bytes) {
    throw UserError("the matrix " + path + " is larger than a megabyte; is it the right file?");
  }
  return text;
}

}  // namespace

Matrix parse_matrix(std::string_view text, std::string const& name) {
  return Parser(name).parse(text);
}

Matrix find_matrix(std::string const& name_or_path) {
  std::vector<std::string> known;
  for (auto const& each : embedded_matrices()) {
    if (each.name == name_or_path) return parse_matrix(each.text, name_or_path);
    known.emplace_back(each.name);
  }
  bool const is_path =
      name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml");
  if (is_path) return parse_matrix(read_file(name_or_path), name_or_path);
  std::string message = "there is no matrix \"" + name_or_path + "\"";
  if (auto const close = nearest(name_or_path, known); !close.empty()) {
    message += "; did you mean " + close.front() + "?";
  }
  throw UserError(message + " (there are " + joined(known) + ", and any FILE.toml of your own)");
}

}  // namespace churn::run
