// What:  the memory of a traced heap: blocks of 32 KiB in one reservation, a side bitmap of marks,
//        and cursors that bump-allocate into what the marks leave free.
// Why:   after a collection the marks are all there is to know: what lies between two marked
//        objects is free. Nobody builds free lists, nobody touches dead objects, and allocation is
//        an addition and a comparison.
// How:   a block belongs to one cursor at a time, which goes through its free runs in address order
//        (lazily: a block is looked at when it is needed). A run is zeroed a piece at a time just
//        ahead of allocation, so that what is written next is in the nearest cache. settle(), after
//        marking, counts the marks of each block: those nearly full are passed by. An object above
//        8 KiB has whole blocks of its own, next to each other.
// Invariants: outside [mark, settle] an object that was allocated before the last settle() is
//        marked exactly if it is live; runs never overlap an object. A block whose `zero` is set
//        has not been written since its pages came from the kernel.
// Cost:  per block taken a lock; per run a walk over marks (and the headers of live objects before
//        gaps); zeroing, 32 bytes a cycle. Side tables: 0.8 % of the heap.
// Source: allocation into the gaps of a mark bitmap: as in S. Blackburn and K. McKinley, Immix,
//        PLDI 2008, with bits of objects for lines.
// Errors: false or null where the kernel gives no more memory.
// Thread-safety: take_block, take_large: under the heap's lock. A cursor belongs to one thread.
//        clear_marks, settle: the world is stopped.
#pragma once

#include <bit>
#include <cstring>

#include "collectors/parts/mark_bits.hpp"
#include "collectors/parts/object_header.hpp"
#include "collectors/parts/object_starts.hpp"
#include "collectors/parts/poison.hpp"
#include "harness/core/check.hpp"

namespace churn::collectors {

// Where one thread allocates. Place and number of the cells handed out share a word, 48 bits and
// 16, so that handing one out is one addition and one store; the kernel maps nothing higher
// unasked.
class Cursor {
 public:
  static constexpr std::size_t most_cells = 0xffff;  // of a run

  // A zeroed cell, if it ends within `limit`: this cursor's limit(), or less than any.
  // pre: bytes is a multiple of granule_bytes
  CHURN_ALWAYS_INLINE bool bump_within(Word limit, std::size_t bytes, std::byte*& cell) noexcept {
    Word const next = at_ + step(bytes);
    if (next > limit) [[unlikely]] {
      return false;
    }
    cell = at();
    at_ = next;
    return true;
  }
  Word limit() const noexcept { return packed(end_) | most_cells; }

  CHURN_ALWAYS_INLINE bool fits(std::size_t bytes) const noexcept {
    return static_cast<std::size_t>(end_ - at()) >= bytes;
  }
  // A zeroed cell. pre: fits(bytes), bytes is a multiple of granule_bytes
  CHURN_ALWAYS_INLINE std::byte* bump(std::size_t bytes) noexcept {
    std::byte* const cell = at();
    at_ += step(bytes);
    return cell;
  }

  // Zeroes a piece more of the run, if it is long enough for a cell of `bytes`.
  bool extend(std::size_t bytes) noexcept {
    std::size_t const left = rest();
    if (left < bytes) return false;
    std::size_t const zeroed = static_cast<std::size_t>(end_ - at());
    std::size_t const wanted = zero_ ? left : std::min(left, std::max(bytes, piece_bytes));
    if (!zero_ && wanted > zeroed) std::memset(end_, 0, wanted - zeroed);
    end_ = at() + std::max(wanted, zeroed);
    return true;
  }

  // The whole run as it is, for cells that are overwritten as a whole.
  void open() noexcept { end_ = run_end_; }

  // Bytes handed out since the last call, or since the run was begun; cells() starts afresh too.
  std::size_t settle() noexcept {
    std::size_t const bytes = unsettled();
    start_ = at();
    at_ = packed(start_);
    return bytes;
  }
  std::size_t unsettled() const noexcept { return static_cast<std::size_t>(at() - start_); }
  std::size_t cells() const noexcept { return at_ & most_cells; }
  std::size_t rest() const noexcept { return static_cast<std::size_t>(run_end_ - at()); }
  // A run that is in no block. pre: settled, no room for more than most_cells
  void begin_run(std::byte* start, std::size_t bytes, bool zero) noexcept {
    CHURN_ASSERT(bytes / granule_bytes <= most_cells);
    at_ = packed(start);
    start_ = end_ = start;
    run_end_ = start + bytes;
    zero_ = zero;
  }
  // Leaves the run; the block goes on. pre: settled
  void drop_run() noexcept {
    at_ = 0;
    start_ = end_ = run_end_ = nullptr;
  }
  // pre: settled
  void drop_block() noexcept {
    drop_run();
    search_ = block_end_ = nullptr;
  }

