// What:  objects that may have been cut off, in the order in which they were suspected. An object
//        knows its position, so that it can leave from anywhere.
// Why:   an object that dies by its count must be gone from the table before its memory is reused.
//        And a table that doubles and copies stops the program for as long as it is large.
// How:   positions only grow; chunks of a page each hold them, found through a directory by a
//        position's upper bits. Who leaves from the middle leaves a hole. Where there are many more
//        holes than objects, the first objects move to the end, some at each new chunk: so the
//        chunks in use stay in proportion to what is in them. `draw_line` parts what is in the
//        queue now from what comes later; before a line nothing moves.
// Invariants: an object in the queue has `tag` and its position in its mark.
// Cost:  a push is two stores; a leave is two loads and a store; a new chunk is a system call, or
//        a spare one.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Thread-safety: none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

// Header has mark() and set_mark(). In a queue, a mark's lower `position_bits` are the position.
template <class Header, std::uint32_t tag, std::uint32_t position_bits>
class SuspectQueue {
 public:
  SuspectQueue() noexcept = default;
  SuspectQueue(SuspectQueue const&) = delete;
  SuspectQueue& operator=(SuspectQueue const&) = delete;
  ~SuspectQueue() {
    if (directory_ == nullptr) return;
    for (std::uint32_t i = head_ & ~(chunk_items - 1); i != chunks_end(); i += chunk_items) {
      unmap_pages(chunk_of(i), page_bytes);
    }
    while (spares_ != 0) unmap_pages(spare_[--spares_], page_bytes);
    unmap_pages(directory_, directory_bytes);
  }

  bool empty() const noexcept { return size() == 0; }
  std::uint32_t size() const noexcept { return tail_ - head_ - holes_; }

  // pre: it is in no queue; its mark has no position. The mark keeps its other bits.
  void push(Header* header) {
    if (tail_ % chunk_items == 0) [[unlikely]] {
      add_chunk();
    }
    append(header);
  }
  // pre: it is in this queue. Its mark is now the caller's to set.
  void leave(Header* header) noexcept {
    at(header->mark()) = nullptr;
    ++holes_;
  }
  // The first; its mark is the caller's to set. pre: not empty
  Header* pop() noexcept {
    skip_holes();
    Header* const first = at(head_);
    advance();
    return first;
  }

  void draw_line() noexcept { line_ = tail_; }
  // Whether anything is before the line.
  bool reaches_line() noexcept {
    skip_holes();
    return before_line(head_);
  }
  // pre: it is in this queue.
  bool is_before_line(Header const* header) const noexcept {
    return before_line(head_ + ((header->mark() - head_) & last_position));
  }

 private:
  static constexpr std::uint32_t chunk_items = page_bytes / sizeof(Header*);
  static constexpr std::uint32_t last_position = (std::uint32_t{1} << position_bits) - 1;
  static constexpr std::size_t directory_bytes = (last_position / chunk_items + 1) * sizeof(void*);
  static constexpr std::uint32_t most_spares = 8;

  // Positions wrap: what is compared is their distance.
  bool before_line(std::uint32_t position) const noexcept {
    return static_cast<std::int32_t>(position - line_) < 0 && position != tail_;
  }
  Header**& chunk_of(std::uint32_t position) noexcept {
    return directory_[(position & last_position) / chunk_items];
  }
  Header*& at(std::uint32_t position) noexcept {
    return chunk_of(position)[position % chunk_items];
  }
  std::uint32_t chunks_end() const noexcept {
    return (tail_ + chunk_items - 1) & ~(chunk_items - 1);
  }

  void append(Header* header) noexcept {
    at(tail_) = header;
    header->set_mark(header->mark() | tag | (tail_ & last_position));
    ++tail_;
  }
  void advance() noexcept {
    ++head_;
    if (head_ % chunk_items == 0) [[unlikely]] {
      drop_chunk(head_ - chunk_items);
    }
  }
  void skip_holes() noexcept {
    while (head_ != tail_ && at(head_) == nullptr) {
      --holes_;
      advance();
    }
  }

  CHURN_NEVER_INLINE void add_chunk() {
    bool const more_suspects_than_positions = tail_ - head_ >= last_position - chunk_items;
    CHURN_CHECK(!more_suspects_than_positions);
    if (directory_ == nullptr) {
      directory_ = static_cast<Header***>(map_pages(directory_bytes));
      if (directory_ == nullptr) no_pages(directory_bytes);
    }
    auto* const chunk =
        spares_ != 0 ? spare_[--spares_] : static_cast<Header**>(map_pages(page_bytes));
    if (chunk == nullptr) no_pages(page_bytes);
    chunk_of(tail_) = chunk;
    if (holes_ > 4 * size() + 8 * chunk_items && !before_line(head_)) close_holes();
  }
  // Room for half a chunk is left, at least.
  void close_holes() noexcept {
    for (std::uint32_t left = chunk_items / 2; left > 0 && !empty(); --left) {
      Header* const first = pop();
      first->set_mark(first->mark() & ~last_position);
      append(first);
    }
    line_ = head_;
  }
  CHURN_NEVER_INLINE void drop_chunk(std::uint32_t position) noexcept {
    if (spares_ < most_spares) {
      spare_[spares_++] = chunk_of(position);
    } else {
      unmap_pages(chunk_of(position), page_bytes);
    }
  }
  [[noreturn]] static void no_pages(std::size_t bytes) noexcept {
    stop(Outcome::out_of_memory, "the table of suspects could not have %zu bytes more", bytes);
  }

  Header*** directory_ = nullptr;
  std::uint32_t head_ = 0, tail_ = 0, line_ = 0;
  std::uint32_t holes_ = 0;  // between head and tail
  std::uint32_t spares_ = 0;
  Header** spare_[most_spares];
};

}  // namespace churn::collectors
