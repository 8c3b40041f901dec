// What:  malloc and free by hand: the workload's dispose() says which objects are dead.
// Why:   the floor: what the same work costs without any collector. It adds nothing to malloc and
//        free: no header, no count, no statistics.
// When not: workloads that do not know when their objects die. A heap limit: nothing here knows how
//        much is live, so a heap with one is refused, not-applicable, rather than measured without
//        it.
// Cost:  malloc, zeroing, free. Locals and slots are plain words.
// Thread-safety: any number of mutators; racing slots are plain atomic words, so what is read from
//        one must not be released meanwhile: the program's own business, as with malloc.
#pragma once

#include <atomic>
#include <span>
#include <string_view>

#include "collectors/parts/cell.hpp"
#include "collectors/parts/mutator.hpp"
#include "collectors/parts/split_heap.hpp"

namespace churn::manual {

inline constexpr Traits traits{
    .manual_release = true, .cells_from_malloc = true, .reports_objects = false};

class Heap {
 public:
  struct Account {};
  static constexpr Traits const& traits = manual::traits;

  explicit Heap(HeapOptions const& options) {
    if (options.heap_limit_bytes == 0) return;
    stop(Outcome::not_applicable,
         "manual does not count what is live, so it cannot keep to a heap limit of %llu bytes; "
         "leave the limit out",
         static_cast<unsigned long long>(options.heap_limit_bytes));
  }
  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;

  Stats stats() { return {}; }
  void verify() noexcept {}
  void quiesce() noexcept {}
  void resume() noexcept {}
  void start_line() noexcept {}

  // What the mutator asks of a heap.
  Account& attach() noexcept { return account_; }
  void detach(Account&) noexcept {}
  collectors::RootList<collectors::Local>& root_list() noexcept { return roots_; }
  CHURN_ALWAYS_INLINE collectors::Ref make(Account&, Shape shape) {
    std::size_t const bytes = requested_bytes(shape);
    // One byte at least: malloc(0) may give null.
    void* const cell = collectors::zeroed_cell(bytes | (bytes == 0));
    if (cell == nullptr) [[unlikely]] {
      refused(bytes);
    }
    return collectors::Ref(cell);
  }
  // For the split (parts/split_heap.hpp).
  static constexpr std::size_t placed_bytes(Shape shape) noexcept { return requested_bytes(shape); }
  static collectors::Ref place(Account&, std::byte* cell, Shape) noexcept {
    return collectors::Ref(cell);
  }
  void free_cell(collectors::Ref object, Shape) noexcept { std::free(object.slots()); }
  void retain(collectors::Ref) noexcept {}
  void drop(Account&, collectors::Ref) noexcept {}
  void drop_global(collectors::Ref) noexcept {}
  void stored(collectors::Ref) noexcept {}
  void moved_into(collectors::Ref, collectors::Ref) noexcept {}
  std::uint64_t collect(Account&, std::uint32_t) noexcept { return 0; }
  collectors::Ref load_racing(collectors::Word* slot) noexcept {
    return collectors::Ref::of(std::atomic_ref(*slot).load(std::memory_order_acquire));
  }
  collectors::Ref exchange_racing(collectors::Word* slot, collectors::Ref value) noexcept {
    return collectors::Ref::of(
        std::atomic_ref(*slot).exchange(value.word(), std::memory_order_acq_rel));
  }

 private:
  [[noreturn]] CHURN_NEVER_INLINE static void refused(std::size_t bytes) noexcept {
    stop(Outcome::out_of_memory, "malloc(%zu) returned NULL", bytes);
  }

  Account account_;
  collectors::RootList<collectors::Local> roots_;
};

struct Collector {
  using Heap = manual::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = manual::traits;
  static constexpr std::string_view summary = "malloc and free by hand: no collector, the floor";
  static constexpr std::span<ParameterInfo const> parameters{};
};

}  // namespace churn::manual
