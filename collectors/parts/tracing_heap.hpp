// What:  a heap that traces, but for how: its mutators and their cursors, the block space, when to
//        collect, the heap limit, weak references, statistics. The base of every tracing collector.
// Why:   the limit must be met exactly and figures must add up whichever way objects are found.
// How:   Self (the derived heap) provides collect_stopped(account, generation), called while the
//        world is stopped and all cursors are settled and empty; it finds what is live and ends
//        with book(). Bytes are not counted as objects are made: a cursor's movement says how
//        many. A cursor may move by what its mutator has been granted; who needs more asks under
//        the lock, where the budget until the next collection and the limit are kept.
// Trigger: when more has been granted since the last collection than the budget: `growth` percent
//        of the live bytes, or in a small heap eight times the live bytes, between a quarter of
//        `step_kib` and the whole of it. So a heap with next to nothing alive stays in the cache,
//        and one with a little alive is not marked so often that it shows.
// Invariants: a mutator's cursors move by no more than what was granted. `granted_` is the sum over
//        all mutators, gone ones included, since the last collection.
// Errors: past the limit, or where the kernel has no page, one full collection is forced; if that
//        does not help, stop(Outcome::out_of_memory).
// Cost:  making an object: a bump, which is also the poll and the count, and the header. Zeroing is
//        the cursor's.
// Thread-safety: N mutators.
#pragma once

#include <algorithm>
#include <array>
#include <mutex>

#include "collectors/parts/block_space.hpp"
#include "collectors/parts/collection_clock.hpp"
#include "collectors/parts/deaths.hpp"
#include "collectors/parts/marker.hpp"
#include "collectors/parts/pauses.hpp"
#include "collectors/parts/traced_roots.hpp"
#include "collectors/parts/tracing_account.hpp"
#include "collectors/parts/world.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"

namespace churn::collectors {

inline constexpr ParameterInfo growth_parameter{
    "growth", 100, 10, 10'000,
    "percent of the live bytes that a large heap may allocate between full collections"};
inline constexpr ParameterInfo step_parameter{
    "step_kib", 4096, 64, 1 << 20,
    "KiB that a small heap may allocate between full collections, at most"};
inline constexpr ParameterInfo huge_pages_parameter{
    "huge_pages", 1, 0, 1, "1 asks for huge pages once a heap has 32 MiB, 0 never"};

template <class Self, class AccountT = TracingAccount>
class TracingHeap {
 public:
  using Account = AccountT;

  explicit TracingHeap(HeapOptions const& options)
      : space_(setting(options, huge_pages_parameter) != 0),
        limit_bytes_(options.heap_limit_bytes),
        growth_percent_(setting(options, growth_parameter)),
        step_bytes_(setting(options, step_parameter) << 10),
        budget_bytes_(options.parts.reclamation ? step_bytes_ / step_fraction : unlimited) {}
  TracingHeap(TracingHeap const&) = delete;
  TracingHeap& operator=(TracingHeap const&) = delete;

  void attach(Account& account) {
    world_.attach(account, [&] { self().attached(account); });
  }
  void detach(Account& account) {
    world_.detach(account, [&] {
      self().detaching(account);
      std::lock_guard const lock(mutex_);
      account.leave_cursors();
      regrant(account, 0);
      gone_objects_ += account.objects;
      gone_charged_ += account.charged();
    });
  }
  World& world() noexcept { return world_; }
  GlobalRoots& global_roots() noexcept { return globals_; }
  WatchedObjects& watched() noexcept { return watched_; }

