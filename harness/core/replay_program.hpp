// What:  a recorded program as the replay workload runs it: for each lane (a thread of the replay)
//        an array of words, one an operation, in a file that is mapped as it is.
// Why:   all that needs a table or a search is done before: a block is a slot with a number, and
//        where one lane frees what another made, the stream itself says what to wait for. What is
//        timed is a loop over words.
// Layout: ReplayHeader | the lanes' words, one lane behind the other. A word: 3 bits what, 29
//        bits a size or a detail, 32 bits a slot or a count. Sizes of 2^29 and more, and
//        alignments, take a second word.
// Order:  the lane that made a block which another one ends announces so in front of its next
//        operation; the other waits for that announcement. Within one pass announcements count from
//        1; a slot is used again only by the lane that ended its last block.
// Limits: Linux on this machine, this build: no portable format, and never kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace churn::replay {

inline constexpr std::uint64_t program_magic = 0x31676f72'706e7263;  // "crnprog1"
inline constexpr std::uint32_t most_lanes = 64;

enum class Code : std::uint8_t {
  malloc = 0,
  free = 1,
  calloc = 2,
  realloc = 3,
  usable = 4,
  announce = 5,  // count
  await = 6,     // detail: the lane, count
  wide = 7,      // detail: the code above, or `aligned`, and a logarithm; the next word: bytes
};
inline constexpr unsigned code_bits = 3, detail_bits = 29;
inline constexpr std::uint32_t most_detail = (1u << detail_bits) - 1;
inline constexpr std::uint32_t wide_aligned = 7;  // as a wide code
inline constexpr unsigned wide_code_bits = 3;

constexpr std::uint64_t word_of(Code code, std::uint32_t detail, std::uint32_t slot) noexcept {
  return std::uint64_t{slot} << 32 | std::uint64_t{detail} << code_bits |
         static_cast<std::uint64_t>(code);
}
constexpr Code code_of(std::uint64_t word) noexcept { return static_cast<Code>(word & 7); }
constexpr std::uint32_t detail_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word) >> code_bits;
}
constexpr std::uint32_t slot_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32);
}

struct Lane {
  std::uint64_t first = 0, words = 0;  // in words, behind the header
  std::uint64_t announcements = 0;
  std::uint64_t bytes = 0;  // asked for, all together
};

struct ReplayHeader {
  std::uint64_t magic = 0;
  std::uint32_t lanes = 0, slots = 0;
  std::uint64_t calls = 0;            // of the malloc family, in one pass
  std::uint64_t peak_live_bytes = 0;  // in the order of the recording
  std::uint64_t peak_live_blocks = 0;
  std::array<Lane, most_lanes> lane = {};
};

// A program in memory, as somebody wrote it: whether it can be trusted is to be asked once.
struct ProgramView {
  ReplayHeader const* header = nullptr;
  std::uint64_t const* words = nullptr;

  std::span<std::uint64_t const> lane(std::uint32_t index) const noexcept {
    Lane const& lane = header->lane[index];
    return {words + lane.first, lane.words};
  }
};

// What is wrong with these bytes, or nothing: then every slot, lane and second word is in bounds.
// That no lane waits for ever follows from how it was compiled, not from here.
inline std::string_view what_is_wrong(std::byte const* start, std::uint64_t bytes) noexcept {
  if (bytes < sizeof(ReplayHeader)) return "it is too short";
  auto const* const header = reinterpret_cast<ReplayHeader const*>(start);
  if (header->magic != program_magic) return "it is none, or one of another build";
  if (header->lanes == 0 || header->lanes > most_lanes) return "its number of lanes is wrong";
  std::uint64_t const words = (bytes - sizeof(ReplayHeader)) / sizeof(std::uint64_t);
  auto const* const all = reinterpret_cast<std::uint64_t const*>(header + 1);
  for (std::uint32_t lane = 0; lane < header->lanes; ++lane) {
    Lane const& each = header->lane[lane];
    if (each.first > words || words - each.first < each.words) return "a lane is cut off";
    for (std::uint64_t i = each.first; i < each.first + each.words; ++i) {
      switch (Code const code = code_of(all[i])) {
        case Code::announce:
          break;
        case Code::await:
          if (detail_of(all[i]) >= header->lanes) return "a lane waits for none";
          break;
        default:
          if (slot_of(all[i]) >= header->slots) return "a slot is out of bounds";
          if (code == Code::wide && ++i == each.first + each.words) return "a lane is cut off";
      }
    }
  }
  return {};
}

}  // namespace churn::replay