 private:
  friend class BlockSpace;
  static constexpr std::size_t piece_bytes = 16384;
  static constexpr unsigned count_bits = 16;

  static Word packed(std::byte* place) noexcept {
    return reinterpret_cast<Word>(place) << count_bits;
  }
  static constexpr Word step(std::size_t bytes) noexcept { return Word{bytes} << count_bits | 1; }
  std::byte* at() const noexcept { return reinterpret_cast<std::byte*>(at_ >> count_bits); }

  Word at_ = 0;
  std::byte* end_ = nullptr;    // zeroed up to here
  std::byte* start_ = nullptr;  // of what is not settled
  std::byte* run_end_ = nullptr;
  std::byte *search_ = nullptr, *block_end_ = nullptr;  // where further runs may be
  bool zero_ = false;                                   // the whole block
};

class BlockSpace {
 public:
  static constexpr std::size_t block_bytes = std::size_t{32} << 10;
  static constexpr std::size_t largest_small_bytes = block_bytes / 4;

  explicit BlockSpace(bool huge_pages)
      : heap_(Reservation::as_much_as_could_be_used(), huge_page_bytes),
        marks_(heap_),
        starts_(heap_),
        blocks_(heap_.bytes() / block_bytes * sizeof(Block), page_bytes),
        huge_pages_(huge_pages) {}

  MarkView marks() const noexcept { return marks_.view(); }
  ObjectStarts& starts() noexcept { return starts_; }
  std::byte* start() const noexcept { return heap_.start(); }
  Reservation const& reservation() const noexcept { return heap_; }
  // Blocks from the start that have ever been taken.
  std::size_t used_blocks() const noexcept { return top_; }
  std::size_t used_bytes() const noexcept { return top_ * block_bytes; }
  bool contains(Word address) const noexcept {
    return address - reinterpret_cast<Word>(heap_.start()) < used_bytes();
  }

  // ---- allocation ----

  // The next free run of the cursor's block that is long enough, `most` bytes of it at most. False
  // where the block has none. pre: the cursor is settled, most >= bytes
  bool next_run(Cursor& cursor, std::size_t bytes, std::size_t most) noexcept;

  // Gives the cursor another block, one that has free runs, though perhaps short ones. A cursor for
  // medium cells wants a free one. False where the kernel gives no more.
  bool take_block(Cursor& cursor, bool entirely_free);

  // Blocks of its own for a cell, zeroed. Null where the kernel gives no more.
  std::byte* take_large(std::size_t cell_bytes, bool& zero);

  // From now on, cursors and large cells leave the kernel's memory for so many free blocks; 0: for
  // none. False, and nothing has changed, where the kernel gives no more. Under the heap's lock.
  bool hold_back(std::size_t blocks) {
    if (blocks > held_back_ && !commit(top_ + blocks)) return false;
    held_back_ = blocks;
    return true;
  }

  // ---- collection: the world is stopped and no cursor is in use ----

  void clear_marks() noexcept {
    marks_.clear_all(used_bytes());
    for (std::size_t i = 0; i < top_; ++i) blocks()[i].marked = 0;
  }

  // After marking: what is live is what is marked. Returns the number of marked objects.
  // pre: live_bytes are their cells
  std::uint64_t settle(std::uint64_t live_bytes);

  // Marking beside threads that allocate. Between these two, cursors get free blocks alone, and
  // what is allocated is black: it counts as live, and its marks are set already, so that the
  // marker passes it by. end_black is settle, and returns the number of marked objects that are not
  // black.
  void begin_black() noexcept {
    clear_marks();
    black_ = true;
  }
  std::uint64_t end_black(std::uint64_t live_bytes) {
    black_ = false;
    return settle(live_bytes);
  }

  // Gives the memory of free blocks back as far as they are more than `kept_bytes`.
  void discard_beyond(std::size_t kept_bytes);

  // visit(Ref) for each marked object; between clear_marks and settle for those marked so far.
  template <class Visit>
  void for_each_marked(Visit visit) {
    Word const* const words = marks_.words();
    std::size_t const end = used_bytes() / granule_bytes;
    for (std::size_t at = next_bit(words, 0, end); at < end; at = next_bit(words, at + 1, end)) {
      visit(Ref(heap_.start() + at * granule_bytes + ObjectHeader::bytes));
    }
  }

 private:
  enum Kind : std::uint8_t { free_block, small_block, large_first, large_rest };
  struct Block {
    std::uint16_t marked;  // objects, as of the last settle(); `granules`: taken since then
    Kind kind;
    bool zero;
  };
  static constexpr std::size_t granules = block_bytes / granule_bytes;
  static constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
  static constexpr std::size_t small_step_bytes = std::size_t{1} << 20;
  // A block with less free than this is passed by.
  static constexpr std::size_t least_free_bytes = block_bytes / 16;