  CHURN_ALWAYS_INLINE Ref make(Account& account, Shape shape) {
    std::size_t const charge = ObjectHeader::charge(shape), cell = ObjectHeader::cell(charge);
    if (cell > largest_bumped_bytes) {
      return begin_object(account, make_larger(account, charge), shape);
    }
    std::byte* start;
    if (!account.small.bump_within(account.limit(), cell, start)) [[unlikely]] {
      start = bump_on(account, account.small, charge);
    }
    return begin_object(account, start, shape);
  }
  // For the split (parts/split_heap.hpp): an object that no account knows.
  static constexpr std::size_t placed_bytes(Shape shape) noexcept {
    return ObjectHeader::cell(shape);
  }
  CHURN_ALWAYS_INLINE static Ref place(Account&, std::byte* cell, Shape shape) noexcept {
    ::new (cell) Word(ObjectHeader::of(shape));
    return Ref(cell + ObjectHeader::bytes);
  }
  // Whether a full collection should come before so much more is granted. Under the lock.
  bool due(std::uint64_t share) const noexcept {
    return granted_ != 0 && granted_ + share > budget_bytes_;
  }

  // Barriers of heaps that need none, and hooks.
  void before_write(Account&, Ref, Ref) noexcept {}
  void after_write(Account&, Ref, Ref) noexcept {}
  void revived(Account&, Ref) noexcept {}
  static ObjectStarts* young_starts() noexcept { return nullptr; }
  void attached(Account&) noexcept {}
  void detaching(Account&) noexcept {}

  // Returns the objects reclaimed.
  std::uint64_t collect(Account& account, std::uint32_t generation) {
    while (!world_.stop(&account)) {
    }
    return collect_and_resume(account, generation);
  }

  // Stats and verify: no mutator runs, or only the caller's.
  Stats stats();
  void verify() { self().verify_stopped(); }
  void start_line() { pauses_.start_line(); }
  void quiesce() noexcept {}
  void resume() noexcept {}

 protected:
  static constexpr std::size_t largest_bumped_bytes = 1024;

  static std::uint64_t setting(HeapOptions const& options, ParameterInfo const& info) noexcept {
    return static_cast<std::uint64_t>(options.setting(info.name, info.standard));
  }

  // The header of an object in a zeroed cell that was moved over.
  CHURN_ALWAYS_INLINE Ref begin_object(Account& account, std::byte* start, Shape shape) {
    return begin_object(account, start, shape, space_.starts());
  }
  CHURN_ALWAYS_INLINE static Ref begin_object(Account& account, std::byte* start, Shape shape,
                                              ObjectStarts& starts) {
    account.padding += ObjectHeader::cell(shape) - ObjectHeader::charge(shape);
    ::new (start) Word(ObjectHeader::of(shape));
    Ref const object(start + ObjectHeader::bytes);
    starts.add(object);
    return object;
  }

  // visit(Ref&) for all roots: locals, and objects that wait to be pulled. The world is stopped.
  template <class Visit>
  void visit_roots(Visit visit) {
    for_each_account([&](Account& account) { account.roots.visit(visit); });
    globals_.visit(visit);
    watched_.visit_ready(visit);
  }
  template <class Visit>
  void for_each_account(Visit visit) {
    world_.for_each([&](World::Member& member) { visit(static_cast<Account&>(member)); });
  }

  // What a collection of this generation has left, of all objects. Returns how many it has
  // reclaimed.
  std::uint64_t book(std::uint32_t generation, std::uint64_t objects, std::uint64_t charged);
  // After a full collection.
  void set_budget() noexcept { set_budget(live_charged_); }
  void set_budget(std::uint64_t live_charged) noexcept {
    std::uint64_t const small =
        std::clamp(small_factor * live_charged, step_bytes_ / step_fraction, step_bytes_);
    budget_bytes_ = std::max(small, live_charged * growth_percent_ / 100);
  }
  void discard_free_blocks() {
    space_.discard_beyond(budget_bytes_ + budget_bytes_ / 4 + kept_free_bytes);
  }
  void verify_stopped();

  // A full collection of the space, to which nothing leads from elsewhere. Returns the objects
  // reclaimed.
  template <class Team>
  std::uint64_t mark_and_settle(Team& team);

