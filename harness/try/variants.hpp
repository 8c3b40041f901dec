// What:  what a program is tried under: allocators with their settings, crossed with settings of
//        the environment that are the user's own.
// Rules: without a list these are glibc and all other people's allocators that are installed here;
//        churn's own, which nobody deploys, by name alone. The first one is what ratios are taken
//        to. A variable that an allocator's settings set cannot vary as well.
// Errors: UserError, before anything is run: an unknown allocator or setting, a bad --vary, the
//        same variant twice, more than `most_variants`.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "allocators/catalogue.hpp"
#include "harness/try/attempt.hpp"
#include "results/store/records.hpp"

namespace churn::trial {

inline constexpr std::size_t most_variants = 200;
// The name of the variant without any preload. It may be asked for; for a program that brings a
// malloc of its own it is there by itself, beside glibc.
inline constexpr char unchanged_name[] = "unchanged";

struct Variant {
  store::Named name;    // the allocator with all settings
  std::string library;  // to be preloaded; empty: nothing is
  std::map<std::string, std::string> environment;
  bool plain = true;  // the allocator has no settings of its own
};

struct VariantWish {
  std::optional<std::string> allocators;  // a list as it is typed
  bool tuned = false;                     // the settings that people deploy, too
  std::vector<std::string> vary;          // "NAME=a,b,c"
};

std::vector<Variant> make_variants(VariantWish const& wish, allocators::Catalogue const& catalogue);

// What the program has when nothing is preloaded, from the files mapped into it: glibc's malloc
// library, and one that it brings along and that goes before it.
struct OwnMalloc {
  std::string glibc;  // path; empty: it was not seen
  std::string other;  // path; empty: there is none
};
OwnMalloc own_malloc_of(std::set<std::string> const& mapped_files);

// For a program with a malloc of its own: glibc's malloc is preloaded like any other, and where it
// was asked for, "unchanged" goes in front, once for each setting that varies.
// pre: neither file of `own` is empty
void put_unchanged_first(std::vector<Variant>& variants, OwnMalloc const& own);

}  // namespace churn::trial
