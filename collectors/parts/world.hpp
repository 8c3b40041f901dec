// What:  the safepoint protocol of one heap: who its mutators are, and how one of them, or a thread
//        of the heap's own, makes all others stand still (stop, resume) or makes each of them do
//        something at its next safepoint without standing still (handshake).
// Why:   a collector that looks at roots, or moves objects, must know that no mutator is between
//        two halves of an operation; and a thread that waits or sleeps must not hold it up.
// When not: counting collectors without epochs never need to know what other mutators do.
// How:   each member has a word that it polls. Whoever wants something takes the lock, says what,
//        and sets the words of the running members; each sees it at its next poll and answers under
//        the lock. A member that is away (blocked, or parked by an earlier stop) cannot come back
//        while the world is stopped; in a handshake the action is done on its behalf, and it cannot
//        come back while that lasts. One stop or handshake at a time: who asks for one while
//        another lasts steps aside, which is as good as being blocked, and then goes on; only who
//        wanted to stop and found the world being stopped is told so, since what it wanted has
//        probably been done.
// Invariants: `running_` members are neither away nor leaving. While the world is stopped none runs
//        but the stopper, and no member attaches or detaches: the list may be walked without a
//        lock. A handshake's action is done exactly once for each member that was attached when it
//        began, and for none that attached later; `announce` runs in the moment that divides them.
// Cost:  a poll is a relaxed load of a word that only its own member reads, about .5 ns. Attaching,
//        detaching, blocking, unblocking: an uncontended lock, about 20 ns. Stopping a world of one
//        member: the same. Else until the last member polls: that is recorded for each of them.
// Source: as in any virtual machine; the names follow R. Jones, A. Hosking, E. Moss, The Garbage
//        Collection Handbook, 2nd ed. 2023, sections 11.6 and 16.5 (GC-safe points, handshakes).
// Thread-safety: every function may be called by any thread, except that a member's own are called
//        by its thread alone. `Policy` is a parameter so that a scheduler can drive it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "harness/core/check.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/histogram.hpp"

namespace churn::collectors {

struct ThreadsPolicy {
  template <class T>
  using Atomic = std::atomic<T>;
  using Mutex = std::mutex;
  using Condition = std::condition_variable;
  // How often the stopper looks whether the others have arrived before it sleeps: about 5 µs, more
  // than the way to the next safepoint takes on a core of its own.
  static constexpr int spins = 256;
  static void relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
};

template <class Policy = ThreadsPolicy>
class WorldOf {
  using Lock = std::unique_lock<typename Policy::Mutex>;

 public:
  // Derive a mutator from it. It belongs to its world from attach to detach.
  class Member {
   public:
    Member() noexcept = default;
    Member(Member const&) = delete;
    Member& operator=(Member const&) = delete;

    // Relaxed: it says only that something is wanted; what, is read under the lock.
    CHURN_ALWAYS_INLINE bool asked() const noexcept { return limit() == wanted; }

    // How far its thread may allocate without a look at anything else: so that one comparison
    // answers whether there is room and whether something is wanted. Every limit is above
    // `lowest_limit`, which is what remains after an answer.
    static constexpr std::uintptr_t lowest_limit = 1;
    CHURN_ALWAYS_INLINE std::uintptr_t limit() const noexcept {
      return limit_.load(std::memory_order_relaxed);
    }
    // Unless something is wanted. By its thread, or while that stands still.
    void set_limit(std::uintptr_t limit) noexcept {
      std::uintptr_t before = this->limit();
      if (before != wanted) {
        limit_.compare_exchange_strong(before, limit, std::memory_order_relaxed);
      }
    }

   protected:
    ~Member() = default;

   private:
    friend WorldOf;
    static constexpr std::uintptr_t wanted = 0;
    typename Policy::template Atomic<std::uintptr_t> limit_{lowest_limit};
    // Under the lock.
    bool away_ = false;     // blocked or parked
    bool pending_ = false;  // the handshake's action is still to be done
    bool visited_ = false;  // it is being done on this member's behalf
    Member* next_ = nullptr;
    Member* previous_ = nullptr;
  };

