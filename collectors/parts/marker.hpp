// What:  marks everything that is reachable from the objects it is given.
// Why:   no single loop is best. Where children lie near their parents (arrays, lists built in
//        order), going through them in the order in which they were met makes the memory's own
//        prefetcher work; where they lie anywhere, what counts is to have asked for an object long
//        before it is looked at, and to go deep, so that few wait.
// How:   `in_order` keeps up to 256 objects in a queue, each fetched when it enters; what does not
//        fit goes to the stack, and comes back from there. `scattered` takes from the stack and
//        lets each object wait in a ring of 32 while it is fetched. After each quantum of objects
//        the marker looks at those that wait: if most lie further than two pages from their
//        neighbour, the heap is scattered here. Long arrays are scanned 128 slots at a time.
// Invariants: an object is pushed when its mark is set, so exactly once.
// Cost:  array of ten million objects with links to earlier ones, random graph of as many, ns per
//        object (2-core Xeon VM, 480 MiB L3, shared with other work; GCC 12): plain stack 8–10 and
//        150–190; in_order 5 and 40; scattered 8 and 38.
// Source: the queue in front of the stack is that of C. Cher, A. Hosking, T. Vijaykumar, Software
//        prefetching for mark-sweep garbage collection, ASPLOS 2004.
// Thread-safety: with `shared`, several markers may work on one heap, each on a stack of its own;
//        with `beside_mutators` one may, while mutators run.
#pragma once

#include <cstdint>

#include "collectors/parts/mark_bits.hpp"
#include "collectors/parts/mark_stack.hpp"
#include "collectors/parts/object_header.hpp"

namespace churn::collectors {

template <bool shared, bool beside_mutators = false>
class Marker {
 public:
  explicit Marker(MarkView marks) noexcept : marks_(marks) {}

  // A root. null is allowed.
  void push(Ref object) {
    if (!object || !set(marks_, object.word())) return;
    stack_.reserve(1);
    stack_.push(object.word());
  }
  MarkStack& stack() noexcept { return stack_; }

  // Until nothing waits.
  void drain() {
    while (!stack_.empty()) run();
    stack_.release();
  }
  // About a quantum of objects. What waits then is on the stack.
  void run() {
    if (scattered_) {
      run_scattered();
    } else {
      run_in_order();
    }
    scattered_ = looks_scattered();
  }

  // Forgets what was scanned. pre: nothing waits
  void restart() noexcept {
    charged_bytes_ = cell_bytes_ = 0;
    scattered_ = false;
  }

  // Of all objects scanned since then: what they are charged with, and what they take.
  std::uint64_t charged_bytes() const noexcept { return charged_bytes_; }
  std::uint64_t cell_bytes() const noexcept { return cell_bytes_; }

 private:
  static constexpr std::uint32_t stride = 128;  // slots scanned at once
  // Beside mutators, somebody may want the marker to stop before long. Where it is to be proved
  // right, work changes hands often.
  static constexpr std::uint32_t quantum = CHURN_VERIFYING && (shared || beside_mutators) ? 64
                                           : beside_mutators                              ? 1024
                                                                                          : 8192;
  static constexpr std::uint32_t queue_size = 256, low_water = 16;
  static constexpr std::uint32_t ring_size = 32;
  static constexpr std::uint32_t fewest_for_groups = 8;
  static_assert(quantum > ring_size, "or nothing ever comes out of the ring");
  static constexpr std::size_t most_samples = 64, fewest_samples = 8;
  static constexpr Word far_bytes = 8192;

  CHURN_ALWAYS_INLINE static bool set(MarkView marks, Word object) noexcept {
    if constexpr (shared) return marks.set_shared(object);
    if constexpr (beside_mutators) return marks.set_beside(object);
    return marks.set(object);
  }
  static Word load(Word* slot) noexcept {
    // Acquire pairs with the release of the store that put a new object there.
    if constexpr (beside_mutators) return std::atomic_ref(*slot).load(std::memory_order_acquire);
    return *slot;
  }
  static void fetch(Word object) noexcept {
    __builtin_prefetch(reinterpret_cast<void const*>(object - ObjectHeader::bytes));
  }

  // What a loop keeps in registers, since its stores might change it anywhere else.
  struct Registers {
    MarkView marks;
    std::uint64_t charged_bytes = 0, cell_bytes = 0;
  };
  void keep(Registers const& registers) noexcept {
    charged_bytes_ += registers.charged_bytes;
    cell_bytes_ += registers.cell_bytes;
  }

