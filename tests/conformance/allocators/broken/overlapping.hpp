// All blocks of 700 to 799 bytes are the same one.
#pragma once

#include "tests/conformance/allocators/broken/broken.hpp"

namespace churn::overlapping {

class Allocator : public broken::Sound {
 public:
  static void* allocate(std::size_t size, std::size_t align) noexcept {
    return size >= 700 && size < 800 && align <= 16 ? shared_ : Sound::allocate(size, align);
  }
  static void deallocate(void* block) noexcept {
    if (block != shared_) Sound::deallocate(block);
  }
  static std::size_t usable_size(void* block) noexcept {
    return block == shared_ ? sizeof shared_ : Sound::usable_size(block);
  }

 private:
  alignas(16) static inline constinit std::byte shared_[800]{};
};

}  // namespace churn::overlapping
