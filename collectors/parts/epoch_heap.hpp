// What:  a counting heap that does not count when a reference is copied, but in epochs: what each
//        mutator did to slots is logged, locals are not counted at all, and at the end of an epoch
//        the world stands still while logs and roots are taken over.
// Why:   most references are made and lost within an epoch, and most of those are locals: neither
//        then costs more than the store itself. No count is ever changed by two threads.
// How:   an object is fresh until the epoch in which it was made ends. Stores into a fresh object
//        are not logged: its slots are read once, at the end, if it is still of interest. Every
//        store into an older object logs what was lost and what was kept. Log, fresh objects and
//        account form a seat (parts/seats.hpp), which stays when its mutator ends: the next epoch
//        finds the log, and the next mutator goes on with it.
// Hooks: Self provides end_epoch(seat, start_ns), with the world stopped, which must take over all
//        seats' logs and fresh objects, clear `fresh`, and leave them empty; and, if it has one,
//        after_epoch(seat, start_ns), called when the world goes on.
// When:  an epoch ends when a mutator has allocated `poll_bytes`, or logged `most_logged` stores,
//        at its next GC point; less often while there are many roots, each of which an epoch
//        visits.
// Invariants: between epochs the flags of all headers but `watched` do not change.
// Cost:  16 bytes an object; an allocation pushes one word more; a store into an older object two.
// Source: L. P. Deutsch, D. G. Bobrow, An efficient, incremental, automatic garbage collector, CACM
//        19(9), 1976; D. F. Bacon et al., Java without the coffee breaks, PLDI 2001. That new
//        objects need no log: H. Azatchi, E. Petrank, Integrating generations with advanced
//        reference counting garbage collectors, CC 2003.
// Thread-safety: any number of mutators.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "collectors/parts/deaths.hpp"
#include "collectors/parts/malloc_heap.hpp"
#include "collectors/parts/page_buffer.hpp"
#include "collectors/parts/recount.hpp"
#include "collectors/parts/seats.hpp"
#include "collectors/parts/traced_roots.hpp"

namespace churn::collectors {

struct EpochHeader : ObjectLinks {
  using Flag = std::uint32_t;                     // beside the number of slots, which has 24 bits
  static constexpr Flag fresh = Flag{1} << 31;    // made in this epoch
  static constexpr Flag rooted = Flag{1} << 30;   // some local names it
  static constexpr Flag listed = Flag{1} << 29;   // Self's own
  static constexpr Flag dead = Flag{1} << 28;     // and its memory not yet given back
  static constexpr Flag watched = Flag{1} << 27;  // its death is to be told

  void describe(Shape shape) noexcept {
    count = 0;
    slots = shape.slots | fresh;
    payload_bytes = shape.payload_bytes;
  }
  std::uint32_t slot_count() const noexcept { return bits() & (Flag{1 << 24} - 1); }
  Shape shape() const noexcept { return {slot_count(), payload_bytes}; }
  // Relaxed: flags change while the world is stopped, except `watched`, which is looked at then.
  bool is(Flag flag) const noexcept { return (bits() & flag) != 0; }
  void set(Flag flag) noexcept {
    std::atomic_ref(slots).fetch_or(flag, std::memory_order_relaxed);  // see is
  }
  // pre: the world is stopped
  void change(Flag clear, Flag set) noexcept {
    std::atomic_ref(slots).store((bits() & ~clear) | set, std::memory_order_relaxed);  // see is
  }

  Word count;  // Self's

 private:
  std::uint32_t bits() const noexcept {
    return std::atomic_ref(const_cast<std::uint32_t&>(slots)).load(std::memory_order_relaxed);
  }
  std::uint32_t slots;
  std::uint32_t payload_bytes;
};

struct EpochMember;

// What one mutator has done in this epoch, and its former users.
struct EpochSeat : Account<SharedCounter> {
  PageBuffer<EpochHeader> fresh;          // made
  PageBuffer<EpochHeader> kept, dropped;  // named by older objects' slots now, and not any more
  EpochMember* member = nullptr;          // who uses it
  bool known = false;                     // to the heap
};

struct EpochMember : World::Member {
  TracedRoots roots;
  WeakReferences weak;
  EpochSeat* seat = nullptr;
};

// As WatchedObjects, with a flag in the header, so that all others die without being looked for.
class FlaggedWatchedObjects : public WatchedObjects {
 public:
  void watch(Ref object, std::uint64_t tag) {
    (reinterpret_cast<EpochHeader*>(object.slots()) - 1)->set(EpochHeader::watched);
    WatchedObjects::watch(object, tag);
  }
};

template <class Self>
class EpochHeap : public MallocHeap<Self, EpochHeader, SharedCounter, EpochSeat> {
  using Base = MallocHeap<Self, EpochHeader, SharedCounter, EpochSeat>;
  friend Base;

 public:
  using Account = EpochMember;
  using Seat = EpochSeat;
  using Header = EpochHeader;

  explicit EpochHeap(HeapOptions const& options, std::uint64_t poll_bytes)
      : Base(options, poll_bytes), poll_bytes_(poll_bytes) {}

  void attach(Account& member) { world_.attach(member, Base::attach()); }
  void detach(Account& member) {
    Seat& seat = *member.seat;
    world_.detach(member);
    Base::detach(seat);
  }
  auto& world() noexcept { return world_; }
  GlobalRoots& global_roots() noexcept { return globals_; }
  FlaggedWatchedObjects& watched() noexcept { return watched_; }

  CHURN_ALWAYS_INLINE Ref make(Account& member, Shape shape) {
    world_.poll(member);
    Ref const object = Base::make(*member.seat, shape);
    member.seat->fresh.push(Base::header_of(object));
    return object;
  }
  CHURN_ALWAYS_INLINE void at_safepoint(Account& member) {
    if (logged(*member.seat) >= most_logged) [[unlikely]] {
      epoch(*member.seat);
    }
  }

