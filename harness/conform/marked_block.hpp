// What:  a block of the malloc under test that knows its own size and is full of one mark, so that
//        whoever frees it can tell whether somebody else wrote to it.
// Cost:  touches every byte when it is made, and looks at some when it is released.
#pragma once

#include <cstddef>
#include <cstring>

#include "harness/conform/malloc_properties.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {

struct MarkedBlock {
  std::size_t bytes;  // of the whole block; what follows this member is the mark

  // From 32 to some 4000 bytes, small ones more often. Fails where there is no memory.
  static MarkedBlock* make(Malloc const& m, Random& random) {
    std::size_t const bytes = 32 + random.below(std::size_t{32} << random.below(8));
    void* const block = m.malloc(bytes);
    if (block == nullptr) fail("malloc of %zu bytes returned NULL", bytes);
    auto* const marked = static_cast<MarkedBlock*>(block);
    marked->bytes = bytes;
    std::memset(marked + 1, mark_of(bytes), bytes - sizeof(MarkedBlock));
    return marked;
  }

  void release(Malloc const& m) {
    auto const* const marks = reinterpret_cast<unsigned char const*>(this);
    for (std::size_t const at : {sizeof(MarkedBlock), bytes / 2, bytes - 1}) {
      if (marks[at] == mark_of(bytes)) continue;
      fail("byte %zu of a block of %zu bytes was overwritten with %u", at, bytes, marks[at]);
    }
    m.free(this);
  }

 private:
  static unsigned char mark_of(std::size_t bytes) noexcept {
    return static_cast<unsigned char>(1 + bytes % 251);
  }
};

}  // namespace churn::conform
