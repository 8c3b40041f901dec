// What:  CPython's collector: reference counting, with a cycle detector of three generations whose
//        every decision, order and figure is that of CPython 3.11, or of 3.13. One mutator.
// Why:   the strategy of millions of programs, without an interpreter around it; and a collector
//        whose specification can be run beside it, so that it can be proved against the real one.
// When not: programs whose cycles die old: they wait for a full collection, which visits everything
//        that has slots. Several threads.
// How:   every object with slots is in the list of its generation. A collection of generation g
//        joins the lists up to g; what nothing from outside of them reaches is trash
//        (parts/cycle_finder.hpp), the rest joins the next generation. When it runs and how old it
//        goes is parts/generation_schedule.hpp. Then, with the trash:
//          1. weak references and weak objects to it are cleared; of the weak objects, those that
//             are no trash themselves have their hooks run;
//          2. the finalizers of the watched are run, in the order of the list, once per object;
//          3. if a hook has run, the trash is looked at again: what a finalizer has made reachable
//             lives, in the next generation;
//          4. the rest is cleared, one object after the other: its slots are dropped in order, and
//             what dies of that dies at once.
//        If nobody has noted anything about the trash or what dies of it, none of this can be seen
//        from outside, and the trash is freed as it lies.
// By count: an object whose count reaches zero dies as in parts/ordered_heap.hpp.
// Versions: 3.11 has thresholds of 700, 10, 10 and collects within the allocation, before the new
//        object is tracked; 3.13 has 2000, 10, 10 and collects when the allocating call is over:
//        the new object is looked at, and has survived.
// Left out: untracking, which CPython does to tuples and dicts only; legacy finalizers (tp_del), so
//        nothing is ever uncollectable.
// Invariants: outside collections all marks are 0.
// Cost:  24 bytes an object and 8 in its list; three stores to enter it. Each collection visits the
//        young twice.
// Source: CPython 3.11, Modules/gcmodule.c; 3.13, Python/gc.c; the algorithm is Neil Schemenauer's,
//        2000, the order of finalization PEP 442's.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "collectors/parts/controlled_mutator.hpp"
#include "collectors/parts/cycle_finder.hpp"
#include "collectors/parts/ordered_heap.hpp"
#include "collectors/parts/split_heap.hpp"

namespace churn::generational {

inline constexpr Traits traits{.generational = true,
                               .counts = true,
                               .shared_slots = false,
                               .cells_from_malloc = true,
                               .weak = true,
                               .finalizers = true,
                               .in_place = true,
                               .controls = true,
                               .max_mutators = 1};

inline constexpr std::array<std::string_view, 2> versions{"3.11", "3.13"};
inline constexpr std::array<PerGeneration, 2> standard_thresholds{{{700, 10, 10}, {2000, 10, 10}}};
inline constexpr std::int64_t of_the_version = -1, most = 1'000'000'000;

inline constexpr std::array parameters{
    ParameterInfo{"python", 0, 0, 1, "the version whose rules hold", versions},
    ParameterInfo{"threshold0", of_the_version, of_the_version, most,
                  "net allocations of objects with slots before generation 0 is collected; "
                  "-1: the version's own, 0: never"},
    ParameterInfo{"threshold1", of_the_version, of_the_version, most,
                  "collections of generation 0 before generation 1 is collected"},
    ParameterInfo{"threshold2", of_the_version, of_the_version, most,
                  "collections of generation 1 before generation 2 is collected"},
};

class Heap : public collectors::OrderedHeap<Heap> {
  using Base = OrderedHeap;
  using Count = collectors::MarkedCount;
  using Finder = collectors::CycleFinder<Header>;
  using Ref = collectors::Ref;
  using Word = collectors::Word;

 public:
  static constexpr Traits const& traits = generational::traits;

  explicit Heap(HeapOptions const& options)
      : Base(options, thresholds(options), version(options) == 0 ? deepest_of_3_11 : unbounded),
        collects_first_(version(options) == 0) {}

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    if (shape.slots == 0) return Base::make(account, shape);
    if (schedule_.allocated()) [[unlikely]] {
      return make_and_collect(account, shape);
    }
    Ref const object = Base::make(account, shape);
    track(header_of(object), 0);
    return object;
  }
  // A new weak object, owned by the caller. pre: referent is not null and no weak object
  Ref make_weak(Ref referent, std::uint64_t tag) {
    CHURN_ASSERT(!header_of(referent)->is_weak);
    Account& account = own_account();
    retain(referent);
    bool const may_be_due = schedule_.allocated();
    if (may_be_due && collects_first_) collect_what_is_due(account);
    Ref const weak = Base::make(account, Notes::cell_shape);
    header_of(weak)->is_weak = true;
    track(header_of(weak), 0);
    notes_.attach(header_of(weak), header_of(referent), tag);
    if (may_be_due && !collects_first_) collect_what_is_due(account);
    drop(account, referent);
    return weak;
  }

