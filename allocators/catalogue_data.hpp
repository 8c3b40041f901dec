// What:  what the catalogue is made from: a row per in-project allocator, taken from its header,
//        and the text of catalogue.toml. Generated from the list in meson.build.
#pragma once

#include <span>
#include <string_view>

#include "allocators/listed.hpp"

namespace churn::allocators {

struct OwnAllocator {
  std::string_view name, summary, note;
  bool reuses;
  std::span<ParameterInfo const> parameters;
};

template <ListedAllocator A>
constexpr OwnAllocator own_allocator(std::string_view name) {
  return {name, A::summary, A::note, A::reuses, A::parameters};
}

extern std::span<OwnAllocator const> const own_allocators;
extern std::string_view const third_party_toml;

}  // namespace churn::allocators
