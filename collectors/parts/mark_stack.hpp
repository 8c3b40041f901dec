// What:  the stack of a marker: objects still to be scanned, and ranges of slots of large ones.
// Why:   marking must not recurse, nor ask the allocator for memory, and an array of ten million
//        slots must not put ten million entries here before the first of them is looked at.
// How:   words, growing upwards. An object is its address (a multiple of 8). A range of slots of an
//        object is two words, the bounds below the address, told apart by their low bits, so that
//        the stack can be read from either end.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Cost:  a compare and a store a push. Growing doubles and copies; what is above 1 MiB is given
//        back by release().
// Thread-safety: none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "collectors/parts/reference.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

struct SlotRange {
  std::uint32_t from, to;

  static constexpr Word address_tag = 1, bounds_tag = 2, tags = 7;
  static constexpr bool is_address(Word word) noexcept { return (word & tags) == address_tag; }
  static constexpr bool is_bounds(Word word) noexcept { return (word & tags) == bounds_tag; }

  // Slot numbers have 24 bits.
  constexpr Word bounds() const noexcept { return Word{to} << 32 | Word{from} << 3 | bounds_tag; }
  static constexpr SlotRange of(Word bounds) noexcept {
    return {static_cast<std::uint32_t>(bounds) >> 3, static_cast<std::uint32_t>(bounds >> 32)};
  }
};

class MarkStack {
 public:
  MarkStack() noexcept = default;
  MarkStack(MarkStack const&) = delete;
  MarkStack& operator=(MarkStack const&) = delete;
  ~MarkStack() { unmap(); }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  Word const* begin() const noexcept { return words_; }
  Word* end() noexcept { return words_ + size_; }

  // Room for so many words more.
  CHURN_ALWAYS_INLINE void reserve(std::size_t more) {
    if (capacity_ - size_ < more) [[unlikely]] {
      grow(size_ + more);
    }
  }
  // pre: reserved
  void push(Word word) noexcept { words_[size_++] = word; }
  void push(Word object, SlotRange range) noexcept {
    push(range.bounds());
    push(object | SlotRange::address_tag);
  }
  Word pop() noexcept { return words_[--size_]; }
  // After pop() gave an address with its tag.
  SlotRange pop_range() noexcept { return SlotRange::of(pop()); }
  // The end, after it was moved by whoever kept it in a register.
  void set_end(Word const* end) noexcept { size_ = static_cast<std::size_t>(end - words_); }

  // Moves about `count` of the oldest words to `target`, never half a range. Returns how many.
  std::size_t take_oldest(Word* target, std::size_t count) noexcept {
    count = std::min(count, size_);
    if (count != 0 && SlotRange::is_bounds(words_[count - 1])) --count;
    std::memcpy(target, words_, count * sizeof(Word));
    std::memmove(words_, words_ + count, (size_ - count) * sizeof(Word));
    size_ -= count;
    return count;
  }

  // If the oldest entry is a range of at least `shortest` slots, puts its upper half into `target`
  // and keeps the lower one.
  bool split_oldest_range(Word* target, std::uint32_t shortest) noexcept {
    if (size_ < 2 || !SlotRange::is_bounds(words_[0])) return false;
    SlotRange const range = SlotRange::of(words_[0]);
    if (range.to - range.from < shortest) return false;
    std::uint32_t const middle = range.from + (range.to - range.from) / 2;
    words_[0] = SlotRange{range.from, middle}.bounds();
    target[0] = SlotRange{middle, range.to}.bounds();
    target[1] = words_[1];
    return true;
  }

  // Gives memory back. pre: empty
  void release() noexcept {
    if (capacity_ * sizeof(Word) > kept_bytes) unmap();
  }

 private:
  static constexpr std::size_t kept_bytes = std::size_t{1} << 20;
  static constexpr std::size_t first_capacity = 4 * page_bytes / sizeof(Word);

  CHURN_NEVER_INLINE void grow(std::size_t wanted) {
    std::size_t capacity = std::max(2 * capacity_, first_capacity);
    while (capacity < wanted) capacity *= 2;
    auto* const larger = static_cast<Word*>(map_pages(capacity * sizeof(Word)));
    if (larger == nullptr) {
      stop(Outcome::out_of_memory, "a mark stack of %zu bytes could not be mapped",
           capacity * sizeof(Word));
    }
    if (size_ != 0) std::memcpy(larger, words_, size_ * sizeof(Word));
    std::size_t const size = size_;
    unmap();
    words_ = larger;
    size_ = size;
    capacity_ = capacity;
  }
  void unmap() noexcept {
    if (words_ != nullptr) unmap_pages(words_, capacity_ * sizeof(Word));
    words_ = nullptr;
    size_ = capacity_ = 0;
  }

  Word* words_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace churn::collectors