  // The slots to scan of an object that is met for the first time; the rest goes on the stack.
  CHURN_ALWAYS_INLINE std::uint32_t begin(Registers& registers, Word object) {
    Word const header = ObjectHeader::at(Ref::of(object));
    std::size_t const charge = ObjectHeader::charge(header);
    registers.charged_bytes += charge;
    registers.cell_bytes += ObjectHeader::cell(charge);
    return first_stride(object, {0, ObjectHeader::slots(header)});
  }
  CHURN_ALWAYS_INLINE std::uint32_t first_stride(Word object, SlotRange range) {
    if (range.to - range.from <= stride) [[likely]] {
      return range.to;
    }
    stack_.reserve(2);
    stack_.push(object, {range.from + stride, range.to});
    return range.from + stride;
  }
  template <class Push>
  CHURN_ALWAYS_INLINE void scan(MarkView marks, Word object, std::uint32_t from, std::uint32_t to,
                                Push push) {
    Word* const slots = Ref::of(object).slots();
    if constexpr (shared) {
      if (to - from >= fewest_for_groups) return scan_in_groups(slots + from, slots + to, push);
    }
    Word* const end = slots + to;
    for (Word* slot = slots + from; slot != end; ++slot) {
      Word const child = load(slot);
      if (child != 0 && set(marks, child)) push(child);
    }
  }
  // Marks children that follow each other in one word of marks by one atomic operation.
  template <class Push>
  void scan_in_groups(Word* at, Word* end, Push push) {
    while (at != end) {
      if (*at == 0) {
        ++at;
        continue;
      }
      Word const index = marks_.index_of(*at);
      Word bits = marks_.bit_of(*at);
      Word* group_end = at + 1;
      while (group_end != end && marks_.index_of(*group_end) == index) {
        bits |= marks_.bit_of(*group_end++);
      }
      Word fresh = marks_.set_all_shared(index, bits);
      for (; at != group_end; ++at) {
        Word const bit = marks_.bit_of(*at);
        if ((fresh & bit) == 0) continue;
        fresh -= bit;  // the same child may come twice
        push(*at);
      }
    }
  }

  void run_in_order() {
    Word queue[queue_size];
    std::uint32_t first = 0, last = 0;
    Registers registers{marks_};
    auto const enter = [&](Word object) {
      fetch(object);
      queue[last++ % queue_size] = object;
    };
    auto const push = [&](Word child) {
      if (last - first < queue_size) [[likely]] {
        enter(child);
      } else {
        stack_.reserve(1);
        stack_.push(child);
      }
    };
    for (std::uint32_t left = quantum; left > 0;) {
      if (last - first <= low_water) [[unlikely]] {
        if (!stack_.empty()) {
          Word const word = stack_.pop();
          if (SlotRange::is_address(word)) {
            SlotRange const range = stack_.pop_range();
            Word const object = word - SlotRange::address_tag;
            std::uint32_t const to = first_stride(object, range);
            scan(registers.marks, object, range.from, to, push);
          } else {
            enter(word);
          }
          continue;
        }
        if (first == last) break;
      }
      Word const object = queue[first++ % queue_size];
      scan(registers.marks, object, 0, begin(registers, object), push);
      --left;
    }
    keep(registers);
    stack_.reserve(queue_size);
    while (last != first) stack_.push(queue[--last % queue_size]);
  }

  void run_scattered() {
    Word ring[ring_size] = {};
    std::uint32_t at = 0, empty = 0;
    Registers registers{marks_};
    auto const push = [&](Word child) { stack_.push(child); };
    for (std::uint32_t left = quantum; left > 0; --left) {
      stack_.reserve(stride + 2);
      Word entering = 0;
      if (!stack_.empty()) {
        entering = stack_.pop();
        if (SlotRange::is_address(entering)) {
          SlotRange const range = stack_.pop_range();
          Word const object = entering - SlotRange::address_tag;
          std::uint32_t const to = first_stride(object, range);
          scan(registers.marks, object, range.from, to, push);
          continue;
        }
        fetch(entering);
        empty = 0;
      } else if (++empty > ring_size) {
        break;
      }
      Word const object = ring[at % ring_size];
      ring[at++ % ring_size] = entering;
      if (object != 0) scan(registers.marks, object, 0, begin(registers, object), push);
    }
    keep(registers);
    stack_.reserve(ring_size);
    for (Word const object : ring) {
      if (object != 0) stack_.push(object);
    }
  }

  bool looks_scattered() noexcept {
    std::size_t near = 0, far = 0;
    Word const* const end = stack_.end();
    Word const* at = end - std::min(stack_.size(), most_samples);
    for (Word before = 0; at != end; ++at) {
      if ((*at & SlotRange::tags) != 0) continue;
      Word const distance = *at > before ? *at - before : before - *at;
      ++(distance > far_bytes ? far : near);
      before = *at;
    }
    return near + far < fewest_samples ? scattered_ : far > near;
  }

  MarkView const marks_;
  MarkStack stack_;
  bool scattered_ = false;
  std::uint64_t charged_bytes_ = 0, cell_bytes_ = 0;
};

}  // namespace churn::collectors
