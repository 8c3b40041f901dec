// What:  the logs of a snapshot-at-the-beginning barrier: while a cycle marks, each mutator notes
//        the references that it overwrites, and the marker takes what was noted.
// Why:   what was reachable when marking began must be found even if a mutator cuts the only path
//        to it before the marker comes by: so the path's end is told to the marker instead.
// How:   a log fills a chunk of its own without any lock, and hands it over when it is full, when
//        its mutator detaches, and when the world is stopped. The marker takes all that were
//        handed over. Some empty chunks are kept and used again.
// Invariants: `on` changes only while the world is stopped, or while its mutator attaches. What was
//        noted is in the log's own chunk, or handed over, or taken: exactly one of them.
// Errors: if the kernel has no pages, stop(Outcome::out_of_memory).
// Cost:  a note is two loads, two stores and a compare; handing over is a lock for each
//        `capacity` notes. 8 KiB for each log that has ever noted something.
// Source: T. Yuasa, Real-time garbage collection on general-purpose machines, J. Systems and
//        Software 11, 1990; the logs as in D. Detlefs, C. Flood, S. Heller, T. Printezis,
//        Garbage-first garbage collection, ISMM 2004, section 2.3.
// Thread-safety: a log belongs to its mutator, or to whoever stopped it; the rest is locked.
//        `Policy` is a parameter so that a scheduler can drive it.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>

#include "collectors/parts/reference.hpp"
#include "collectors/parts/world.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

inline constexpr std::size_t snapshot_chunk_words = 2 * page_bytes / sizeof(Word) - 2;

template <class Policy = ThreadsPolicy, std::size_t capacity = snapshot_chunk_words>
class SnapshotLogs {
  struct Chunk {
    Chunk* next = nullptr;
    std::size_t size = 0;
    Word words[capacity];
  };

 public:
  class Log {
   public:
    bool on = false;  // a cycle marks: the mutator must note what it overwrites

   private:
    friend SnapshotLogs;
    Chunk* chunk_ = nullptr;
  };

  SnapshotLogs() = default;
  SnapshotLogs(SnapshotLogs const&) = delete;
  SnapshotLogs& operator=(SnapshotLogs const&) = delete;
  ~SnapshotLogs() {
    unmap(full_);
    unmap(empty_);
  }

  // pre: reference is not null
  void note(Log& log, Word reference) {
    if (log.chunk_ == nullptr || log.chunk_->size == capacity) [[unlikely]] {
      replace(log);
    }
    log.chunk_->words[log.chunk_->size++] = reference;
  }

  // What the log holds goes to the marker, and its chunk with it.
  void hand_over(Log& log) {
    Chunk* const chunk = std::exchange(log.chunk_, nullptr);
    if (chunk == nullptr) return;
    if (chunk->size == 0) return keep(chunk);
    std::lock_guard const lock(mutex_);
    push(full_, chunk);
  }

  // visit(reference) for all that was handed over since the last time. False: there was nothing.
  template <class Visit>
  bool take(Visit visit) {
    Chunk* taken = nullptr;
    {
      std::lock_guard const lock(mutex_);
      taken = std::exchange(full_, nullptr);
    }
    if (taken == nullptr) return false;
    while (taken != nullptr) {
      Chunk* const chunk = std::exchange(taken, taken->next);
      for (std::size_t i = 0; i < chunk->size; ++i) visit(chunk->words[i]);
      chunk->size = 0;
      keep(chunk);
    }
    return true;
  }

 private:
  static constexpr std::size_t most_kept = 32;

  // For whoever needs a chunk next, unless many are kept already.
  void keep(Chunk* chunk) {
    {
      std::lock_guard const lock(mutex_);
      if (kept_ < most_kept) {
        ++kept_;
        push(empty_, chunk);
        return;
      }
    }
    unmap_pages(chunk, sizeof(Chunk));
  }
  static void push(Chunk*& list, Chunk* chunk) noexcept {
    chunk->next = list;
    list = chunk;
  }
  static void unmap(Chunk* chunk) noexcept {
    while (chunk != nullptr) unmap_pages(std::exchange(chunk, chunk->next), sizeof(Chunk));
  }

  CHURN_NEVER_INLINE void replace(Log& log) {
    hand_over(log);
    {
      std::lock_guard const lock(mutex_);
      log.chunk_ = empty_;
      if (empty_ != nullptr) {
        empty_ = empty_->next;
        --kept_;
      }
    }
    if (log.chunk_ != nullptr) return;
    void* const pages = map_pages(sizeof(Chunk));
    if (pages == nullptr) {
      stop(Outcome::out_of_memory, "the collector's own log of %zu bytes could not be mapped",
           sizeof(Chunk));
    }
    log.chunk_ = ::new (pages) Chunk;
  }

  typename Policy::Mutex mutex_;
  Chunk* full_ = nullptr;  // handed over
  Chunk* empty_ = nullptr;
  std::size_t kept_ = 0;  // of these
};

}  // namespace churn::collectors
