#include "allocators/catalogue.hpp"

#include <glob.h>
#include <string.h>

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <string_view>

#include "allocators/catalogue_data.hpp"
#include "allocators/malloc_library.hpp"
#include "harness/core/error.hpp"
#include "harness/core/nearest.hpp"
#include "harness/core/protocol.hpp"
#include "harness/core/quantity.hpp"

namespace churn::allocators {
namespace {

std::string joined(std::vector<std::string> const& words, std::string_view between) {
  std::string result;
  for (auto const& word : words) result += (result.empty() ? "" : std::string(between)) + word;
  return result;
}

// " (did you mean x or y?)", or the whole choice where nothing is close.
std::string suggestion(std::string_view name, std::vector<std::string> const& names) {
  auto const close = nearest(name, names);
  if (!close.empty()) return "; did you mean " + joined(close, " or ") + "?";
  return names.empty() ? "" : "; there are " + joined(names, ", ");
}

// Existing paths that fit the pattern, newest version first.
std::vector<std::string> matches(std::string const& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  std::sort(paths.begin(), paths.end(),
            [](auto const& a, auto const& b) { return strverscmp(a.c_str(), b.c_str()) > 0; });
  return paths;
}

// The first usable library of the patterns; else says in why_not what is missing.
void find_library(AllocatorInfo& info, std::vector<std::string> const& patterns) {
  std::string wrong;
  for (auto const& pattern : patterns) {
    for (auto const& path : matches(pattern)) {
      std::string const why_not = why_no_malloc_library(path);
      if (why_not.empty()) {
        info.library = path;
        return;
      }
      if (wrong.empty()) wrong = path + " " + why_not;
    }
  }
  info.available = false;
  std::string const file = std::filesystem::path(patterns.front()).filename();
  info.why_not = wrong.empty() ? file + " is not installed" : wrong;
  info.why_not += ": apt-get install " + info.package;
}

std::vector<std::string> strings_of(toml::node_view<toml::node const> list) {
  std::vector<std::string> result;
  if (auto const* const array = list.as_array()) {
    for (auto const& each : *array) result.push_back(each.value_or(std::string()));
  }
  return result;
}

AllocatorInfo third_party(toml::table const& table) {
  AllocatorInfo info;
  info.name = table["name"].value_or("");
  info.summary = table["summary"].value_or("");
  info.package = table["package"].value_or("");
  info.note = table["note"].value_or("");
  info.tuning = strings_of(table["tuning"]);
  if (auto const* const variants = table["variants"].as_array()) {
    for (auto const& each : *variants) {
      auto const pair = strings_of(toml::node_view(each));
      info.variants.push_back({pair.at(0), pair.at(1)});
    }
  }
  if (auto const* const failures = table["known_failures"].as_table()) {
    for (auto const& [property, why] : *failures) {
      info.known_failures.emplace(property.str(), why.value_or(""));
    }
  }
  auto const patterns = strings_of(table["libraries"]);
  if (!patterns.empty()) find_library(info, patterns);
  return info;
}

AllocatorInfo of_our_own(OwnAllocator const& own, std::string const& directory) {
  AllocatorInfo info;
  info.name = own.name;
  info.summary = own.summary;
  info.note = own.note;
  info.in_project = true;
  info.reuses = own.reuses;
  info.parameters.assign(own.parameters.begin(), own.parameters.end());
  info.library = directory + "/libchurn_" + info.name + ".so";
  std::string const why_not = why_no_malloc_library(info.library);
  info.available = why_not.empty();
  // A sanitizer brings its own malloc, so such builds have no malloc libraries.
  if (!info.available)
    info.why_not = info.library + " " + why_not + ": build churn without sanitizers";
  return info;
}

bool matches_tuning(std::string_view variable, std::string_view pattern) {
  if (!pattern.ends_with('*')) return variable == pattern;
  return variable.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool is_environment(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == name.npos;
}

// Variables that decide what is loaded, or that the harness sets itself.
bool is_reserved(std::string_view variable) {
  return variable.starts_with("LD_") || variable.starts_with("CHURN_");
}

void apply_environment(ResolvedAllocator& resolved, std::string const& name,
                       std::string const& value) {
  auto const& info = resolved.info;
  std::string const where = "allocator " + info.name + ": setting " + name;
  if (is_reserved(name)) throw UserError(where + " is not for users: churn decides what is loaded");
  bool const by_path = info.name.find('/') != std::string::npos;
  bool const known = std::any_of(info.tuning.begin(), info.tuning.end(), [&](auto const& pattern) {
    return matches_tuning(name, pattern);
  });
  if (!known && !by_path) {
    throw UserError(where + (info.tuning.empty()
                                 ? " is unknown: it reads no environment variables"
                                 : " is unknown: it reads " + joined(info.tuning, ", ")));
  }
  resolved.environment[name] = value;
}

void apply_parameter(ResolvedAllocator& resolved, std::string const& name,
                     std::string const& value) {
  auto const& info = resolved.info;
  std::string const where = "allocator " + info.name + ": setting " + name;
  auto const known = std::find_if(info.parameters.begin(), info.parameters.end(),
                                  [&](auto const& each) { return each.name == name; });
  if (known == info.parameters.end()) {
    std::vector<std::string> names;
    for (auto const& each : info.parameters) names.emplace_back(each.name);
    if (names.empty()) {
      throw UserError(where +
                      " is unknown: it has no parameters of its own (environment variables "
                      "are written in upper case)");
    }
    throw UserError(where + " is unknown" + suggestion(name, names));
  }
  if (!parse_quantity(value, known->minimum, known->maximum)) {
    throw UserError(where + "=" + value + " is not a whole number from " +
                    std::to_string(known->minimum) + " to " + std::to_string(known->maximum) +
                    " (10k, 64Mi and the like are fine)");
  }
  std::string& all = resolved.environment[allocator_settings_variable];
  all += (all.empty() ? "" : ";") + name + "=" + value;
}

AllocatorInfo by_path(std::string const& path) {
  AllocatorInfo info;
  info.name = path;
  info.summary = "a library by path";
  std::string const why_not = why_no_malloc_library(path);
  if (!why_not.empty()) throw UserError("allocator " + path + " " + why_not);
  info.library = std::filesystem::absolute(path).lexically_normal();
  return info;
}

}  // namespace

Catalogue::Catalogue(std::string const& own_libraries) {
  for (auto const& own : own_allocators) all_.push_back(of_our_own(own, own_libraries));
  toml::table const document = toml::parse(third_party_toml, std::string("catalogue.toml"));
  if (auto const* const tables = document["allocator"].as_array()) {
    for (auto const& each : *tables) all_.push_back(third_party(*each.as_table()));
  }
  std::sort(all_.begin(), all_.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
}

ResolvedAllocator Catalogue::resolve(std::string const& name,
                                     std::map<std::string, std::string> const& settings) const {
  ResolvedAllocator resolved;
  if (name.find('/') != std::string::npos) {
    resolved.info = by_path(name);
  } else {
    auto const found =
        std::find_if(all_.begin(), all_.end(), [&](auto const& each) { return each.name == name; });
    if (found == all_.end()) {
      std::vector<std::string> names;
      for (auto const& each : all_) names.push_back(each.name);
      throw UserError("there is no allocator " + name + suggestion(name, names) +
                      " (a library is given by a path with a slash: ./libmine.so)");
    }
    if (!found->available) throw UserError("allocator " + name + ": " + found->why_not);
    resolved.info = *found;
  }
  resolved.settings = settings;
  for (auto const& [setting, value] : settings) {
    if (is_environment(setting)) {
      apply_environment(resolved, setting, value);
    } else {
      apply_parameter(resolved, setting, value);
    }
  }
  return resolved;
}

}  // namespace churn::allocators
