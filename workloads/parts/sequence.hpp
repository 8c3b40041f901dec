// What:  what sequence-list and sequence-generator have in common: the elements, and the consumer,
//        which keeps the last few and adds each one to the checksum when it leaves.
// Why:   the two workloads must differ in one thing alone, whether the sequence exists as a whole
//        before it is consumed; the same elements in the same order give the same checksum for
//        both.
// Invariant: a Window holds `width` elements or fewer, in a table that one Root holds.
// Cost:  one slot written per element. Thread-safety: a Window belongs to its mutator's thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"

namespace churn::sequence {

inline constexpr std::array parameters{
    ParameterInfo{"length", 100, 1, 1'000'000, "elements of one sequence"},
};

inline constexpr Shape element{0, 16};  // position in its sequence, value

// Makes the element at `position` in `out`.
template <class M>
CHURN_ALWAYS_INLINE void produce(M& m, typename M::Local& out, Random& random,
                                 std::uint64_t position) {
  m.allocate(out, element);
  std::byte* const payload = m.payload(out.get(), element);
  set_word(payload, position, 0);
  set_word(payload, random.next(), 1);
}

template <class M>
class Window {
  using Ref = typename M::Ref;

 public:
  static constexpr std::uint32_t width = 16;

  [[gnu::cold]] explicit Window(M& m) : table_(m) { m.allocate(*table_, table); }

  // Takes over the element; the one that has been here longest makes room.
  CHURN_ALWAYS_INLINE void push(M& m, typename M::Local&& fresh) {
    auto const slot = static_cast<std::uint32_t>(pushed_++ % width);
    Ref const at = (*table_).get();
    Ref const oldest = m.read(at, slot);
    if (oldest != Ref{}) {
      sum_ = added(m, oldest);
      if constexpr (Releases<M>) m.release(oldest, element);
    }
    m.write(at, slot, std::move(fresh));
  }

  // Everything so far, what is still here included.
  [[gnu::cold]] std::uint64_t sum(M& m) {
    std::uint64_t sum = sum_;
    for (std::uint32_t slot = 0; slot < width; ++slot) {
      Ref const here = m.read((*table_).get(), slot);
      if (here != Ref{}) sum = mix(sum, value(m, here) + slot);
    }
    return sum;
  }

  [[gnu::cold]] void dispose(M& m)
    requires Releases<M>
  {
    Ref const at = (*table_).get();
    for (std::uint32_t slot = 0; slot < width; ++slot) {
      if (Ref const here = m.read(at, slot); here != Ref{}) m.release(here, element);
    }
    m.release(at, table);
  }

 private:
  static constexpr Shape table{width, 0};

  static std::uint64_t value(M& m, Ref ref) noexcept {
    std::byte const* const payload = m.payload(ref, element);
    return word(payload, 1) ^ word(payload, 0);
  }
  std::uint64_t added(M& m, Ref ref) const noexcept { return 3 * sum_ + value(m, ref); }

  typename M::Root table_;
  std::uint64_t sum_ = 0, pushed_ = 0;
};

// One thread's part of either workload.
template <class M>
struct alignas(128) Seat {
  Random random{0};
  std::optional<Window<M>> window;
};

}  // namespace churn::sequence