  // Collects because `bytes` more are wanted and are over the budget or, if it `must`, cannot be
  // had otherwise. False if another mutator has stopped the world first, and probably collected.
  bool make_room(Account& account, std::size_t bytes, bool must);

  // A zeroed cell, from this cursor or after a collection.
  CHURN_NEVER_INLINE std::byte* bump_on(Account& account, Cursor& cursor, std::size_t charge);
  CHURN_NEVER_INLINE std::byte* make_larger(Account& account, std::size_t charge);

  BlockSpace space_;
  World world_;
  GlobalRoots globals_;
  WatchedObjects watched_;

 private:
  static constexpr std::uint64_t small_factor = 8, step_fraction = 4;
  static constexpr std::uint64_t unlimited = std::uint64_t{1} << 62;
  static constexpr std::size_t share_bytes = 4 * BlockSpace::block_bytes;
  static constexpr std::uint64_t least_for_a_team_bytes = std::uint64_t{4} << 20;
  static constexpr std::uint64_t kept_free_bytes = std::uint64_t{1} << 20;
  enum class Answer { granted, collect_first, refused };

  Self& self() noexcept { return static_cast<Self&>(*this); }

  Answer ask(Account& account, std::size_t charge, std::size_t share);
  void regrant(Account& account, std::uint64_t credit) noexcept;
  bool find_run(Account& account, Cursor& cursor, std::size_t cell);
  [[noreturn]] void stop_full(Account& account, std::size_t bytes);

  // Below: for heaps that collect in another way than mark_and_settle().
 protected:
  // Gets credit for a cell.
  void obtain(Account& account, std::size_t charge, std::size_t share);
  [[noreturn]] void stop_without_pages(Account& account, std::size_t bytes);
  // pre: the world is stopped by this mutator
  std::uint64_t collect_and_resume(Account& account, std::uint32_t generation);
  struct Totals {
    std::uint64_t objects, charged;
  };
  Totals made() {
    Totals totals{gone_objects_, gone_charged_};
    for_each_account([&](Account& account) {
      totals.objects += account.made();
      totals.charged += account.charged();
    });
    return totals;
  }
  std::uint64_t reclaimed_objects() const noexcept {
    return reclaimed_[0] + reclaimed_[1] + reclaimed_[2];
  }

