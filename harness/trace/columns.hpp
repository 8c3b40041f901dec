// What:  the events of one thread as columns of small numbers, and back.
// Why:   kinds repeat, sizes repeat, and how far back a freed block was made repeats; side by side
//        in one record they do not.
// Columns, each behind its length: kinds | bytes | alignments | own names, as the distance from
//        the thread's newest block | others' names, as thread and count | times, as differences |
//        frames. All but kinds are LEB128 numbers.
// Errors: `decode` gives nothing for what `encode` cannot have made. Bounded by the text's length.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace churn::trace {

struct ThreadEvents {
  std::uint32_t thread = 0, process = 0;
  std::uint64_t made = 0;  // blocks that the thread had made before the first of these
  std::vector<std::uint64_t> words;
};

std::string encode(std::uint32_t thread, std::uint32_t process, std::uint64_t made,
                   std::span<std::uint64_t const> words);
std::optional<ThreadEvents> decode(std::string_view text);

void put_number(std::string& text, std::uint64_t value);

}  // namespace churn::trace
