// What:  the header of an object in a traced heap: one word before its slots, which says its shape
//        and leaves eight bits to the collector.
// Why:   a marker that has an object's address knows all it needs from the line it has fetched; a
//        nursery that has moved an object leaves its new address in the same word.
// When not: counted objects, which need a count and, where listed, links.
// How:   bits 63–32 payload bytes, 31–8 slots, 7–0 flags. A forwarded object's word is its new
//        address, with bit 0, since addresses are even.
// Invariants: a cell starts at a multiple of granule_bytes with the header, so a Ref is 8 above
//        one.
// Cost:  8 bytes an object, and on average 4 for rounding up; nothing to write but one constant.
#pragma once

#include <cstddef>

#include "collectors/parts/reference.hpp"

namespace churn::collectors {

inline constexpr std::size_t granule_bytes = 16;

class ObjectHeader {
 public:
  static constexpr std::size_t bytes = sizeof(Word);
  static constexpr Word forwarded = 1;

  static constexpr Word of(Shape shape) noexcept {
    return Word{shape.payload_bytes} << 32 | Word{shape.slots} << 8;
  }
  static Word& at(Ref object) noexcept { return object.slots()[-1]; }
  static Word& at(Word* slots) noexcept { return slots[-1]; }

  static constexpr std::uint32_t slots(Word header) noexcept {
    return static_cast<std::uint32_t>(header) >> 8;
  }
  static constexpr Shape shape(Word header) noexcept {
    return {slots(header), static_cast<std::uint32_t>(header >> 32)};
  }
  // What the object is charged with: what it asked for, and the header.
  static constexpr std::size_t charge(Shape shape) noexcept {
    return bytes + requested_bytes(shape);
  }
  static constexpr std::size_t charge(Word header) noexcept { return charge(shape(header)); }
  // What it takes in the heap.
  static constexpr std::size_t cell(std::size_t charge) noexcept {
    return (charge + granule_bytes - 1) & ~(granule_bytes - 1);
  }
  static constexpr std::size_t cell(Shape shape) noexcept { return cell(charge(shape)); }
  static std::size_t cell_of(Ref object) noexcept { return cell(charge(at(object))); }
};

}  // namespace churn::collectors