  std::mutex mutex_;  // of the space, and of all that is granted
  std::uint64_t const limit_bytes_, growth_percent_, step_bytes_;
  std::uint64_t budget_bytes_;
  std::uint64_t granted_ = 0;
  std::uint64_t gone_objects_ = 0, gone_charged_ = 0;  // of mutators that have detached
  std::uint64_t live_charged_ = 0;                     // at the last collection
  std::uint64_t reclaimed_charged_ = 0;
  std::uint64_t collector_cpu_ns_ = 0;  // beside what the clock tells
  CollectionClock<> clock_;
  std::array<std::uint64_t, generations> collections_{}, reclaimed_{};
  PauseLog pauses_;
};

// ---- allocation beyond the bump ----

template <class Self, class A>
std::byte* TracingHeap<Self, A>::bump_on(A& account, Cursor& cursor, std::size_t charge) {
  std::size_t const cell = ObjectHeader::cell(charge);
  bool const small = &cursor == &account.small;
  if (small) account.set_limit(account.lowest_limit);
  world_.poll(account);
  bool collected = false;
  while (!cursor.fits(cell) && !cursor.extend(cell)) {
    account.settle(cursor);
    cursor.drop_run();
    if (account.credit < cell) obtain(account, charge, share_bytes);
    if (find_run(account, cursor, cell)) continue;
    if (collected) stop_without_pages(account, cell);
    collected = self().make_room(account, cell, true);
  }
  if (small) account.set_limit(cursor.limit());
  return cursor.bump(cell);
}

template <class Self, class A>
std::byte* TracingHeap<Self, A>::make_larger(A& account, std::size_t charge) {
  std::size_t const cell = ObjectHeader::cell(charge);
  if (cell <= BlockSpace::largest_small_bytes) {
    return bump_on(account, account.medium, charge);
  }
  world_.poll(account);
  for (bool collected = false;;) {
    obtain(account, charge, cell);
    bool zero = false;
    std::unique_lock lock(mutex_);
    std::byte* const start = space_.take_large(cell, zero);
    lock.unlock();
    if (start != nullptr) {
      account.credit -= cell;
      account.moved += cell;
      ++account.objects;
      if (!zero) std::memset(start, 0, cell);
      return start;
    }
    if (collected) stop_without_pages(account, cell);
    collected = self().make_room(account, cell, true);
  }
}

// pre: account.credit >= cell. False where the kernel gives no more.
template <class Self, class A>
bool TracingHeap<Self, A>::find_run(A& account, Cursor& cursor, std::size_t cell) {
  while (!space_.next_run(cursor, cell, account.credit)) {
    std::lock_guard const lock(mutex_);
    if (!space_.take_block(cursor, &cursor == &account.medium)) return false;
  }
  account.credit -= cursor.rest();
  return true;
}

// Gets credit for `charge`, and for `share` if there is as much; collects first where it must.
template <class Self, class A>
void TracingHeap<Self, A>::obtain(A& account, std::size_t charge, std::size_t share) {
  for (bool collected = false;;) {
    Answer const answer = ask(account, charge, share);
    if (answer == Answer::granted) return;
    // Nothing was granted since this mutator collected: another collection would find nothing.
    if (answer == Answer::refused && collected && granted_ == 0) stop_full(account, charge);
    collected = self().make_room(account, std::max(charge, share), answer == Answer::refused);
  }
}

template <class Self, class A>
auto TracingHeap<Self, A>::ask(A& account, std::size_t charge, std::size_t share) -> Answer {
  std::size_t const cell = ObjectHeader::cell(charge);
  std::lock_guard const lock(mutex_);
  regrant(account, 0);
  share = std::max(share, cell);
  if (limit_bytes_ != 0) {
    std::uint64_t const used = live_charged_ + granted_;
    if (used + charge > limit_bytes_) return Answer::refused;
    // What others are granted counts as used; so none gets more than a small part at once.
    std::uint64_t const most = std::min(limit_bytes_ - used, limit_bytes_ / 256);
    share =
        std::max<std::size_t>(std::min<std::uint64_t>(share, most & ~(granule_bytes - 1)), cell);
  }
  if (self().due(share)) return Answer::collect_first;
  regrant(account, share);
  return Answer::granted;
}

// Corrects what this mutator was granted to what it has used, and adds `credit`. pre: locked
template <class Self, class A>
void TracingHeap<Self, A>::regrant(A& account, std::uint64_t credit) noexcept {
  std::uint64_t const used = account.charged() - account.charged_before + account.rest();
  granted_ += used + credit - account.granted;
  account.granted = used + credit;
  account.credit = credit;
}

// ---- collection ----

template <class Self, class A>
bool TracingHeap<Self, A>::make_room(A& account, std::size_t, bool) {
  if (!world_.stop(&account)) return false;
  collect_and_resume(account, generations - 1);
  return true;
}

template <class Self, class A>
std::uint64_t TracingHeap<Self, A>::collect_and_resume(A& account, std::uint32_t generation) {
  std::uint64_t const start_ns = PauseLog::records ? clock_.begin(generation) : 0;
  if constexpr (CHURN_VERIFYING) self().verify_stopped();
  for_each_account([](A& each) { each.leave_cursors(); });
  std::uint64_t const reclaimed = self().collect_stopped(account, generation);
  for_each_account([](A& each) { each.start_afresh(); });
  granted_ = 0;
  if constexpr (CHURN_VERIFYING) self().verify_stopped();
  if constexpr (PauseLog::records) clock_.end(generation, start_ns);
  pauses_.record_since(start_ns);
  world_.resume();
  return reclaimed;
}

template <class Self, class A>
template <class Team>
std::uint64_t TracingHeap<Self, A>::mark_and_settle(Team& team) {
  MarkView const marks = space_.marks();
  space_.clear_marks();
  team.begin(live_charged_ >= least_for_a_team_bytes);
  visit_roots([&](Ref& root) { team.push(root); });
  team.drain();
  auto const fate = [&](Ref object) { return marks.test(object.word()) ? object : Ref(); };
  for_each_account([&](A& account) { account.weak.clear_weak(true, fate); });
  if (watched_.find_dead(true, fate, [&](Ref& object) { team.push(object); })) team.drain();

  if constexpr (CHURN_VERIFYING) space_.starts().sweep(marks, space_.used_bytes());
  std::uint64_t const objects = space_.settle(team.cell_bytes());
  std::uint64_t const reclaimed = book(generations - 1, objects, team.charged_bytes());
  collector_cpu_ns_ += team.others_cpu_ns();
  set_budget();
  discard_free_blocks();
  return reclaimed;
}

template <class Self, class A>
std::uint64_t TracingHeap<Self, A>::book(std::uint32_t generation, std::uint64_t objects,
                                         std::uint64_t charged) {
  Totals const total = made();
  std::uint64_t const present = total.objects - reclaimed_objects();
  bool const more_survive_than_were_there =
      objects > present || charged > total.charged - reclaimed_charged_;
  CHURN_CHECK(!more_survive_than_were_there);
  ++collections_[generation];
  reclaimed_[generation] += present - objects;
  reclaimed_charged_ = total.charged - charged;
  live_charged_ = charged;
  return present - objects;
}

template <class Self, class A>
void TracingHeap<Self, A>::verify_stopped() {
  if constexpr (CHURN_VERIFYING) {
    std::uint64_t const reached = space_.starts().verify(
        space_.used_bytes(), [this](auto visit) { this->visit_roots(visit); },
        self().young_starts());
    bool const more_is_reachable_than_present = reached > made().objects - reclaimed_objects();
    CHURN_CHECK(!more_is_reachable_than_present);
  }
}

// ---- figures ----

template <class Self, class A>
Stats TracingHeap<Self, A>::stats() {
  Totals const total = made();
  Stats stats;
  stats.collections = collections_;
  stats.reclaimed_objects = reclaimed_;
  stats.allocated_objects = total.objects;
  stats.allocated_bytes = total.charged - ObjectHeader::bytes * total.objects;
  stats.reclaimed_bytes = reclaimed_charged_ - ObjectHeader::bytes * reclaimed_objects();
  stats.time_to_safepoint_max_ns = world_.time_to_safepoint().max();
  stats.collector_cpu_ns = collector_cpu_ns_ + clock_.total_ns();
  pauses_.report(stats);
  return stats;
}

template <class Self, class A>
void TracingHeap<Self, A>::stop_full(A& account, std::size_t bytes) {
  while (!world_.stop(&account)) {
  }
  stop(Outcome::out_of_memory,
       "the heap limit of %llu bytes is reached: after a full collection %llu objects of %llu "
       "bytes with headers are left, and %zu more are asked for",
       static_cast<unsigned long long>(limit_bytes_),
       static_cast<unsigned long long>(made().objects - reclaimed_objects()),
       static_cast<unsigned long long>(live_charged_), bytes);
}

template <class Self, class A>
void TracingHeap<Self, A>::stop_without_pages(A& account, std::size_t bytes) {
  while (!world_.stop(&account)) {
  }
  stop(Outcome::out_of_memory,
       "the kernel refused pages for %zu bytes, also after a full collection: %llu objects of %llu "
       "bytes with headers were left",
       bytes, static_cast<unsigned long long>(made().objects - reclaimed_objects()),
       static_cast<unsigned long long>(live_charged_));
}

}  // namespace churn::collectors
