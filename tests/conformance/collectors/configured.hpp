// What:  a collector whose heaps have the settings that CHURN_TEST_SETTINGS names, on top of what
//        a property asks for: "incremental=1;markers=2".
// Why:   every promise holds for every setting, and a variant costs a run, not a compilation.
// Errors: a parameter that the collector has not, or a value out of its bounds, is an exception.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness/core/contracts.hpp"

namespace churn::conform {

template <class C>
HeapOptions with_settings_of_environment(HeapOptions options) {
  char const* const text = std::getenv("CHURN_TEST_SETTINGS");
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    std::string_view const one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    std::string_view const name = one.substr(0, one.find('='));
    std::int64_t const value = std::atoll(std::string(one.substr(name.size() + 1)).c_str());
    bool known = false;
    for (auto const& each : C::parameters) {
      known = known || (each.name == name && each.minimum <= value && value <= each.maximum);
    }
    if (!known) throw std::invalid_argument("CHURN_TEST_SETTINGS: " + std::string(one));
    options.settings.push_back({std::string(name), value});
  }
  return options;
}

template <class C>
struct Configured : C {
  struct Heap : C::Heap {
    explicit Heap(HeapOptions options)
        : C::Heap(with_settings_of_environment<C>(std::move(options))) {}
  };
};

}  // namespace churn::conform
