// What:  how many pages of this process are its own and written: copied from those it shared with
//        the process that forked it, or fresh.
// Why:   a fork shares all pages until one side writes; what a child's reading has cost is only
//        seen in its own page tables.
// Errors: absent where the kernel does not say.
// Cost:  some 10 µs and more for large address spaces: the kernel walks the page tables. Nothing
//        here allocates: it runs in a forked child, between two looks that must not differ by it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "harness/core/page_source.hpp"

namespace churn {

inline std::optional<std::uint64_t> private_dirty_pages() noexcept {
  int const file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  char text[2048];
  ssize_t const got = read(file, text, sizeof text - 1);
  close(file);
  if (got <= 0) return std::nullopt;
  text[got] = '\0';
  constexpr char key[] = "Private_Dirty:";
  char const* const found = std::strstr(text, key);
  if (found == nullptr) return std::nullopt;
  std::uint64_t const kibibytes = std::strtoull(found + sizeof key - 1, nullptr, 10);
  return kibibytes * 1024 / page_bytes;
}

}  // namespace churn
