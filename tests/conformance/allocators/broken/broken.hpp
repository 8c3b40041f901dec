// What:  glibc's allocator, to be broken in one place by the canaries beside this file. A
//        conformance suite that finds nothing wrong with them is not testing anything.
// Rule:  each breaks only requests of certain sizes, so that the program that asks survives to
//        answer.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "allocators/listed.hpp"

extern "C" {
void* __libc_memalign(std::size_t align, std::size_t size);
void __libc_free(void* block);
}

namespace churn::broken {

// Keeps size and distance in front of each block, which lies as far from its base as it is aligned.
class Sound {
 public:
  static constexpr std::string_view summary = "broken on purpose";
  static constexpr std::string_view note = "";
  static constexpr bool reuses = true;
  static constexpr std::span<ParameterInfo const> parameters = {};

  static void* allocate(std::size_t size, std::size_t align) noexcept {
    std::size_t const distance = align < sizeof(Note) ? sizeof(Note) : align;
    if (size > ~std::size_t{0} / 2 || distance > ~std::size_t{0} / 4) return nullptr;
    void* const base = __libc_memalign(distance, size + distance);
    if (base == nullptr) return nullptr;
    std::byte* const block = static_cast<std::byte*>(base) + distance;
    note_of(block) = {size, distance};
    return block;
  }
  static void deallocate(void* block) noexcept {
    __libc_free(static_cast<std::byte*>(block) - note_of(block).distance);
  }
  static std::size_t usable_size(void* block) noexcept { return note_of(block).size; }
  static void thread_exit() noexcept {}

 private:
  struct Note {
    std::size_t size, distance;
  };
  static Note& note_of(void* block) noexcept { return static_cast<Note*>(block)[-1]; }
};

}  // namespace churn::broken
