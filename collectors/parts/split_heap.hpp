// What:  a collector's heap with its allocation, its barriers and its reclamation each to be
//        switched off when it is made, under the collector's own mutator.
// Why:   what a collector costs is the sum of what it does at allocations, at reference operations
//        and to give memory back. Times of the same compiled program with each of them alone say
//        which it is (harness/run/overhead_split.hpp).
// How:   without its own allocation, objects are laid out as the barriers need them, in pages taken
//        one after the other. Without barriers, references are plain words: a count stays what it
//        was. Both are allowed since neither runs with reclamation on. Without reclamation counts
//        fall, but nothing dies, and no collection begins: see Parts in HeapOptions.
// When not: anything but the split: the tests of the switches cost each operation some tenths of a
//        nanosecond, in all parts alike. Several mutators; weak references and finalizers, which
//        need deaths.
// A heap provides, beside what its mutator asks of it: place(account, cell, shape), which makes an
//        object of a zeroed cell of placed_bytes(shape) that nobody accounts for or frees; where it
//        counts, drop_kept(account, ref), as drop, but nothing dies; and where its barriers ask for
//        an object's address, raw_pages(bytes), for all objects that are not huge.
// Thread-safety: one mutator.
#pragma once

#include <cstddef>

#include "collectors/parts/out_of_memory.hpp"
#include "collectors/parts/reference.hpp"
#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

template <class HeapT>
class SplitHeap : public HeapT {
 public:
  using Account = HeapT::Account;

  explicit SplitHeap(HeapOptions const& options) : HeapT(options), parts_(options.parts) {
    bool const takes_back_what_is_not_its_own =
        parts_.reclamation && !(parts_.allocation && parts_.barriers);
    CHURN_CHECK(!takes_back_what_is_not_its_own);
  }

  // ---- allocation ----

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    if (parts_.allocation) return HeapT::make(account, shape);
    std::size_t const bytes = round_up(HeapT::placed_bytes(shape), alignment);
    if (static_cast<std::size_t>(end_ - next_) < bytes) [[unlikely]] {
      find_pages(bytes);
    }
    std::byte* const cell = next_;
    next_ += bytes;
    return HeapT::place(account, cell, shape);
  }

  // ---- barriers of counting heaps ----

  CHURN_ALWAYS_INLINE void retain(Account& account, Ref object) noexcept {
    if (!parts_.barriers) return;
    if constexpr (requires { HeapT::retain(account, object); }) {
      HeapT::retain(account, object);
    } else {
      HeapT::retain(object);
    }
  }
  CHURN_ALWAYS_INLINE void drop(Account& account, Ref object) {
    if (!parts_.barriers) return;
    if (parts_.reclamation) return HeapT::drop(account, object);
    if constexpr (requires { HeapT::drop_kept(account, object); }) {
      HeapT::drop_kept(account, object);
    }
  }
  void drop_global(Ref object) {
    if (parts_.reclamation) HeapT::drop_global(object);
  }
  CHURN_ALWAYS_INLINE void stored(Ref object) noexcept {
    if (parts_.barriers) HeapT::stored(object);
  }
  CHURN_ALWAYS_INLINE void moved_into(Ref object, Ref moved) noexcept {
    if (parts_.barriers) HeapT::moved_into(object, moved);
  }
  CHURN_ALWAYS_INLINE void moved_out(Ref object) noexcept {
    if constexpr (requires { HeapT::moved_out(object); }) {
      if (parts_.barriers) HeapT::moved_out(object);
    }
  }

  // ---- barriers of tracing heaps ----

  CHURN_ALWAYS_INLINE void before_write(Account& account, Ref object, Ref old) {
    if (parts_.barriers) HeapT::before_write(account, object, old);
  }
  CHURN_ALWAYS_INLINE void after_write(Account& account, Ref object, Ref value) {
    if (parts_.barriers) HeapT::after_write(account, object, value);
  }
  CHURN_ALWAYS_INLINE void slot_written(Account& account, Ref object, Word* slot, Ref old,
                                        Ref value) {
    if constexpr (requires { HeapT::slot_written(account, object, slot, old, value); }) {
      if (parts_.barriers) HeapT::slot_written(account, object, slot, old, value);
    }
  }

  // ---- reclamation ----

  std::uint64_t collect(Account& account, std::uint32_t generation) {
    return parts_.reclamation ? HeapT::collect(account, generation) : 0;
  }
  void free_cell(Ref object, Shape shape) noexcept {
    if (parts_.reclamation) HeapT::free_cell(object, shape);
  }

 private:
  static constexpr std::size_t alignment = 16;  // malloc's
  static constexpr std::size_t piece_bytes = std::size_t{512} << 10;

  CHURN_NEVER_INLINE void find_pages(std::size_t bytes) {
    std::size_t const wanted = bytes < piece_bytes ? piece_bytes : round_up(bytes, page_bytes);
    void* pages = nullptr;
    if constexpr (requires { HeapT::raw_pages(wanted); }) {
      pages = wanted == piece_bytes ? HeapT::raw_pages(wanted) : map_pages(wanted);
    } else {
      pages = map_pages(wanted);
    }
    if (pages == nullptr) {
      stop(Outcome::out_of_memory, "the kernel refused %zu bytes for objects that are never freed",
           wanted);
    }
    next_ = static_cast<std::byte*>(pages);
    end_ = next_ + wanted;
  }

  Parts const parts_;
  std::byte *next_ = nullptr, *end_ = nullptr;  // stays with the process, as what is not freed does
};

// What a collector names as its Split: a collector for the split alone.
template <class HeapT, template <class> class MutatorT>
struct SplitOf {
  using Heap = SplitHeap<HeapT>;
  using Mutator = MutatorT<Heap>;
  static constexpr Traits const& traits = HeapT::traits;
};

}  // namespace churn::collectors
