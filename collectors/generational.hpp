// What:  reference counting, with a cycle detector of three generations after CPython's. One
//        mutator.
// Why:   most objects that are young and part of a cycle die young: looking at the young alone
//        finds most garbage for little work. Also: the strategy of millions of programs, without an
//        interpreter around it.
// When not: programs whose cycles die old: they wait for a full collection, which visits everything
//        that has slots. Several threads.
// How:   every object with slots is in the list of its generation. A collection of generation g
//        joins the lists up to g and works on those objects, the young:
//          1. each young object gets a trial count, a copy of its count;
//          2. each reference from a young object to a young object is taken off: what is left is
//             held from outside, by a local or by an older object;
//          3. one walk parts the list: an object with a trial count above zero is live, and what it
//             names becomes live, if need be taken back from the other list, where the walk has put
//             it when it was met with zero;
//          4. the survivors join the next generation; what is on the other list is garbage and is
//             freed.
// Trigger: generation 0 when more than `threshold0` objects with slots were allocated than freed
//        since its last collection; generation 1 after more than `threshold1` collections of 0,
//        generation 2 after more than `threshold2` of 1, if also the objects that reached it since
//        its last collection are a quarter of those that survived that one: else a growing heap
//        would cost quadratic time. The oldest generation that is due is collected, before the
//        object is allocated.
// Invariants: outside collections all marks are 0. An object without slots is in no list.
// Cost:  32 bytes an object, four stores to link it; each collection visits the young three times.
// Source: CPython 3.11, Modules/gcmodule.c and its design notes; Neil Schemenauer, 2000.
#pragma once

#include <array>
#include <string_view>

#include "collectors/parts/counting_heap.hpp"
#include "collectors/parts/marked_count.hpp"
#include "collectors/parts/mutator.hpp"

namespace churn::generational {

inline constexpr Traits traits{.generational = true,
                               .counts = true,
                               .shared_slots = false,
                               .cells_from_malloc = true,
                               .max_mutators = 1};

inline constexpr std::array parameters{
    ParameterInfo{"threshold0", 700, 1, 1'000'000'000,
                  "net allocations of objects with slots before generation 0 is collected"},
    ParameterInfo{"threshold1", 10, 0, 1'000'000'000,
                  "collections of generation 0 before generation 1 is collected"},
    ParameterInfo{"threshold2", 10, 0, 1'000'000'000,
                  "collections of generation 1 before generation 2 is collected"},
};

// A circular list through a sentinel.
struct Links {
  Links* next = this;
  Links* previous = this;

  void unlink() noexcept {
    previous->next = next;
    next->previous = previous;
  }
  void insert_before(Links* place) noexcept {
    next = place;
    previous = place->previous;
    previous->next = this;
    place->previous = this;
  }
};

struct Header : Links, collectors::MarkedHeader {
  static constexpr std::uint32_t none = 0;
  // On trial, met with a trial count of zero, and nobody live has named it so far.
  static constexpr std::uint32_t doomed = trial_bit | (trial_bit - 1);

  bool tracked() const noexcept { return slot_count() != 0; }
};

class Generation {
 public:
  Generation() noexcept = default;
  Generation(Generation const&) = delete;
  Generation& operator=(Generation const&) = delete;

  bool empty() const noexcept { return sentinel_.next == &sentinel_; }
  void append(Header* header) noexcept { header->insert_before(&sentinel_); }
  void append_all(Generation& other) noexcept {
    if (other.empty()) return;
    Links* const first = other.sentinel_.next;
    Links* const last = other.sentinel_.previous;
    first->previous = sentinel_.previous;
    sentinel_.previous->next = first;
    last->next = &sentinel_;
    sentinel_.previous = last;
    other.sentinel_.next = other.sentinel_.previous = &other.sentinel_;
  }
  Links* first() noexcept { return sentinel_.next; }
  Links* end() noexcept { return &sentinel_; }
  // The visitor may free the object that it is given.
  template <class Visit>
  void for_each(Visit visit) {
    for (Links *links = first(), *next = nullptr; links != end(); links = next) {
      next = links->next;
      visit(static_cast<Header*>(links));
    }
  }