  WorldOf() = default;
  WorldOf(WorldOf const&) = delete;
  WorldOf& operator=(WorldOf const&) = delete;
  ~WorldOf() {
    bool const world_ends_before_its_members = first_ != nullptr;
    CHURN_CHECK(!world_ends_before_its_members);
  }

  // A GC point: waits while the world is stopped. `on_attach` runs under the lock, so what a former
  // handshake or stop has left behind is visible to it.
  template <class OnAttach>
  void attach(Member& member, OnAttach on_attach) {
    Lock lock(mutex_);
    await_resumption(lock);
    member.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &member;
    first_ = &member;
    add_running(1);
    on_attach();
  }
  void attach(Member& member) {
    attach(member, [] {});
  }

  // A GC point: answers a handshake first. `on_detach` runs under the lock when nothing is pending;
  // for a stop that is under way the member is simply gone. pre: not blocked
  template <class OnDetach>
  void detach(Member& member, OnDetach on_detach) {
    Lock lock(mutex_);
    CHURN_CHECK(!member.away_);
    note_arrival(member);
    if (member.pending_) act(lock, member);
    on_detach();
    if (member.next_ != nullptr) member.next_->previous_ = member.previous_;
    (member.previous_ != nullptr ? member.previous_->next_ : first_) = member.next_;
    member.next_ = member.previous_ = nullptr;
    add_running(-1);
    if (operation_ != Operation::none) arrived_.notify_all();
  }
  void detach(Member& member) {
    detach(member, [] {});
  }

  CHURN_ALWAYS_INLINE void poll(Member& member) {
    if (member.asked()) [[unlikely]] {
      answer(member);
    }
  }

  // From block to unblock the member holds up nobody, and touches nothing of the heap.
  void block(Member& member) {
    Lock const lock(mutex_);
    CHURN_CHECK(!member.away_);
    leave(member);
  }
  void unblock(Member& member) {
    Lock lock(mutex_);
    CHURN_CHECK(member.away_);
    come_back(lock, member);
    if (member.pending_) act(lock, member);
  }

  // Stops all members but `self` (null: the caller is none) and gives true; or gives false after
  // another stop has come and gone, in which `self` stood still. pre: self is not blocked, and the
  // caller has not stopped the world already
  [[nodiscard]] bool stop(Member* self) {
    Lock lock(mutex_);
    while (operation_ != Operation::none) {
      bool const another_stops = operation_ == Operation::stop;
      step_aside(lock, self);
      if (another_stops) return false;
    }
    begin(Operation::stop);
    for (Member* member = first_; member != nullptr; member = member->next_) {
      if (member != self) ask(*member);
    }
    await_arrival(lock, self == nullptr ? 0 : 1);
    return true;
  }
  // pre: the caller has stopped the world
  void resume() {
    Lock const lock(mutex_);
    CHURN_CHECK(operation_ == Operation::stop);
    end();
  }
  // Runs work() while the world is stopped, unless another one stops it first: then false.
  template <class Work>
  bool run_stopped(Member* self, Work work) {
    if (!stop(self)) return false;
    work();
    resume();
    return true;
  }

  // Does action(member) for every member: by the member itself at its next safepoint, or on its
  // behalf while it is away. Returns when all are done. `announce` runs under the lock before any
  // of them. The action may be done for several members at the same time; it must not call this
  // world. pre: as stop
  template <class Announce, class Action>
  void handshake(Member* self, Announce announce, Action action) {
    Lock lock(mutex_);
    while (operation_ != Operation::none) step_aside(lock, self);
    begin(Operation::handshake);
    announce();
    act_ = [](void* erased, Member& member) { (*static_cast<Action*>(erased))(member); };
    action_ = &action;
    for (Member* member = first_; member != nullptr; member = member->next_) {
      member->pending_ = true;
      ++pending_members_;
      if (member != self) ask(*member);
    }
    if (self != nullptr) act(lock, *self);
    while (pending_members_ != 0) {
      if (Member* const member = pending_and_away()) {
        visit(lock, *member);
      } else {
        arrived_.wait(lock);
      }
    }
    end();
  }

  // pre: the caller has stopped the world, or no member runs
  template <class Visit>
  void for_each(Visit visit) {
    for (Member* member = first_; member != nullptr; member = member->next_) visit(*member);
  }

