// What:  what an execution of a program has shown, event by event, and the first place where two
//        such logs part.
// Why:   two collectors agree if nothing that a program can see tells them apart: values, the
//        order of deaths, every figure after every operation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace churn::differential {

enum class Seen : std::uint16_t {
  result,     // of the operation: what collect returned, whether a referent lives, …
  finalized,  // the identity of a watched object
  weak_died,  // the identity of a weak object
  starts,     // a collection of this generation
  stops,      // 2^32 · collected + uncollectable
  // figures, where they have changed
  count,                          // + generation
  collections = count + 3,        // + generation
  collected = collections + 3,    // + generation
  uncollectable = collected + 3,  // + generation
  frozen = uncollectable + 3,
  garbage,
  allocated,
  reclaimed,
  enabled,
  end_of_list,
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Seen::end_of_list)>
    seen_names{"result",
               "finalized",
               "weak_died",
               "starts",
               "stops",
               "count[0]",
               "count[1]",
               "count[2]",
               "collections[0]",
               "collections[1]",
               "collections[2]",
               "collected[0]",
               "collected[1]",
               "collected[2]",
               "uncollectable[0]",
               "uncollectable[1]",
               "uncollectable[2]",
               "frozen",
               "garbage",
               "allocated",
               "reclaimed",
               "enabled"};

struct Event {
  std::uint32_t operation;  // its place in the program
  Seen seen;
  std::uint64_t value;
  friend bool operator==(Event const&, Event const&) = default;
};
using Log = std::vector<Event>;

inline std::string in_words(Event const& event) {
  return std::string(seen_names[static_cast<std::size_t>(event.seen)]) + " = " +
         std::to_string(event.value);
}

// The place of the first event that differs.
inline std::optional<std::size_t> first_difference(Log const& a, Log const& b) {
  auto const [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (in_a == a.end() && in_b == b.end()) return std::nullopt;
  return static_cast<std::size_t>(in_a - a.begin());
}

}  // namespace churn::differential