  CHURN_ALWAYS_INLINE void before_write(Account& member, Ref object, Ref old) {
    if (!old || Base::header_of(object)->is(Header::fresh)) return;
    log(*member.seat, member.seat->dropped, old);
  }
  CHURN_ALWAYS_INLINE void after_write(Account& member, Ref object, Ref value) {
    if (!value || Base::header_of(object)->is(Header::fresh)) return;
    log(*member.seat, member.seat->kept, value);
  }
  void revived(Account&, Ref) noexcept {}  // a local names it, and is visited

  Stats stats() {
    Stats stats = Base::stats();
    stats.time_to_safepoint_max_ns = world_.time_to_safepoint().max();
    // Relaxed: a figure.
    stats.collector_cpu_ns = cpu_ns_.load(std::memory_order_relaxed);
    return stats;
  }

 protected:
  static constexpr std::size_t most_logged = std::size_t{1} << 14;

  // Ends an epoch, unless another mutator does so first: that is as good. A GC point. Where it is
  // part of a longer pause it is not recorded.
  void epoch(Seat& seat, bool recorded = true) {
    if (!world_.stop(seat.member)) return;
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const start_cpu_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    visited_roots_ = 0;
    self().end_epoch(seat);
    // Relaxed: the next epoch may wait too long or not long enough.
    polls_left_.store(visited_roots_ * sizeof(Word) * 4 / poll_bytes_ + extra_polls_,
                      std::memory_order_relaxed);
    cpu_ns_.fetch_add(read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_cpu_ns,
                      std::memory_order_relaxed);  // a figure
    if (recorded) Base::pauses_.record_since(start_ns);
    world_.resume();
    if constexpr (requires { self().after_epoch(seat, start_ns); }) {
      if (recorded) self().after_epoch(seat, start_ns);
    }
  }

  // ---- with the world stopped ----

  template <class Visit>
  void for_each_seat(Visit visit) {
    world_.for_each_seat(visit);
  }
  // visit(header) for what each root names, often several times.
  template <class Visit>
  void for_each_root(Visit visit) {
    auto const visit_ref = [&](Ref const& ref) {
      ++visited_roots_;
      visit(Base::header_of(ref));
    };
    for_each_seat([&](Seat& seat) {
      if (seat.member != nullptr) seat.member->roots.visit(visit_ref);
    });
    globals_.visit(visit_ref);
    watched_.visit_ready(visit_ref);
  }
  bool any_weak_references() {
    bool any = false;
    settle_weak_references([&](Ref ref) {
      any = true;
      return ref;
    });
    return any;
  }
  template <DecidesFate Fate>
  void settle_weak_references(Fate fate) {
    for_each_seat([&](Seat& seat) {
      if (seat.member != nullptr) seat.member->weak.clear_weak(true, fate);
    });
  }
  template <class Visit>
  static void for_each_child(EpochHeader* header, Visit visit) {
    Word const* const slots = Base::slots_of(header);
    for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
      if (slots[i] != 0) visit(Base::header_of(slots[i]));
    }
  }

  // Where all objects are listed: check(header, named, kept) for each, with how many slots of older
  // objects name it, what was dropped and is not counted yet included, and how often the logs have
  // kept it. All that is named exists.
  template <class Check>
  void recount_epoch(std::span<EpochHeader*> dropped, Check check) {
    using Recount = collectors::Recount<EpochHeader>;
    Recount named(Base::objects_), kept(Base::objects_), uncounted(Base::objects_);
    Base::objects_.for_each([&](EpochHeader* header) {
      bool const fresh = header->is(EpochHeader::fresh);
      for_each_child(header, [&](EpochHeader* child) { (fresh ? uncounted : named).see(child); });
    });
    for_each_root([&](EpochHeader* header) { uncounted.see(header); });
    for (EpochHeader* const header : dropped) named.see(header);
    for_each_seat([&](Seat& seat) {
      for (EpochHeader* const header : seat.dropped) named.see(header);
      for (EpochHeader* const header : seat.kept) kept.see(header);
    });
    std::vector<Word> kept_counts;
    kept.for_each([&](EpochHeader*, Word times) { kept_counts.push_back(times); });
    auto next = kept_counts.begin();
    named.for_each([&](EpochHeader* header, Word times) { check(header, times, *next++); });
  }

  // Hook of the base.
  void at_poll(Seat& seat) {
    // Relaxed: see epoch.
    std::uint64_t const left = polls_left_.load(std::memory_order_relaxed);
    if (left == 0 || logged(seat) >= most_logged) return epoch(seat);
    polls_left_.store(left - 1, std::memory_order_relaxed);  // see epoch
  }

  SeatedWorldOf<ThreadsPolicy, EpochMember, EpochSeat> world_;
  FlaggedWatchedObjects watched_;
  GlobalRoots globals_;
  std::uint64_t extra_polls_ = 0;  // for Self to make epochs longer by

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }

  static std::size_t logged(Seat const& seat) noexcept {
    return seat.kept.size() + seat.dropped.size();
  }
  CHURN_ALWAYS_INLINE void log(Seat& seat, PageBuffer<EpochHeader>& entries, Ref object) {
    entries.push(Base::header_of(object));
    // The next allocation then asks at_poll.
    if (entries.size() % most_logged == 0) seat.poll_at.set(seat.charged.get());
  }

  std::uint64_t const poll_bytes_;
  std::uint64_t visited_roots_ = 0;
  std::atomic<std::uint64_t> polls_left_{0}, cpu_ns_{0};
};

}  // namespace churn::collectors
