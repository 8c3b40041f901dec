// What:  where objects are born in a generational heap: one stretch of memory, filled from its
//        start, emptied as a whole.
// Why:   one comparison says whether an object is young; and what dies young costs nothing but the
//        zeroing of the memory that the next one takes.
// How:   each mutator takes chunks and bumps through them. How much of the stretch is used between
//        two collections adapts: if much survives, a larger part gives it more time to die; if next
//        to nothing does, a smaller part stays in a nearer cache.
// Invariants: what is not handed out holds no object. A chunk is never handed out twice between two
//        collections, so a new mutator cannot get one that another is still filling.
// Cost:  a lock a chunk.
// Thread-safety: take: under the heap's lock. contains: always. The rest: the world is stopped.
#pragma once

#include <algorithm>

#include "collectors/parts/block_space.hpp"
#include "collectors/parts/object_starts.hpp"
#include "collectors/parts/reservation.hpp"

namespace churn::collectors {

class Nursery {
 public:
  // `grows`: it begins small, as most programs need it.
  explicit Nursery(std::size_t most_bytes, bool grows = true)
      : memory_(round_up(most_bytes, page_bytes), page_bytes),
        starts_(memory_),
        start_(reinterpret_cast<Word>(memory_.start())),
        most_bytes_(memory_.bytes()),
        least_bytes_(grows ? std::min(first_bytes, most_bytes_) : most_bytes_),
        bytes_(least_bytes_) {}

  CHURN_ALWAYS_INLINE bool contains(Ref object) const noexcept {
    return object.word() - start_ < most_bytes_;
  }
  ObjectStarts& starts() noexcept { return starts_; }

  // A chunk of `wanted` bytes, or as many as there are left, but at least `least`. False if there
  // are not so many, or the kernel refuses them. pre: the cursor is settled
  bool take(Cursor& cursor, std::size_t least, std::size_t wanted) {
    std::size_t const bytes = std::min(wanted, bytes_ - used_);
    if (bytes < least) return false;
    std::size_t const wanted_end = std::min(round_up(used_ + bytes, step_bytes), memory_.bytes());
    if (!starts_.grow(wanted_end) || !memory_.grow(wanted_end, step_bytes)) return false;
    std::byte* const chunk = memory_.start() + used_;
    unpoison(chunk, bytes);
    cursor.begin_run(chunk, bytes, used_ >= touched_);
    used_ += bytes;
    return true;
  }
  std::size_t used_bytes() const noexcept { return used_; }

  // All survivors have been copied, so many bytes.
  void empty(std::size_t survived_bytes) noexcept {
    starts_.clear(memory_.committed());
    poison(memory_.start(), used_);
    if (survived_bytes > used_ / 4) bytes_ = std::min(2 * bytes_, most_bytes_);
    if (survived_bytes < used_ / 32) bytes_ = std::max(bytes_ / 2, least_bytes_);
    touched_ = std::max(touched_, used_);
    used_ = 0;
  }

 private:
  // Under verification small, so that objects move often.
  static constexpr std::size_t first_bytes =
      CHURN_VERIFYING ? std::size_t{32} << 10 : std::size_t{1} << 20;
  static constexpr std::size_t step_bytes = std::size_t{256} << 10;

  Reservation memory_;
  [[no_unique_address]] ObjectStarts starts_;
  Word const start_;
  std::size_t const most_bytes_, least_bytes_;
  std::size_t bytes_;        // used between two collections, now
  std::size_t used_ = 0;     // handed out
  std::size_t touched_ = 0;  // not zero any more
};

}  // namespace churn::collectors
