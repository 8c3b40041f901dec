// What:  a tracing collector of two generations: objects are born in a nursery, from which those
//        that survive are copied into the old space; that is collected by marking. N mutators.
// Why:   most objects die young. A collection of the nursery costs what survives, not what died,
//        and looks at none of what is old: however large the live heap, pauses between full
//        collections stay as short as the nursery makes them.
// When not: structures that live just long enough to be copied and then die: all of that work is
//        for nothing (mark-sweep). A bound on all pauses: a full collection still marks everything.
// How:   1. whoever finds the nursery full stops the world;
//        2. what roots and remembered slots name in the nursery is copied into the old space, and
//           what that names; the first to come leaves the new address in the old header;
//        3. weak references and watched objects that are young are settled (parts/deaths.hpp);
//        4. the nursery is empty.
//        A slot of an old object is remembered when a young reference is stored into it, unless it
//        held one before, since then it is remembered already. Objects above 1 KiB are born old;
//        their slots are looked at as a whole at the next collection, so that initialising stores
//        need no barrier. A full collection empties the nursery, then marks and settles the old
//        space as mark-sweep does; objects in it never move.
// Trigger: the nursery is full: a minor collection, or a full one if the old space has grown by its
//        budget (parts/tracing_heap.hpp). The nursery has 1 MiB to `nursery_kib`, as survival asks.
// Invariants: between collections, every slot of an old object that names a young one is
//        remembered, or its object was born old since the last collection. After a collection
//        nothing is young.
// Errors: none while objects are copied, which could not be undone: a chunk of the nursery is only
//        handed out when there is memory for a copy of all of it. Survivors that are still to be
//        looked at are linked through what was copied.
// Cost:  8 bytes an object and rounding up to 16. A store into an object: two loads and a
//        comparison; into an old one, six more instructions.
// Source: D. Ungar, Generation scavenging, 1984; the remembered set of slots: A. Hosking, J. E. B.
//        Moss, D. Stefanović, A comparative performance evaluation of write barrier
//        implementations, OOPSLA 1992.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "collectors/parts/marking_team.hpp"
#include "collectors/parts/nursery.hpp"
#include "collectors/parts/page_vector.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/tracing_heap.hpp"
#include "collectors/parts/tracing_mutator.hpp"

namespace churn::generational_copying {

inline constexpr Traits traits{
    .moves = true, .generational = true, .weak = true, .finalizers = true};

inline constexpr ParameterInfo nursery_parameter{
    "nursery_kib", 4096, 64, 1 << 20,
    "KiB that may be allocated between minor collections, at most"};

inline constexpr std::array parameters{
    collectors::growth_parameter,  collectors::huge_pages_parameter,
    collectors::markers_parameter, nursery_parameter,
    collectors::step_parameter,
};

// What old objects hold that is young: addresses of slots, and whole objects that were born old.
class Remembered {
 public:
  void add_slot(collectors::Word* slot) { slots_.push(slot); }
  void add_object(collectors::Ref object) { objects_.push(object); }
  void take_all(Remembered& other) {
    for (auto* const slot : other.slots_) slots_.push(slot);
    for (auto const object : other.objects_) objects_.push(object);
    other.clear();
  }
  // visit(Word&) for each slot, some more than once. Forgets them.
  template <class Visit>
  void drain(Visit visit) {
    for (auto* const slot : slots_) visit(*slot);
    for (auto const object : objects_) {
      std::uint32_t const slots =
          collectors::ObjectHeader::slots(collectors::ObjectHeader::at(object));
      for (std::uint32_t i = 0; i < slots; ++i) visit(*object.slot(i));
    }
    clear();
  }

 private:
  void clear() noexcept {
    slots_.resize(0);
    objects_.resize(0);
  }
  collectors::PageVector<collectors::Word*> slots_;
  collectors::PageVector<collectors::Ref> objects_;
};

struct Account : collectors::TracingAccount {
  Remembered remembered;
  std::uint64_t old_objects = 0, old_charged = 0;  // born old since the last collection

  void start_afresh() noexcept {
    granted = credit = old_objects = old_charged = 0;
    charged_before = charged();
  }
};

class Heap : public collectors::TracingHeap<Heap, Account> {
  using Base = TracingHeap;
  using Header = collectors::ObjectHeader;
  using Ref = collectors::Ref;
  using Word = collectors::Word;
  friend Base;

