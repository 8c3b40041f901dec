// Properties of single blocks. Impossible sizes go through volatile variables, and the unit is
// built with -fno-builtin: otherwise compilers know what malloc promises and check nothing.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "harness/conform/malloc_properties.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {
namespace {

struct Held {
  unsigned char* block;
  size_t bytes;
  unsigned char mark;
};

// What a block of this size may hold decides its alignment: ISO C asks for no more.
size_t alignment_owed(size_t size) {
  return size >= 16 ? 16 : std::bit_floor(std::max<size_t>(size, 1));
}

void require_aligned(void const* block, size_t align, char const* from, size_t size) {
  if (block == nullptr) fail("%s of %zu bytes returned NULL", from, size);
  if (reinterpret_cast<uintptr_t>(block) % align != 0) {
    fail("%s of %zu bytes returned %p, not aligned to %zu", from, size, block, align);
  }
}

void fill(Held const& held) { memset(held.block, held.mark, held.bytes); }

void require_filled(Held const& held) {
  for (size_t i = 0; i < held.bytes; ++i) {
    if (held.block[i] == held.mark) continue;
    fail("byte %zu of a block of %zu bytes changed from %u to %u while nobody wrote to it", i,
         held.bytes, held.mark, held.block[i]);
  }
}

// Sizes around every power of two up to a limit, where size classes and headers have their edges.
std::vector<size_t> edge_sizes(size_t limit) {
  std::vector<size_t> sizes;
  for (size_t power = 1; power <= limit; power *= 2) {
    for (size_t distance = 0; distance <= 32; ++distance) {
      if (distance < power) sizes.push_back(power - distance);
      sizes.push_back(power + distance);
    }
  }
  return sizes;
}

void aligned(Malloc const& m) {
  for (size_t const size : edge_sizes(size_t{1} << 20)) {
    void* const from_malloc = m.malloc(size);
    require_aligned(from_malloc, alignment_owed(size), "malloc", size);
    void* const from_calloc = m.calloc(1, size);
    require_aligned(from_calloc, alignment_owed(size), "calloc", size);
    void* const from_realloc = m.realloc(from_malloc, size + 1);
    require_aligned(from_realloc, alignment_owed(size + 1), "realloc", size + 1);
    m.free(from_calloc);
    m.free(from_realloc);
  }
}

// Many live blocks of mixed sizes, each full of a mark of its own to its last usable byte.
void disjoint(Malloc const& m) {
  Random random(1);
  std::vector<Held> held(3000);
  for (int round = 0; round < 12'000; ++round) {
    Held& place = held[random.below(held.size())];
    if (place.block != nullptr) {
      require_filled(place);
      m.free(place.block);
    }
    size_t const size = random.below(size_t{16} << random.below(10)) + 1;
    auto* const block = static_cast<unsigned char*>(m.malloc(size));
    if (block == nullptr) fail("malloc of %zu bytes returned NULL", size);
    place = {block, m.usable_size(block), static_cast<unsigned char>(random.next())};
    fill(place);
  }
  for (auto const& each : held) {
    if (each.block == nullptr) continue;
    require_filled(each);
    m.free(each.block);
  }
}

void edges(Malloc const& m) {
  for (size_t const size : edge_sizes(size_t{1} << 18)) {
    std::array<Held, 3> held{};
    for (size_t i = 0; i < held.size(); ++i) {
      held[i] = {static_cast<unsigned char*>(m.malloc(size)), size,
                 static_cast<unsigned char>(i + 1)};
      if (held[i].block == nullptr) fail("malloc of %zu bytes returned NULL", size);
      fill(held[i]);
    }
    for (auto const& each : held) require_filled(each);
    for (auto const& each : held) m.free(each.block);
  }
}

void zeroed(Malloc const& m) {
  for (size_t const size : {1, 24, 128, 512, 513, 4096, 70'000, 300'000, 2'000'000}) {
    for (int round = 0; round < 4; ++round) {
      auto* const dirty = static_cast<unsigned char*>(m.malloc(size));
      if (dirty == nullptr) fail("malloc of %zu bytes returned NULL", size);
      memset(dirty, 0xa5, size);
      m.free(dirty);
      auto* const block = static_cast<unsigned char*>(m.calloc(size, 1));
      if (block == nullptr) fail("calloc of %zu bytes returned NULL", size);
      for (size_t i = 0; i < size; ++i) {
        if (block[i] != 0) fail("byte %zu of calloc(%zu, 1) is %u", i, size, block[i]);
      }
      memset(block, 0x5a, size);
      m.free(block);
    }
  }
}

void require_refused(void* block, char const* what) {
  if (block != nullptr) fail("%s returned a block", what);
}

void overflow(Malloc const& m) {
  size_t volatile half = SIZE_MAX / 2 + 1;
  size_t volatile root = size_t{1} << 32;
  require_refused(m.calloc(half, 2), "calloc(2^63, 2)");
  require_refused(m.calloc(2, half), "calloc(2, 2^63)");
  require_refused(m.calloc(root, root + 1), "calloc(2^32, 2^32 + 1)");
  void* const block = m.malloc(8);
  memcpy(block, "kept it", 8);
  require_refused(m.reallocarray(block, half, 2), "reallocarray(block, 2^63, 2)");
  if (memcmp(block, "kept it", 8) != 0) fail("reallocarray failed and changed the block");
  m.free(block);
}

// Sizes that no machine can serve, beyond what a difference of pointers can say, or close to it.
constexpr std::array huge_sizes{SIZE_MAX,         SIZE_MAX - 1,     SIZE_MAX - 15,
                                SIZE_MAX - 64,    SIZE_MAX - 4096,  SIZE_MAX / 2 + 2,
                                SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 15};

void huge(Malloc const& m) {
  for (size_t const volatile size : huge_sizes) {
    require_refused(m.malloc(size), "malloc of a size near SIZE_MAX or PTRDIFF_MAX");
    require_refused(m.calloc(size, 1), "calloc of a size near SIZE_MAX or PTRDIFF_MAX");
    require_refused(m.memalign(64, size), "memalign of a size near SIZE_MAX or PTRDIFF_MAX");
    void* result = static_cast<void*>(&result);
    if (m.posix_memalign(&result, 4096, size) != ENOMEM)
      fail("posix_memalign of a huge size is not ENOMEM");
    if (result != static_cast<void*>(&result)) fail("posix_memalign failed and changed *memptr");
    void* const block = m.malloc(100);
    memset(block, 7, 100);
    require_refused(m.realloc(block, size), "realloc to a size near SIZE_MAX or PTRDIFF_MAX");
    require_filled({static_cast<unsigned char*>(block), 100, 7});
    m.free(block);
  }
}

void require_enomem(void* block, char const* what) {
  if (block == nullptr && errno != ENOMEM)
    fail("%s set errno to %d instead of ENOMEM", what, errno);
  errno = 0;
}

void enomem(Malloc const& m) {
  size_t volatile half = SIZE_MAX / 2 + 1;
  size_t volatile size = SIZE_MAX - 4096;
  void* const block = m.malloc(100);
  errno = 0;
  require_enomem(m.malloc(size), "malloc of nearly SIZE_MAX bytes");
  require_enomem(m.calloc(half, 2), "calloc(2^63, 2)");
  require_enomem(m.calloc(size, 1), "calloc of nearly SIZE_MAX bytes");
  require_enomem(m.realloc(block, size), "realloc to nearly SIZE_MAX bytes");
  require_enomem(m.reallocarray(block, half, 2), "reallocarray(block, 2^63, 2)");
  require_enomem(m.memalign(64, size), "memalign of nearly SIZE_MAX bytes");
  require_enomem(m.aligned_alloc(64, size), "aligned_alloc of nearly SIZE_MAX bytes");
  m.free(block);
}

void reallocated(Malloc const& m) {
  Random random(2);
  auto* block = static_cast<unsigned char*>(m.realloc(nullptr, 1));
  if (block == nullptr) fail("realloc(NULL, 1) returned NULL");
  block[0] = 0;
  size_t size = 1;
  for (int round = 0; round < 600; ++round) {
    size_t const wanted = random.below(size_t{16} << random.below(14)) + 1;
    auto* const moved = static_cast<unsigned char*>(m.realloc(block, wanted));
    if (moved == nullptr) fail("realloc from %zu to %zu bytes returned NULL", size, wanted);
    for (size_t i = 0; i < std::min(size, wanted); ++i) {
      if (moved[i] == static_cast<unsigned char>(i * 7)) continue;
      fail("realloc from %zu to %zu bytes lost byte %zu", size, wanted, i);
    }
    for (size_t i = 0; i < wanted; ++i) moved[i] = static_cast<unsigned char>(i * 7);
    block = moved;
    size = wanted;
  }
  m.free(block);
}

// What was aligned stays whole, even if realloc owes no alignment beyond that of malloc.
void realloc_of_aligned(Malloc const& m) {
  for (size_t align = 32; align <= 65'536; align *= 2) {
    auto* block = static_cast<unsigned char*>(m.aligned_alloc(align, align));
    require_aligned(block, align, "aligned_alloc", align);
    fill({block, align, 0x3c});
    block = static_cast<unsigned char*>(m.realloc(block, 3 * align));
    require_aligned(block, 16, "realloc of an aligned block", 3 * align);
    require_filled({block, align, 0x3c});
    m.free(block);
  }
}

void usable(Malloc const& m) {
  if (m.usable_size(nullptr) != 0) fail("malloc_usable_size(NULL) is not 0");
  for (size_t const size : edge_sizes(size_t{1} << 20)) {
    auto* const block = static_cast<unsigned char*>(m.malloc(size));
    size_t const bytes = m.usable_size(block);
    if (bytes < size) fail("malloc_usable_size of a block of %zu bytes is %zu", size, bytes);
    block[bytes - 1] = 1;
    m.free(block);
  }
}

void empty(Malloc const& m) {
  size_t volatile zero = 0;
  std::array<void*, 100> blocks{};
  for (void*& block : blocks) {
    block = m.malloc(zero);
    if (block == nullptr) fail("malloc(0) returned NULL");
    if (std::count(blocks.begin(), blocks.end(), block) != 1)
      fail("malloc(0) returned one block twice");
  }
  for (void* const block : blocks) m.free(block);
  void* const block = m.calloc(zero, 8);
  if (block == nullptr) fail("calloc(0, 8) returned NULL");
  m.free(block);
  m.free(nullptr);
  m.free(m.realloc(m.malloc(10), 0));  // whatever it returned may be freed
}

void aligned_family(Malloc const& m) {
  for (size_t align = sizeof(void*); align <= size_t{8} << 20; align *= 2) {
    for (size_t const size : {size_t{1}, align - 1, align, align + 1, 3 * align}) {
      if (size > size_t{12} << 20) continue;
      void* from_posix = nullptr;
      if (m.posix_memalign(&from_posix, align, size) != 0)
        fail("posix_memalign(%zu, %zu) failed", align, size);
      void* const from_memalign = m.memalign(align, size);
      void* const from_c11 = m.aligned_alloc(align, round_up(size, align));
      require_aligned(from_posix, align, "posix_memalign", size);
      require_aligned(from_memalign, align, "memalign", size);
      require_aligned(from_c11, align, "aligned_alloc", round_up(size, align));
      std::array const held{Held{static_cast<unsigned char*>(from_posix), size, 1},
                            Held{static_cast<unsigned char*>(from_memalign), size, 2},
                            Held{static_cast<unsigned char*>(from_c11), size, 3}};
      for (auto const& each : held) fill(each);
      for (auto const& each : held) require_filled(each);
      for (auto const& each : held) m.free(each.block);
    }
  }
}

void page_aligned(Malloc const& m) {
  auto const page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const from_valloc = m.valloc(100);
  void* const from_pvalloc = m.pvalloc(page + 1);
  require_aligned(from_valloc, page, "valloc", 100);
  require_aligned(from_pvalloc, page, "pvalloc", page + 1);
  if (m.usable_size(from_pvalloc) < 2 * page)
    fail("pvalloc of a page and a byte is under two pages");
  m.free(from_valloc);
  m.free(from_pvalloc);
}

void aligned_errors(Malloc const& m) {
  void* result = nullptr;
  for (size_t const align : {size_t{0}, size_t{1}, size_t{4}, size_t{24}, size_t{48}}) {
    if (m.posix_memalign(&result, align, 64) != EINVAL)
      fail("posix_memalign(%zu, 64) is not EINVAL", align);
    if (result != nullptr) fail("posix_memalign(%zu, 64) failed and changed *memptr", align);
  }
}

void errno_kept(Malloc const& m) {
  for (size_t const size : {16, 600, 50'000, 3'000'000}) {
    void* const block = m.malloc(size);
    errno = EDOM;
    m.free(block);
    if (errno != EDOM) fail("free of a block of %zu bytes changed errno to %d", size, errno);
  }
}

size_t resident_bytes() {
  size_t total = 0, resident = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  if (file == nullptr || fscanf(file, "%zu %zu", &total, &resident) != 2)
    fail("cannot read /proc/self/statm");
  fclose(file);
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

void reuse(Malloc const& m) {
  size_t const before = resident_bytes();
  std::vector<void*> blocks(10'000);
  for (int round = 0; round < 30; ++round) {
    for (size_t i = 0; i < blocks.size(); ++i) {
      size_t const size = 16 + i % 50 * 40;
      blocks[i] = m.malloc(size);
      memset(blocks[i], round, size);
    }
    for (void* const block : blocks) m.free(block);
  }
  size_t const grown = resident_bytes() - before;
  if (grown > size_t{100} << 20)
    fail("30 times 10 MB, freed each time, left %zu MB resident", grown >> 20);
}

constexpr std::array properties{
    Property{"aligned", "blocks are aligned for any object that fits into them", aligned},
    Property{"disjoint", "no byte is in two live blocks, usable bytes included", disjoint},
    Property{"edges", "sizes within 32 bytes of a power of two are as good as others", edges},
    Property{"zeroed", "calloc gives zeros, on memory that was used before too", zeroed},
    Property{"overflow", "calloc and reallocarray refuse products that overflow", overflow},
    Property{"huge", "impossible sizes give NULL and change nothing", huge},
    Property{"enomem", "what is refused sets errno to ENOMEM", enomem},
    Property{"reallocated", "realloc keeps the contents", reallocated},
    Property{"realloc-of-aligned", "realloc takes blocks of the aligned entry points",
             realloc_of_aligned},
    Property{"usable", "malloc_usable_size is at least the size asked for, all of it writable",
             usable},
    Property{"empty", "size 0 gives a block of its own, and free(NULL) nothing", empty},
    Property{"aligned-family", "posix_memalign, memalign and aligned_alloc align", aligned_family},
    Property{"page-aligned", "valloc and pvalloc align to pages, pvalloc rounds up to one",
             page_aligned},
    Property{"aligned-errors", "posix_memalign refuses what is no power of two", aligned_errors},
    Property{"errno-kept", "free leaves errno alone", errno_kept},
    Property{"reuse", "memory that was freed is used again", reuse},
};

}  // namespace

std::span<Property const> block_properties() noexcept { return properties; }

}  // namespace churn::conform
