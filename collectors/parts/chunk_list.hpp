// What:  a growing array of pointers in chunks of 64 KiB, which never moves.
// Why:   an array that doubles and copies stops the program for as long as it is large; in an
//        incremental collection no step may.
// When not: where nobody waits for a single push: PageBuffer is contiguous.
// Cost:  a push is a compare and two stores, an access one load more than an array's; a new chunk
//        is a system call. clear() gives back all chunks but the first.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Thread-safety: none.
#pragma once

#include "collectors/parts/page_buffer.hpp"

namespace churn::collectors {

template <class T>
class ChunkList {
 public:
  ChunkList() noexcept = default;
  ChunkList(ChunkList const&) = delete;
  ChunkList& operator=(ChunkList const&) = delete;
  ~ChunkList() { keep_chunks(0); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* operator[](std::size_t index) noexcept {
    return chunks_[index / chunk_items][index % chunk_items];
  }
  void push(T* item) {
    if (size_ == chunks_.size() * chunk_items) [[unlikely]] {
      add_chunk();
    }
    chunks_[size_ / chunk_items][size_ % chunk_items] = item;
    ++size_;
  }
  // pre: not empty
  T* pop() noexcept {
    --size_;
    return (*this)[size_];
  }
  void clear() noexcept {
    size_ = 0;
    keep_chunks(1);
  }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{1} << 16;
  static constexpr std::size_t chunk_items = chunk_bytes / sizeof(T*);

  CHURN_NEVER_INLINE void add_chunk() {
    auto* const chunk = static_cast<T**>(map_pages(chunk_bytes));
    if (chunk == nullptr) {
      stop(Outcome::out_of_memory, "the collector's own list could not have %zu bytes more",
           chunk_bytes);
    }
    chunks_.push(chunk);
  }
  void keep_chunks(std::size_t kept) noexcept {
    while (chunks_.size() > kept) unmap_pages(chunks_.pop(), chunk_bytes);
  }

  PageBuffer<T*> chunks_;
  std::size_t size_ = 0;
};

}  // namespace churn::collectors
