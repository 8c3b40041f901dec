#include "harness/try/variants.hpp"

#include <algorithm>
#include <set>

#include "harness/core/error.hpp"
#include "harness/run/names.hpp"

namespace churn::trial {
namespace {

constexpr char glibc[] = "glibc";

struct Axis {
  std::string name;
  std::vector<std::string> values;
};

bool is_variable_name(std::string const& name) {
  auto const is_letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
}

Axis parse_axis(std::string const& text) {
  std::size_t const equals = text.find('=');
  Axis axis{text.substr(0, equals), {}};
  if (equals == std::string::npos || !is_variable_name(axis.name)) {
    throw UserError("--vary " + text +
                    " is not NAME=a,b,c, as in --vary PYTHONMALLOC=pymalloc,malloc");
  }
  if (axis.name.starts_with("LD_") || axis.name.starts_with("CHURN_")) {
    throw UserError("--vary " + axis.name + " is not for users: churn decides what is loaded");
  }
  for (std::size_t at = equals; at != std::string::npos;) {
    std::size_t const comma = text.find(',', at + 1);
    axis.values.push_back(text.substr(at + 1, comma - at - 1));
    at = comma;
  }
  return axis;
}

std::vector<store::Named> wanted(VariantWish const& wish, allocators::Catalogue const& catalogue) {
  std::vector<store::Named> names;
  if (wish.allocators && *wish.allocators != "*") {
    names = run::parse_names(*wish.allocators);
  } else {
    names.push_back({glibc, {}});
    for (auto const& each : catalogue.all()) {
      bool const asked = wish.allocators || !each.in_project;
      if (each.available && asked && each.name != glibc) names.push_back({each.name, {}});
    }
  }
  if (!wish.tuned) return names;
  std::vector<store::Named> all;
  for (store::Named const& each : names) {
    all.push_back(each);
    if (!each.settings.empty()) continue;
    for (auto const& info : catalogue.all()) {
      if (info.name != each.name) continue;
      for (auto const& variant : info.variants) {
        all.push_back(run::parse_name(each.name + "{" + variant.settings + "}"));
      }
    }
  }
  return all;
}

// Each of them with each value.
std::vector<Variant> crossed(std::vector<Variant> const& variants, Axis const& axis) {
  std::vector<Variant> result;
  for (Variant const& each : variants) {
    if (each.environment.contains(axis.name)) {
      throw UserError("--vary " + axis.name + ": " + store::spelled(each.name) +
                      " sets it already");
    }
    for (std::string const& value : axis.values) {
      Variant& more = result.emplace_back(each);
      more.name.settings[axis.name] = value;
      more.environment[axis.name] = value;
    }
  }
  return result;
}

std::string name_of_file(std::string const& path) {
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

std::vector<Variant> make_variants(VariantWish const& wish,
                                   allocators::Catalogue const& catalogue) {
  std::vector<Variant> result;
  for (store::Named const& name : wanted(wish, catalogue)) {
    if (name.name == unchanged_name && name.settings.empty()) {
      result.push_back({name, "", {}, true});
      continue;
    }
    auto const resolved = catalogue.resolve(name.name, name.settings);
    result.push_back({name, resolved.info.library, resolved.environment, name.settings.empty()});
  }
  std::set<std::string> varied;
  for (std::string const& text : wish.vary) {
    Axis const axis = parse_axis(text);
    if (!varied.insert(axis.name).second) {
      throw UserError("--vary " + axis.name + " is given twice; its values go into one list");
    }
    result = crossed(result, axis);
  }
  std::set<store::Named> seen;
  for (Variant const& each : result) {
    if (seen.insert(each.name).second) continue;
    throw UserError(store::spelled(each.name) +
                    " is there twice; each is measured anyway as often "
                    "as there are rounds");
  }
  if (result.size() > most_variants) {
    throw UserError(std::to_string(result.size()) + " variants are more than the " +
                    std::to_string(most_variants) + " that can be compared at once");
  }
  return result;
}

OwnMalloc own_malloc_of(std::set<std::string> const& mapped_files) {
  OwnMalloc own;
  for (std::string const& each : mapped_files) {
    std::string const name = name_of_file(each);
    if (name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"))) {
      own.glibc = each;
    } else if (!name.starts_with("ld-linux") && allocators::shows_malloc(each)) {
      own.other = each;
    }
  }
  return own;
}

void put_unchanged_first(std::vector<Variant>& variants, OwnMalloc const& own) {
  std::vector<Variant> unchanged;
  for (Variant& each : variants) {
    if (each.name.name != glibc) continue;
    each.library = own.glibc;
    Variant more{{unchanged_name, each.name.settings}, "", each.environment, true};
    bool const there = std::any_of(variants.begin(), variants.end(),
                                   [&](Variant const& other) { return other.name == more.name; });
    if (each.plain && !there) unchanged.push_back(std::move(more));
  }
  variants.insert(variants.begin(), unchanged.begin(), unchanged.end());
}

}  // namespace churn::trial