 private:
  Links sentinel_;
};

class Heap : public collectors::CountingHeap<Heap, Header, collectors::MarkedCount,
                                             collectors::PlainCounter> {
  using Base = CountingHeap;
  using Word = collectors::Word;
  friend Base;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = generational::traits;

  explicit Heap(HeapOptions const& options) : Base(options) {
    for (std::size_t g = 0; g < generations; ++g) {
      thresholds_[g] =
          static_cast<std::uint64_t>(options.setting(parameters[g].name, parameters[g].standard));
    }
  }

  CHURN_ALWAYS_INLINE collectors::Ref make(Account& account, Shape shape) {
    if (shape.slots == 0) return Base::make(account, shape);
    if (++counts_[0] > thresholds_[0]) [[unlikely]] {
      collect_what_is_due(account);
    }
    collectors::Ref const object = Base::make(account, shape);
    generations_[0].append(header_of(object));
    return object;
  }

  // Returns the objects freed.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const before = account.reclaimed_objects.get();
    Generation& young = generations_[generation];
    for (std::uint32_t g = 0; g < generation; ++g) young.append_all(generations_[g]);
    for (std::uint32_t g = 0; g <= generation; ++g) counts_[g] = 0;

    young.for_each([](Header* header) { header->start_trial(); });
    young.for_each([](Header* header) { take_off_children(header); });
    Generation garbage;
    std::uint64_t const survivors = part(young, garbage);

    if (generation == collectors::full_collection) {
      long_lived_ = survivors;
      newly_long_lived_ = 0;
    } else {
      ++counts_[generation + 1];
      if (generation + 1 == collectors::full_collection) newly_long_lived_ += survivors;
      generations_[generation + 1].append_all(young);
    }

    // Before anything is freed, since a freed object's mark says nothing.
    garbage.for_each([&](Header* header) { drop_survivors(account, header); });
    garbage.for_each([&](Header* header) { free_cell(account, header); });
    return book(generation, account.reclaimed_objects.get() - before, start_ns);
  }

 private:
  CHURN_NEVER_INLINE void collect_what_is_due(Account& account) {
    for (std::uint32_t g = generations; g-- > 0;) {
      if (counts_[g] <= thresholds_[g]) continue;
      if (g == collectors::full_collection && newly_long_lived_ < long_lived_ / 4) continue;
      collect(account, g);
      return;
    }
  }

  // Hook of the base.
  void bury(Account&, Header* header) noexcept {
    if (!header->tracked()) return;
    header->unlink();
    if (counts_[0] > 0) --counts_[0];
  }

  static void take_off_children(Header* header) noexcept {
    Word const* const slots = slots_of(header);
    for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
      if (slots[i] == 0) continue;
      Header* const child = header_of(slots[i]);
      if (child->on_trial()) --child->count;  // the mark is the lower half
    }
  }

  // Moves garbage out of `young`, and returns how many survive. Survivors are not on trial any
  // more.
  static std::uint64_t part(Generation& young, Generation& garbage) noexcept {
    std::uint64_t survivors = 0;
    for (Links* links = young.first(); links != young.end();) {
      auto* const header = static_cast<Header*>(links);
      if (header->mark() == Header::trial_bit) {
        links = links->next;
        header->unlink();
        garbage.append(header);
        header->set_mark(Header::doomed);
        continue;
      }
      ++survivors;
      header->set_mark(Header::none);
      Word const* const slots = slots_of(header);
      for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
        if (slots[i] != 0) rescue(header_of(slots[i]), young);
      }
      links = links->next;  // only now: the rescued are appended
    }
    return survivors;
  }
  // Something live names it.
  static void rescue(Header* header, Generation& young) noexcept {
    if (header->mark() == Header::doomed) {
      header->unlink();
      young.append(header);
    } else if (header->mark() != Header::trial_bit) {
      return;  // older, known to live, or held from outside and still ahead in the walk
    }
    header->set_mark(Header::trial_bit | 1);
  }

  // The references from garbage to what is not: objects without slots, and older ones, may die of
  // it.
  void drop_survivors(Account& account, Header* garbage) {
    Word const* const slots = slots_of(garbage);
    for (std::uint32_t i = 0; i < garbage->slot_count(); ++i) {
      if (slots[i] == 0) continue;
      Header* const child = header_of(slots[i]);
      if (child->mark() == Header::doomed) continue;
      if (lose(child)) reclaim<true>(account, child);
    }
  }

  std::array<Generation, generations> generations_;
  std::array<std::uint64_t, generations> thresholds_{}, counts_{};
  // Survivors of the last full collection; what reached the oldest generation since.
  std::uint64_t long_lived_ = 0, newly_long_lived_ = 0;
};

struct Collector {
  using Heap = generational::Heap;
  using Mutator = collectors::HeapMutator<Heap>;
  static constexpr Traits const& traits = generational::traits;
  static constexpr std::string_view summary =
      "reference counts and a cycle detector of three generations, one thread";
  static constexpr auto const& parameters = generational::parameters;
};

}  // namespace churn::generational