  Block* blocks() const noexcept { return reinterpret_cast<Block*>(blocks_.start()); }
  std::byte* address(std::size_t block) const noexcept {
    return heap_.start() + block * block_bytes;
  }
  Ref first_object(std::size_t block) const noexcept {
    return Ref(address(block) + ObjectHeader::bytes);
  }
  std::size_t block_of(std::byte const* address) const noexcept {
    return static_cast<std::size_t>(address - heap_.start()) / block_bytes;
  }
  static std::size_t blocks_for(std::size_t bytes) noexcept {
    return (bytes + block_bytes - 1) / block_bytes;
  }

  bool commit(std::size_t blocks);
  bool grow(std::size_t blocks);
  std::size_t find_free(std::size_t count);
  void free_large(std::size_t first) noexcept;
  std::size_t count_marks(std::size_t block) const noexcept;
  void blacken(std::byte const* start, std::size_t bytes) noexcept {
    auto const from = reinterpret_cast<Word>(start);
    marks_.view().fill_beside(from, from + bytes);
  }

  Reservation heap_;
  MarkBits marks_;
  [[no_unique_address]] ObjectStarts starts_;
  Reservation blocks_;  // a Block for each block
  bool const huge_pages_;
  bool black_ = false;           // changes only while the world is stopped
  std::size_t top_ = 0;          // blocks in use so far
  std::size_t held_back_ = 0;    // blocks above the top that are committed and not to be used
  std::size_t next_ = 0;         // the next block that a cursor may get
  std::size_t first_free_ = 0;   // no free block lies below
  std::size_t free_blocks_ = 0;  // below top_, as of the last settle()
  // A block of so many marked objects or more is nearly full.
  std::size_t many_marks_ = granules;
};

inline bool BlockSpace::next_run(Cursor& cursor, std::size_t bytes, std::size_t most) noexcept {
  Word const* const words = marks_.words();
  auto const granule = [this](std::byte const* at) {
    return static_cast<std::size_t>(at - heap_.start()) / granule_bytes;
  };
  std::size_t const end = granule(cursor.block_end_);
  std::size_t const wanted = bytes / granule_bytes;
  std::size_t from = granule(cursor.search_);
  while (from < end) {
    std::size_t marked = next_bit(words, from, end);
    if (marked - from >= wanted) {
      std::size_t const length = std::min((marked - from) * granule_bytes, most);
      std::byte* const start = heap_.start() + from * granule_bytes;
      cursor.begin_run(start, length, cursor.zero_);
      cursor.search_ = cursor.run_end_;
      unpoison(start, length);
      if (black_) blacken(start, length);
      return true;
    }
    // On to the first object with a gap behind it that may be wide enough.
    marked = next_bit_before_gap(words, marked, end, wanted);
    if (marked == end) break;
    Ref const object(heap_.start() + marked * granule_bytes + ObjectHeader::bytes);
    from = marked + ObjectHeader::cell_of(object) / granule_bytes;
  }
  cursor.search_ = cursor.block_end_;
  return false;
}

inline bool BlockSpace::take_block(Cursor& cursor, bool entirely_free) {
  entirely_free = entirely_free || black_;
  std::size_t block = entirely_free ? std::max(next_, first_free_) : next_;
  auto const wanted = [&](Block const& candidate) {
    return candidate.kind == free_block ||
           (!entirely_free && candidate.kind == small_block && candidate.marked < many_marks_);
  };
  while (block < top_ && !wanted(blocks()[block])) ++block;
  if (block == top_ && !grow(1)) return false;
  // What a search for free blocks has passed by is left to the cursors for small cells.
  (entirely_free ? first_free_ : next_) = block + 1;
  Block& taken = blocks()[block];
  cursor.zero_ = taken.kind == free_block && taken.zero;
  // Taken: not offered again before the next collection.
  taken = {static_cast<std::uint16_t>(granules), small_block, false};
  cursor.search_ = address(block);
  cursor.block_end_ = cursor.search_ + block_bytes;
  return true;
}

inline std::byte* BlockSpace::take_large(std::size_t cell_bytes, bool& zero) {
  std::size_t const count = blocks_for(cell_bytes);
  std::size_t const first = find_free(count);
  if (first == top_) {
    if (!grow(count)) return nullptr;
  }
  zero = true;
  for (std::size_t i = first; i < first + count; ++i) {
    zero = zero && blocks()[i].zero;
    blocks()[i] = {0, i == first ? large_first : large_rest, false};
  }
  unpoison(address(first), cell_bytes);
  if (black_) {
    blacken(address(first), granule_bytes);
    blocks()[first].marked = static_cast<std::uint16_t>(granules);
  }
  return address(first);
}

// Memory for so many blocks from the start on.
inline bool BlockSpace::commit(std::size_t blocks) {
  std::size_t const wanted = blocks * block_bytes;
  if (wanted > heap_.bytes()) return false;
  std::size_t const step = wanted >= 16 * huge_page_bytes ? huge_page_bytes : small_step_bytes;
  std::size_t const before = heap_.committed();
  if (!marks_.grow(wanted) || !starts_.grow(wanted) ||
      !blocks_.grow(blocks * sizeof(Block), page_bytes) || !heap_.grow(wanted, step)) {
    return false;
  }
  if (huge_pages_ && step == huge_page_bytes) {
    advise_huge_pages(heap_.start() + before, heap_.committed() - before);
  }
  return true;
}
// Raises the top by so many.
inline bool BlockSpace::grow(std::size_t count) {
  if (!commit(top_ + count + held_back_)) return false;
  for (std::size_t i = top_; i < top_ + count; ++i) blocks()[i] = {0, free_block, true};
  top_ += count;
  return true;
}

// The first of so many free blocks in a row, or the top.
inline std::size_t BlockSpace::find_free(std::size_t count) {
  while (first_free_ < top_ && blocks()[first_free_].kind != free_block) ++first_free_;
  std::size_t length = 0;
  for (std::size_t i = first_free_; i < top_; ++i) {
    length = blocks()[i].kind == free_block ? length + 1 : 0;
    if (length == count) return i + 1 - count;
  }
  return top_;
}

inline std::size_t BlockSpace::count_marks(std::size_t block) const noexcept {
  Word const* const words = marks_.words() + block * granules / 64;
  std::size_t count = 0;
  // Sixteen words at a time: the sums of their bytes still fit into bytes. An instruction for this
  // is more than the oldest x86-64 has, and bit by bit it would be most of a pause.
  for (std::size_t first = 0; first < granules / 64; first += 16) {
    constexpr Word ones = ~Word{0};
    Word bytes = 0;
    for (std::size_t i = first; i < first + 16; ++i) {
      Word word = words[i] - (words[i] >> 1 & ones / 3);
      word = (word & ones / 5) + (word >> 2 & ones / 5);
      bytes += (word + (word >> 4)) & ones / 17;
    }
    Word const pairs = (bytes & ones / 257) + (bytes >> 8 & ones / 257);
    count += pairs * (ones / 65535) >> 48;
  }
  return count;
}

inline void BlockSpace::free_large(std::size_t first) noexcept {
  std::size_t at = first;
  do {
    blocks()[at].kind = free_block;
    ++free_blocks_;
  } while (++at < top_ && blocks()[at].kind == large_rest);
}

inline std::uint64_t BlockSpace::settle(std::uint64_t live_bytes) {
  std::uint64_t objects = 0, large_objects = 0, large_bytes = 0;
  free_blocks_ = 0;
  for (std::size_t i = 0; i < top_; ++i) {
    Block& block = blocks()[i];
    if (block.kind == large_rest) continue;
    if (block.kind == free_block) {
      ++free_blocks_;
      continue;
    }
    if (block.marked == granules) continue;  // black
    std::size_t const marked = count_marks(i);
    objects += marked;
    if (block.kind == large_first) {
      if (marked == 0) free_large(i);
      if (marked != 0) large_bytes += ObjectHeader::cell_of(first_object(i));
      large_objects += marked;
      continue;
    }
    block.marked = static_cast<std::uint16_t>(marked);
    if (marked != 0) continue;
    block.kind = free_block;
    ++free_blocks_;
  }
  std::size_t const mean_bytes = objects == large_objects
                                     ? block_bytes
                                     : (live_bytes - large_bytes) / (objects - large_objects) + 1;
  many_marks_ = std::max<std::size_t>((block_bytes - least_free_bytes) / mean_bytes, 1);
  next_ = first_free_ = 0;
  return objects;
}

inline void BlockSpace::discard_beyond(std::size_t kept_bytes) {
  std::size_t const kept = blocks_for(kept_bytes);
  for (std::size_t end = top_; end > 0 && free_blocks_ > kept;) {
    std::size_t first = end;
    while (first > 0 && free_blocks_ > kept && blocks()[first - 1].kind == free_block &&
           !blocks()[first - 1].zero) {
      --first;
      --free_blocks_;
    }
    if (first == end) {
      free_blocks_ -= blocks()[--end].kind == free_block;
      continue;
    }
    if (discard_pages(address(first), (end - first) * block_bytes)) {
      for (std::size_t i = first; i < end; ++i) blocks()[i].zero = true;
    }
    end = first;
  }
  while (top_ > 0 && blocks()[top_ - 1].kind == free_block && blocks()[top_ - 1].zero) --top_;
}

}  // namespace churn::collectors