 public:
  static constexpr Traits const& traits = generational_copying::traits;

  explicit Heap(HeapOptions const& options)
      : Base(options),
        nursery_(nursery_bytes(options), options.parts.reclamation),
        team_(space_.marks(), setting(options, collectors::markers_parameter)) {}

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    std::size_t const charge = Header::charge(shape), cell = Header::cell(charge);
    if (cell > largest_bumped_bytes) return make_old(account, shape);
    std::byte* start;
    if (!account.small.bump_within(account.limit(), cell, start)) [[unlikely]] {
      start = bump_on_chunk(account, charge);
    }
    return begin_object(account, start, shape, nursery_.starts());
  }

  CHURN_ALWAYS_INLINE void slot_written(Account& account, Ref object, Word* slot, Ref old,
                                        Ref value) {
    if (nursery_.contains(object)) [[likely]] {
      return;
    }
    if (nursery_.contains(value) && !nursery_.contains(old)) account.remembered.add_slot(slot);
  }
  // For the split (parts/split_heap.hpp): the barriers then find young objects, as mostly they do.
  std::byte* raw_pages(std::size_t bytes) {
    collectors::Cursor cursor;  // whose runs end at a mebibyte
    std::lock_guard const lock(mutex_);
    return nursery_.take(cursor, bytes, bytes) ? cursor.bump(bytes) : nullptr;
  }
  bool due(std::uint64_t) const noexcept { return old_since_full_ > budget_bytes_; }
  void detaching(Account& account) {
    std::lock_guard const lock(mutex_);
    remembered_.take_all(account.remembered);
    gone_old_objects_ += account.old_objects;
    gone_old_charged_ += account.old_charged;
  }
  collectors::ObjectStarts* young_starts() noexcept { return &nursery_.starts(); }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 10;
  // That is never full: more than what is never reclaimed may need.
  static constexpr std::size_t endless_bytes = std::size_t{4} << 30;

  static std::size_t nursery_bytes(HeapOptions const& options) noexcept {
    return options.parts.reclamation ? setting(options, nursery_parameter) << 10 : endless_bytes;
  }

  CHURN_NEVER_INLINE Ref make_old(Account& account, Shape shape) {
    Ref const object = begin_object(account, make_larger(account, Header::charge(shape)), shape);
    std::size_t const charge = Header::charge(shape);
    ++account.old_objects;
    account.old_charged += charge;
    account.remembered.add_object(object);
    std::lock_guard const lock(mutex_);
    old_since_full_ += charge;
    return object;
  }

  // A zeroed cell in the nursery, perhaps after a collection.
  CHURN_NEVER_INLINE std::byte* bump_on_chunk(Account& account, std::size_t charge) {
    std::size_t const cell = Header::cell(charge);
    account.set_limit(account.lowest_limit);
    world_.poll(account);
    bool collected = false;
    while (!account.small.fits(cell) && !account.small.extend(cell)) {
      account.settle(account.small);
      account.small.drop_run();
      obtain(account, charge, chunk_bytes);
      std::unique_lock lock(mutex_);
      std::size_t const copies = nursery_.used_bytes() + account.credit;
      if (space_.hold_back(blocks_for_copies(copies)) &&
          nursery_.take(account.small, cell, account.credit)) {
        account.credit -= account.small.rest();
        continue;
      }
      bool const kernel_refused = nursery_.used_bytes() == 0;
      lock.unlock();
      if (kernel_refused && collected) stop_without_pages(account, cell);
      if (kernel_refused) {
        collected = make_room(account, cell, true);
      } else if (world_.stop(&account)) {
        collect_and_resume(account, 0);
      }
    }
    account.set_limit(account.small.limit());
    return account.small.bump(cell);
  }

  // In the worst case, which leaves less than a cell of each block unused.
  static constexpr std::size_t blocks_for_copies(std::size_t bytes) noexcept {
    return bytes / (collectors::BlockSpace::block_bytes - largest_bumped_bytes) + 1;
  }

  // ---- collection; the world is stopped ----

