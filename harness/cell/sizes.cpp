// churn-sizes: what the malloc of this process makes of each size. Run by `churn sizes` with the
// allocator preloaded, as "churn-sizes OUTPUT [PATH DEVICE INODE]", the file in which malloc must
// lie; writes "REQUESTED USABLE" for the first request of each class, up to 1 MiB, and that as
// last line.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>

#include "harness/cell/proof.hpp"

int main(int count, char** words) {
  std::optional<churn::cell::LibraryFile> library;
  if (count != 2 && count != 5) return 2;
  if (count == 5) {
    library = churn::cell::LibraryFile{words[2], std::strtoull(words[3], nullptr, 10),
                                       std::strtoull(words[4], nullptr, 10)};
  }
  if (auto const proof = churn::cell::prove(library); !proof.failure.empty()) {
    std::fprintf(stderr, "%s\n", proof.failure.c_str());
    return 70;
  }
  std::FILE* const output = std::fopen(words[1], "w");
  if (output == nullptr) return 2;
  constexpr std::size_t most = std::size_t{1} << 20;
  std::size_t last = 0;
  for (std::size_t bytes = 1; bytes <= most; ++bytes) {
    if (bytes <= last && bytes != most) continue;  // usable, so of the same class
    void* const block = std::malloc(bytes);
    if (block == nullptr) return 71;
    last = malloc_usable_size(block);
    std::free(block);
    if (last < bytes) {
      std::fprintf(stderr, "malloc(%zu) has %zu usable bytes\n", bytes, last);
      return 70;
    }
    std::fprintf(output, "%zu %zu\n", bytes, last);
  }
  return std::fclose(output) == 0 ? 0 : 2;
}