  // ns from the wish to the arrival of each member that was running then.
  Histogram time_to_safepoint() const {
    Lock const lock(mutex_);
    return time_to_safepoint_;
  }

 private:
  enum class Operation { none, stop, handshake };

  CHURN_NEVER_INLINE void answer(Member& member) {
    Lock lock(mutex_);
    note_arrival(member);
    if (member.pending_) act(lock, member);
    if (operation_ == Operation::stop) {
      leave(member);
      come_back(lock, member);
    }
  }

  // ---- all of these: under the lock ----

  void begin(Operation operation) {
    operation_ = operation;
    ++operations_;
    asked_ns_ = now_ns();
  }
  void end() {
    operation_ = Operation::none;
    ended_.notify_all();
  }

  void ask(Member& member) {
    // Relaxed: see asked().
    if (!member.away_) member.limit_.store(Member::wanted, std::memory_order_relaxed);
  }
  void note_arrival(Member& member) {
    if (!member.asked()) return;
    member.limit_.store(Member::lowest_limit, std::memory_order_relaxed);  // see asked()
    if (operation_ != Operation::none) time_to_safepoint_.record(now_ns() - asked_ns_);
  }

  void leave(Member& member) {
    note_arrival(member);
    member.away_ = true;
    add_running(-1);
    if (operation_ != Operation::none) arrived_.notify_all();
  }
  void come_back(Lock& lock, Member& member) {
    while (operation_ == Operation::stop || member.visited_) ended_.wait(lock);
    member.away_ = false;
    add_running(1);
    if (member.pending_) ask(member);
  }
  void await_resumption(Lock& lock) {
    while (operation_ == Operation::stop) ended_.wait(lock);
  }
  // Until the operation under way has ended; as good as blocked meanwhile.
  void step_aside(Lock& lock, Member* self) {
    if (self != nullptr) leave(*self);
    std::uint64_t const this_one = operations_;
    while (operation_ != Operation::none && operations_ == this_one) ended_.wait(lock);
    if (self != nullptr) come_back(lock, *self);
  }

  // Until at most so many members run.
  void await_arrival(Lock& lock, std::uint32_t allowed) {
    if (running() > allowed && Policy::spins != 0) {
      lock.unlock();
      for (int i = 0; i < Policy::spins && running() > allowed; ++i) Policy::relax();
      lock.lock();
    }
    while (running() > allowed) arrived_.wait(lock);
  }
  // Relaxed: written under the lock alone, and read again there before it counts.
  std::uint32_t running() const noexcept { return running_.load(std::memory_order_relaxed); }
  void add_running(int more) noexcept {
    running_.store(running() + static_cast<std::uint32_t>(more), std::memory_order_relaxed);
  }

  // By the member itself.
  void act(Lock& lock, Member& member) {
    do_action(lock, member);
    arrived_.notify_all();
  }
  // On behalf of one that is away.
  void visit(Lock& lock, Member& member) {
    member.visited_ = true;
    do_action(lock, member);
    member.visited_ = false;
    ended_.notify_all();
  }
  void do_action(Lock& lock, Member& member) {
    auto* const call = act_;
    void* const action = action_;
    lock.unlock();
    call(action, member);
    lock.lock();
    member.pending_ = false;
    --pending_members_;
  }
  Member* pending_and_away() noexcept {
    Member* member = first_;
    while (member != nullptr && !(member->pending_ && member->away_)) member = member->next_;
    return member;
  }

  mutable typename Policy::Mutex mutex_;
  typename Policy::Condition arrived_;  // who began an operation waits here
  typename Policy::Condition ended_;    // everyone else
  Member* first_ = nullptr;
  typename Policy::template Atomic<std::uint32_t> running_{0};
  Operation operation_ = Operation::none;
  std::uint64_t operations_ = 0;  // begun so far
  std::uint64_t asked_ns_ = 0;
  void (*act_)(void*, Member&) = nullptr;  // of the handshake
  void* action_ = nullptr;
  std::uint32_t pending_members_ = 0;
  Histogram time_to_safepoint_;
};

using World = WorldOf<>;

}  // namespace churn::collectors