  // Returns the tracked objects found unreachable; 0, and does nothing, within another one.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    if (schedule_.collecting()) return 0;
    std::uint64_t const start_ns = begin_collection(generation);
    std::uint64_t const before = account.reclaimed_objects.get();
    schedule_.begin();
    notice({false, generation, 0, 0});
    std::uint64_t const found = find_and_bury(account, static_cast<std::uint8_t>(generation));
    book(generation, account.reclaimed_objects.get() - before, start_ns);
    schedule_.count_found(generation, found);
    notice({true, generation, found, 0});
    schedule_.end();
    return found;
  }

  // ---- control ----

  void freeze() {
    for (std::uint8_t g = 0; g < generations; ++g) lists_[frozen].splice(lists_[g]);
    lists_[frozen].settle(frozen);
    schedule_.reset_counts();
  }
  void unfreeze() {
    lists_[oldest].splice(lists_[frozen]);
    lists_[oldest].settle(oldest);
  }
  std::uint64_t frozen_objects() const noexcept { return lists_[frozen].objects(); }
  void save_all(bool on) noexcept { saves_all_ = on; }
  std::size_t garbage_size() const noexcept { return garbage_.size(); }
  Ref garbage(std::size_t index) noexcept { return reference_to(garbage_[index]); }
  // The list is empty before the first of them is dropped; the last is.
  void clear_garbage() {
    collectors::PageBuffer<Header> dropped;
    dropped.swap(garbage_);
    while (!dropped.empty()) drop(own_account(), reference_to(dropped.pop()));
  }
  void on_collection(CollectionHook hook) noexcept { hook_ = hook; }

 private:
  static std::size_t version(HeapOptions const& options) noexcept {
    return static_cast<std::size_t>(options.setting("python", 0));
  }
  static PerGeneration thresholds(HeapOptions const& options) noexcept {
    PerGeneration result = standard_thresholds[version(options)];
    for (std::size_t g = 0; g < generations; ++g) {
      std::int64_t const value = options.setting(parameters[g + 1].name, of_the_version);
      if (value != of_the_version) result[g] = static_cast<std::uint64_t>(value);
    }
    if (!options.parts.reclamation) result[0] = 0;
    return result;
  }

  CHURN_NEVER_INLINE Ref make_and_collect(Account& account, Shape shape) {
    if (collects_first_) collect_what_is_due(account);
    Ref const object = Base::make(account, shape);
    track(header_of(object), 0);
    if (!collects_first_) collect_what_is_due(account);
    return object;
  }
  void collect_what_is_due(Account& account) {
    std::uint32_t const due = schedule_.due();
    if (due != schedule_.none) collect(account, due);
  }
  void notice(CollectionEvent const& event) {
    if (hook_.notice != nullptr) hook_.notice(hook_.context, event);
  }

  std::uint64_t find_and_bury(Account& account, std::uint8_t generation) {
    schedule_.count_collection(generation);
    for (std::uint8_t g = 0; g < generation; ++g) lists_[generation].splice(lists_[g]);
    auto const older = std::min<std::uint8_t>(generation + 1, oldest);
    auto const found = Finder::part(lists_[generation], 0, generation, {lists_[older], older},
                                    {lists_[trash], trash});
    schedule_.count_survivors(generation, found.survivors);
    if (lists_[trash].objects() == 0) return 0;
    bool const heard =
        within_a_death() || (!notes_.empty() && (found.outward != 0 || !nobody_hears()));
    if (saves_all_ || heard) return bury_in_order(account, older);
    return free_trash(account, found.outward != 0);
  }
  // What is trash can die in any order, if nothing else dies of it.
  bool nobody_hears() const noexcept {
    List const& dead = lists_[trash];
    return std::none_of(dead.items(), dead.items() + dead.size(), [](Header const* header) {
      return header != nullptr && (header->noted || header->is_weak);
    });
  }

  // Nobody hears of any death: the order is free.
  std::uint64_t free_trash(Account& account, bool names_others) {
    List& dead = lists_[trash];
    // Before anything is freed, since a freed object does not say where it was.
    for (std::size_t i = 0; names_others && i < dead.size(); ++i) {
      if (dead[i] != nullptr) drop_others(account, dead[i]);
    }
    std::uint64_t const found = dead.objects();
    for (std::size_t i = 0; i < dead.size(); ++i) {
      if (dead[i] != nullptr) free_cell(account, dead[i]);
    }
    dead.clear();
    return found;
  }
  // The references from trash to what is not: objects without slots, and older ones, may die of it.
  void drop_others(Account& account, Header* header) {
    Word const* const slots = slots_of(header);
    for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
      if (slots[i] == 0) continue;
      Header* const child = header_of(slots[i]);
      if (child->list == trash) continue;
      if (Count::drop(child->count)) reclaim<true>(account, child);
    }
  }

  std::uint64_t bury_in_order(Account& account, std::uint8_t older) {
    hooks_ran_ = false;
    std::uint64_t const told = tell_weak_objects(account, older);
    run_finalizers(account);
    std::uint8_t const last = hooks_ran_ ? last_trash : trash;
    if (hooks_ran_) look_again(older);
    std::uint64_t const found = told + lists_[last].objects();
    clear_all(account, lists_[last], older);
    return found;
  }

  // Clears the weak references and weak objects to what is trash, then tells those weak objects
  // that are none themselves. Returns how many of these have died of it.
  std::uint64_t tell_weak_objects(Account& account, std::uint8_t older) {
    List& dead = lists_[trash];
    for (std::size_t i = 0; i < dead.size(); ++i) {
      Header* const header = dead[i];
      if (header == nullptr) continue;
      if (header->is_weak) notes_.detach(header);
      if (!header->noted) continue;
      notes_.clear_references(header);
      while (Header* const weak = notes_.take_newest(header)) {
        if (Notes::cell_of(weak).tag == 0 || weak->list == trash) continue;
        Count::retain(weak->count);
        untrack(weak);
        track(weak, calling);
      }
    }
    List& told = lists_[calling];
    std::uint64_t died = 0;
    for (std::size_t i = 0; i < told.size(); ++i) {
      Header* const weak = told[i];
      if (weak == nullptr) continue;
      call_weak_died(weak);
      drop(account, reference_to(weak));
      if (!moves_on(told, i, weak, older)) ++died;
    }
    return died;
  }
  void run_finalizers(Account& account) {
    List& dead = lists_[trash];
    for (std::size_t i = 0; i < dead.size(); ++i) {
      Header* const header = dead[i];
      std::uint64_t tag = 0;
      if (header == nullptr || !header->noted || !notes_.take_watch(header, tag)) continue;
      Count::retain(header->count);
      call_finalizer(header, tag);
      drop(account, reference_to(header));
    }
  }
  // Hooks may have made trash reachable, or have let it die by count.
  void look_again(std::uint8_t older) {
    List& dead = lists_[trash];
    for (std::size_t i = 0; i < dead.size(); ++i) {
      if (dead[i] != nullptr) dead[i]->clear_mark();
    }
    Finder::part(dead, trash, trash, {lists_[older], older}, {lists_[last_trash], last_trash});
  }
  void clear_all(Account& account, List& dead, std::uint8_t older) {
    for (std::size_t i = 0; i < dead.size(); ++i) {
      Header* const header = dead[i];
      if (header == nullptr) continue;
      Count::retain(header->count);
      if (saves_all_) {
        garbage_.push(header);
      } else {
        Word* const slots = slots_of(header);
        for (std::uint32_t s = 0; s < header->slot_count(); ++s) {
          if (slots[s] != 0) drop(account, Ref::of(std::exchange(slots[s], 0)));
        }
        drop(account, reference_to(header));
      }
      moves_on(dead, i, header, older);
    }
  }
  // If it is still in its place it lives, or dies later: it joins the survivors.
  bool moves_on(List& list, std::size_t place, Header* header, std::uint8_t older) {
    if (place >= list.size() || list[place] != header) return false;
    header->clear_mark();
    untrack(header);
    track(header, older);
    return true;
  }

  bool const collects_first_;
  bool saves_all_ = false;
  CollectionHook hook_;
};

struct Collector {
  using Heap = generational::Heap;
  using Mutator = collectors::ControlledMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::HeapMutator>;
  static constexpr Traits const& traits = generational::traits;
  static constexpr std::string_view summary =
      "CPython's: reference counts and a cycle detector of three generations, one thread";
  static constexpr auto const& parameters = generational::parameters;
};

}  // namespace churn::generational
