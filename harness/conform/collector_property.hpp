// What:  a property of a correct collector: a name, the rule in words, and a function that throws a
//        Violation where the rule does not hold.
// Why:   free of any test framework, so that tests, `churn conform` and other projects run the
//        same.
// Rule:  a property that holds returns and prints nothing.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace churn::conform {

struct Property {
  std::string_view name;  // snake_case, unique within a suite
  std::string_view rule;
  void (*run)();
};
using Properties = std::vector<Property>;

struct Violation {
  std::string text;  // what does not hold, with its place
};

using Place = std::source_location;

[[noreturn]] inline void violated(std::string_view what, Place const& place) {
  throw Violation{std::string(what) + ", at " + place.file_name() + ":" +
                  std::to_string(place.line())};
}

inline void expect(bool holds, char const* what, Place const& place = Place::current()) {
  if (!holds) [[unlikely]]
    violated(what, place);
}

inline void expect_equal(std::uint64_t actual, std::uint64_t wanted, std::string_view what,
                         Place const& place = Place::current()) {
  if (actual == wanted) [[likely]]
    return;
  violated(std::string(what) + ": " + std::to_string(actual) + ", not " + std::to_string(wanted),
           place);
}

}  // namespace churn::conform
