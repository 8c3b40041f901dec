// Blocks of 1000 to 1023 bytes are aligned to 8 only.
#pragma once

#include "tests/conformance/allocators/broken/broken.hpp"

namespace churn::misaligned {

class Allocator : public broken::Sound {
 public:
  static void* allocate(std::size_t size, std::size_t align) noexcept {
    if (!is_broken(size)) return Sound::allocate(size, align);
    auto* const block = static_cast<std::byte*>(Sound::allocate(size + 24, 32));
    return block == nullptr ? nullptr : block + 8;
  }
  // Told apart by the address: every sound block is aligned to 16.
  static void deallocate(void* block) noexcept { Sound::deallocate(whole(block)); }
  static std::size_t usable_size(void* block) noexcept {
    void* const base = whole(block);
    return Sound::usable_size(base) - (base == block ? 0 : 24);
  }

 private:
  static bool is_broken(std::size_t size) noexcept { return size >= 1000 && size < 1024; }
  static void* whole(void* block) noexcept {
    auto* const bytes = static_cast<std::byte*>(block);
    return reinterpret_cast<std::uintptr_t>(block) % 16 == 8 ? bytes - 8 : bytes;
  }
};

}  // namespace churn::misaligned
