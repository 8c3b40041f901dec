// What:  the names closest to one that does not exist, for error messages ("did you mean …").
// Why:   every axis, matrix key and parameter is typed by hand somewhere.
// How:   Levenshtein's edit distance by rows, with letters compared regardless of case and '_'
//        equal to '-'; at most a third of the longer name may differ, and a name that starts with
//        what was typed always counts. Source: R. Wagner and M. Fischer, The string-to-string
//        correction problem, J. ACM 21, 1974.
// Cost:  the product of the two lengths per candidate, allocates. Thread-safe.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace churn {

inline std::size_t edit_distance(std::string_view from, std::string_view to) {
  auto const folded = [](char letter) {
    return letter == '_' ? '-'
                         : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  };
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      std::size_t const replaced = diagonal + (folded(from[i]) == folded(to[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// At most three, the closest first, equally close ones in the order given. May be empty.
inline std::vector<std::string> nearest(std::string_view name, std::span<std::string const> names) {
  struct Candidate {
    std::size_t distance;
    std::string const* name;
  };
  std::vector<Candidate> close;
  for (auto const& each : names) {
    std::size_t const distance = edit_distance(name, each);
    bool const extends = name.size() >= 2 && each.starts_with(name);
    if (!extends && 3 * distance > std::max(name.size(), each.size())) continue;
    close.push_back({extends ? std::min<std::size_t>(distance, 1) : distance, &each});
  }
  std::sort(close.begin(), close.end(), [](auto const& a, auto const& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.name < b.name;  // as given
  });
  std::vector<std::string> result;
  for (auto const& each : close) {
    if (result.size() < 3) result.push_back(*each.name);
  }
  return result;
}

}  // namespace churn
