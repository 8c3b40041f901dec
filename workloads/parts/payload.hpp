// What:  whole values in an object's payload, copied in and out byte by byte.
// Why:   a payload is raw bytes: reading it through a cast pointer would be undefined, a copy of
//        eight bytes compiles to the one load or store that a field of a struct would be.
// Cost:  none over the load or store. Thread-safety: that of the payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace churn {

// The word at position `index` of a payload of words. pre: the payload reaches that far.
inline std::uint64_t word(std::byte const* payload, std::size_t index = 0) noexcept {
  std::uint64_t value;
  std::memcpy(&value, payload + index * sizeof value, sizeof value);
  return value;
}
inline void set_word(std::byte* payload, std::uint64_t value, std::size_t index = 0) noexcept {
  std::memcpy(payload + index * sizeof value, &value, sizeof value);
}

}  // namespace churn
