#include "harness/cell/litter.hpp"

#include <cstddef>
#include <cstdlib>
#include <utility>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/random.hpp"

namespace churn::cell {
namespace {

// Octaves of sizes from 16 bytes to 64 KiB, each half as likely as the one below it: some 8 MB.
constexpr std::size_t blocks = 50'000, least_bytes = 16, kept_one_of = 10;
constexpr std::uint64_t last_octave = 1u << 12;

}  // namespace

void strew_litter(std::uint64_t seed, std::uint32_t thread) {
  constexpr std::uint64_t own_stream = std::uint64_t{1} << 32;
  Random random = Random::fork(seed, own_stream + thread);
  // The table is no part of the heap that it litters.
  std::size_t const table_bytes = round_up(blocks * sizeof(void*), page_bytes);
  auto** const table = static_cast<void**>(map_pages(table_bytes));
  if (table == nullptr) stop(Outcome::out_of_memory, "the table of litter could not be mapped");
  for (std::size_t i = 0; i < blocks; ++i) {
    std::uint64_t const draw = random.next();
    std::size_t const low = least_bytes << __builtin_ctzll(draw | last_octave);
    std::size_t const bytes = low + (draw >> 32) % low;
    auto* const block = static_cast<std::byte*>(std::malloc(bytes));
    if (block == nullptr) stop(Outcome::out_of_memory, "malloc(%zu) returned NULL", bytes);
    for (std::size_t at = 0; at < bytes; at += page_bytes) {
      const_cast<std::byte volatile*>(block)[at] = std::byte{1};
    }
    table[i] = block;
  }
  for (std::size_t i = blocks; i-- > 1;) std::swap(table[i], table[random.below(i + 1)]);
  for (std::size_t i = 0; i < blocks; ++i) {
    if (i % kept_one_of != 0) std::free(table[i]);
  }
  unmap_pages(table, table_bytes);
}

}  // namespace churn::cell