  std::uint64_t collect_stopped(Account&, std::uint32_t generation) {
    Totals survivors{present_ + gone_old_objects_, live_charged_ + gone_old_charged_};
    for_each_account([&](Account& account) {
      survivors.objects += account.old_objects;
      survivors.charged += account.old_charged;
    });
    gone_old_objects_ = gone_old_charged_ = 0;
    promoted_ = {0, 0};
    empty_nursery();
    survivors.objects += promoted_.objects;
    survivors.charged += promoted_.charged;
    std::uint64_t reclaimed = 0;
    if (generation == generations - 1 || old_since_full_ > budget_bytes_) {
      target_.settle();
      target_.drop_block();
      reclaimed = mark_and_settle(team_);
      present_ = made().objects - reclaimed_objects();
      old_since_full_ = 0;
    } else {
      reclaimed = book(generation, survivors.objects, survivors.charged);
      present_ = survivors.objects;
    }
    return reclaimed;
  }

  void empty_nursery() {
    space_.hold_back(0);
    auto const forward = [this](Ref& ref) {
      if (nursery_.contains(ref)) ref = promote(ref);
    };
    auto const forward_slot = [this](Word& slot) {
      if (nursery_.contains(Ref::of(slot))) slot = promote(Ref::of(slot)).word();
    };
    visit_roots(forward);
    for_each_account([&](Account& account) { account.remembered.drain(forward_slot); });
    remembered_.drain(forward_slot);
    scan_promoted(forward_slot);

    auto const fate = [this](Ref object) {
      if (!nursery_.contains(object)) return object;
      Word const header = Header::at(object);
      return (header & Header::forwarded) != 0 ? Ref::of(header - Header::forwarded) : Ref();
    };
    for_each_account([&](Account& account) { account.weak.clear_weak(false, fate); });
    if (watched_.find_dead(false, fate, forward)) scan_promoted(forward_slot);
    old_since_full_ += promoted_.charged;
    nursery_.empty(promoted_.charged);
  }

  Ref promote(Ref object) {
    Word const header = Header::at(object);
    if ((header & Header::forwarded) != 0) return Ref::of(header - Header::forwarded);
    std::size_t const charge = Header::charge(header), cell = Header::cell(charge);
    if (!target_.fits(cell)) [[unlikely]] {
      find_target(cell);
    }
    std::byte* const start = target_.bump(cell);
    std::memcpy(start, object.slots() - 1, cell);
    Ref const copy(start + Header::bytes);
    Header::at(object) = copy.word() | Header::forwarded;
    space_.starts().add(copy);
    ++promoted_.objects;
    promoted_.charged += charge;
    *object.slot(0) = std::exchange(to_scan_, object.word());  // the least cell has two words
    return copy;
  }
  template <class Forward>
  void scan_promoted(Forward forward) {
    while (to_scan_ != 0) {
      Ref const copied = Ref::of(to_scan_);
      to_scan_ = *copied.slot(0);
      Ref const object = Ref::of(Header::at(copied) - Header::forwarded);
      std::uint32_t const slots = Header::slots(Header::at(object));
      for (std::uint32_t i = 0; i < slots; ++i) forward(*object.slot(i));
    }
  }
  CHURN_NEVER_INLINE void find_target(std::size_t cell) {
    target_.settle();
    target_.drop_run();
    while (!space_.next_run(target_, cell, collectors::BlockSpace::block_bytes)) {
      bool const memory_was_held_back = space_.take_block(target_, false);
      CHURN_CHECK(memory_was_held_back);
    }
    target_.open();
  }

  collectors::Nursery nursery_;
  collectors::MarkingTeam team_;
  collectors::Cursor target_;  // where survivors go
  Word to_scan_ = 0;           // survivors whose slots are still to be looked at
  Totals promoted_{};          // by this collection
  Remembered remembered_;      // by mutators that have detached
  std::uint64_t gone_old_objects_ = 0, gone_old_charged_ = 0;  // as of Account
  std::uint64_t present_ = 0;                                  // objects, after the last collection
  std::uint64_t old_since_full_ = 0;  // bytes that the old space has grown by
};

struct Collector {
  using Heap = generational_copying::Heap;
  using Mutator = collectors::TracingMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::TracingMutator>;
  static constexpr Traits const& traits = generational_copying::traits;
  static constexpr std::string_view summary =
      "tracing: a copying nursery before a marked old space";
  static constexpr auto const& parameters = generational_copying::parameters;
};

}  // namespace churn::generational_copying
