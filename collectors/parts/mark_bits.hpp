// What:  one bit for each granule of a reservation, in a table of its own: which objects are
//        marked.
// Why:   beside the objects a mark costs a line of memory each; 512 objects of 32 bytes share a
//        line of this table, so that for most heaps the marks stay in the cache while objects do
//        not, and a sweep need not touch what is dead.
// How:   bit i of the table is granule i, addressed by the distance from the start of the heap.
// Cost:  1/128 of the heap. Testing and setting: three instructions and a load.
// Source: the side bitmap of most tracing collectors; measured against bits in the headers on
//        random graphs it nearly halves the time of marking.
// Thread-safety: set() for one marker, set_shared() for several at a time, set_beside() for one
//        beside running mutators.
#pragma once

#include <atomic>
#include <bit>
#include <cstring>

#include "collectors/parts/object_header.hpp"
#include "collectors/parts/reservation.hpp"

namespace churn::collectors {

// What a marker needs: two words, kept in registers.
class MarkView {
 public:
  MarkView() noexcept = default;
  MarkView(Word heap_start, Word* words) noexcept : heap_start_(heap_start), words_(words) {}

  bool test(Word address) const noexcept {
    Word const granule = (address - heap_start_) / granule_bytes;
    return (words_[granule / 64] >> (granule % 64) & 1) != 0;
  }
  // Whether it was not marked before.
  CHURN_ALWAYS_INLINE bool set(Word address) const noexcept {
    Word const granule = (address - heap_start_) / granule_bytes;
    Word& word = words_[granule / 64];
    // A test of one bit is one instruction; a mask of it, made for the test, would be three.
    if ((word >> (granule % 64) & 1) != 0) return false;
    word |= Word{1} << (granule % 64);
    return true;
  }
  CHURN_ALWAYS_INLINE bool set_shared(Word address) const noexcept {
    Word const granule = (address - heap_start_) / granule_bytes;
    Word const bit = Word{1} << (granule % 64);
    std::atomic_ref<Word> word(words_[granule / 64]);
    // Relaxed: a mark says only who goes on with the object; what the object holds was written
    // before the markers started.
    if ((word.load(std::memory_order_relaxed) & bit) != 0) return false;
    return (word.fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  }
  // For the only marker, beside threads that allocate. Relaxed: whoever reads a mark beside the
  // marker takes either value; of objects that are made meanwhile the marks are set before their
  // first reference is released, and the marker has acquired that.
  CHURN_ALWAYS_INLINE bool set_beside(Word address) const noexcept {
    Word const granule = (address - heap_start_) / granule_bytes;
    Word const bit = Word{1} << (granule % 64);
    std::atomic_ref<Word> word(words_[granule / 64]);
    Word const before = word.load(std::memory_order_relaxed);
    if ((before & bit) != 0) return false;
    word.store(before | bit, std::memory_order_relaxed);
    return true;
  }
  bool test_beside(Word address) const noexcept {
    Word const granule = (address - heap_start_) / granule_bytes;
    Word const word = std::atomic_ref(words_[granule / 64]).load(std::memory_order_relaxed);
    return (word >> (granule % 64) & 1) != 0;
  }
  // Sets all marks of a stretch. pre: nobody else sets marks in the words that it touches
  void fill_beside(Word from, Word to) const noexcept {
    Word granule = (from - heap_start_) / granule_bytes;
    Word const end = (to - heap_start_) / granule_bytes;
    while (granule < end) {
      Word const count = std::min(end - granule, 64 - granule % 64);
      Word const bits = (count == 64 ? ~Word{0} : (Word{1} << count) - 1) << (granule % 64);
      std::atomic_ref<Word> word(words_[granule / 64]);
      word.store(word.load(std::memory_order_relaxed) | bits, std::memory_order_relaxed);
      granule += count;
    }
  }
  // For several addresses of one word of the table: which one, which bit, and marking all at once,
  // which gives those that were not marked before.
  Word index_of(Word address) const noexcept {
    return (address - heap_start_) / granule_bytes / 64;
  }
  Word bit_of(Word address) const noexcept {
    return Word{1} << ((address - heap_start_) / granule_bytes % 64);
  }
  Word set_all_shared(Word index, Word bits) const noexcept {
    std::atomic_ref<Word> word(words_[index]);
    if ((~word.load(std::memory_order_relaxed) & bits) == 0) return 0;  // relaxed: see set_shared
    return bits & ~word.fetch_or(bits, std::memory_order_relaxed);
  }
  void clear(Word address) const noexcept {
    Word const granule = (address - heap_start_) / granule_bytes;
    words_[granule / 64] &= ~(Word{1} << (granule % 64));
  }
  Word* word_of(Word address) const noexcept {
    return words_ + (address - heap_start_) / granule_bytes / 64;
  }

 private:
  Word heap_start_ = 0;
  Word* words_ = nullptr;
};

class MarkBits {
 public:
  static constexpr std::size_t heap_bytes_per_word = granule_bytes * 64;

  explicit MarkBits(Reservation const& heap) noexcept
      : heap_start_(reinterpret_cast<Word>(heap.start())),
        table_(round_up(heap.bytes() / heap_bytes_per_word * sizeof(Word), page_bytes),
               page_bytes) {}

  // Room for the marks of so much heap. False where the kernel refuses.
  bool grow(std::size_t heap_bytes) noexcept {
    return table_.grow(heap_bytes / heap_bytes_per_word * sizeof(Word), step_bytes);
  }
  void clear_all(std::size_t heap_bytes) noexcept {
    std::memset(words(), 0, heap_bytes / heap_bytes_per_word * sizeof(Word));
  }
  MarkView view() const noexcept { return {heap_start_, words()}; }
  Word* words() const noexcept { return reinterpret_cast<Word*>(table_.start()); }

 private:
  static constexpr std::size_t step_bytes = std::size_t{64} << 10;

  Word heap_start_;
  Reservation table_;
};

// The first bit set in [from, end) of a table, or end.
inline std::size_t next_bit(Word const* words, std::size_t from, std::size_t end) noexcept {
  if (from >= end) return end;
  std::size_t at = from / 64;
  Word word = words[at] >> (from % 64) << (from % 64);
  while (word == 0) {
    if (++at * 64 >= end) return end;
    word = words[at];
  }
  std::size_t const found = at * 64 + static_cast<std::size_t>(std::countr_zero(word));
  return found < end ? found : end;
}

// The first bit set in [from, end) that has `zeroes` bits that are not set behind it, or about as
// many, or end. Says nothing of bits at or beyond `end`, a multiple of 64: they count as not set.
inline std::size_t next_bit_before_gap(Word const* words, std::size_t from, std::size_t end,
                                       std::size_t zeroes) noexcept {
  constexpr std::size_t most_looked_at = 8;
  zeroes = zeroes < most_looked_at ? zeroes : most_looked_at;
  if (from >= end) return end;
  Word looked_for = ~Word{0} << (from % 64);
  for (std::size_t at = from / 64; at * 64 < end; ++at, looked_for = ~Word{0}) {
    Word const word = words[at];
    if ((word & looked_for) == 0) continue;
    Word const following = (at + 1) * 64 < end ? words[at + 1] : 0;
    Word found = word & looked_for;
    for (std::size_t i = 1; i <= zeroes; ++i) found &= ~(word >> i | following << (64 - i));
    if (found != 0) return at * 64 + static_cast<std::size_t>(std::countr_zero(found));
  }
  return end;
}

}  // namespace churn::collectors
