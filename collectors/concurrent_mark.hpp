// What:  a tracing collector that marks beside running mutators, from a snapshot taken at the
//        beginning. N mutators and one thread of its own.
// Why:   the world need not stand still for as long as it takes to mark what is live: it stops
//        twice, for the roots and for what the logs still hold.
// When not: a heap so small that it is marked within a pause anyway, on a program that writes
//        references all the time: there it is mark-sweep with a barrier.
// How:   1. when enough has been allocated, the mutator that notices stops the world, greys the
//           roots, and traces for as long as a pause may last (`pause_us`). A small heap is done
//           with that: no other thread is woken;
//        2. otherwise the world goes on, and the heap's thread traces. Mutators note what they
//           overwrite (parts/snapshot_log.hpp), and allocate from free blocks alone, whose objects
//           are black: all their marks are set beforehand;
//        3. the world is stopped again: what the logs hold is traced; if that takes too long, 2
//           goes on. Weak references to what is not marked are cleared, watched objects that died
//           are greyed and traced (parts/deaths.hpp); marks are counted, and whoever allocates
//           sweeps, as in mark-sweep. (parts/snapshot_cycle.hpp is 1 to 3.)
//        collect() blocks its mutator, waits for the cycle under way, and drives one of its own: so
//        it finds everything that was unreachable when it was called.
// Pace:  while a cycle marks, mutators may allocate half a budget freely, four blocks at least.
//        From then on each share of a block costs them a wait of `pause_us`, and after another
//        whole budget they wait for the end. So the heap grows to two and a half budgets above what
//        was live, at most, and only the last of these waits is longer than a pause.
// Invariants: parts/snapshot_cycle.hpp. The marker and the cycle's own state belong to whoever has
//        the turn (parts/cycle_turn.hpp); mutators see the begin and the end of a cycle only in
//        stopped worlds.
// Cost:  as mark-sweep, and a load and a test for each store; while a cycle marks, a test of a mark
//        for each reference that is overwritten, and for those not yet marked a note. What dies
//        while a cycle marks lives until the end of the next.
// Source: T. Yuasa, Real-time garbage collection on general-purpose machines, J. Systems and
//        Software 11, 1990.
#pragma once

#include <array>
#include <string_view>

#include "collectors/parts/cycle_turn.hpp"
#include "collectors/parts/snapshot_cycle.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/tracing_heap.hpp"
#include "collectors/parts/tracing_mutator.hpp"

namespace churn::concurrent_mark {

inline constexpr Traits traits{
    .concurrent = true, .weak = true, .finalizers = true, .owned_threads = 1};

inline constexpr ParameterInfo pause_parameter{"pause_us", 100, 0, 1'000'000,
                                               "a pause may trace for so many microseconds"};
inline constexpr std::array parameters{
    collectors::growth_parameter,
    collectors::huge_pages_parameter,
    pause_parameter,
    collectors::step_parameter,
};

class Heap;
using Cycle = collectors::SnapshotCycle<Heap>;

struct Account : collectors::TracingAccount {
  collectors::SnapshotLogs<>::Log log;
};

class Heap : public collectors::TracingHeap<Heap, Account> {
  using Base = TracingHeap;
  using Ref = collectors::Ref;
  using Word = collectors::Word;
  friend Base;
  friend Cycle;

 public:
  static constexpr Traits const& traits = concurrent_mark::traits;

  explicit Heap(HeapOptions const& options)
      : Base(CHURN_VERIFYING ? collecting_often(options) : options),
        pause_ns_(setting(options, pause_parameter) * 1000),
        marker_(space_.marks()),
        cycle_(*this),
        turn_([this] { drive(); }) {}

  CHURN_ALWAYS_INLINE void before_write(Account& account, Ref, Ref old) {
    if (account.log.on) [[unlikely]] {
      note(account, old);
    }
  }
  // It may have been reachable by no other path when the cycle began.
  void revived(Account& account, Ref object) {
    if (account.log.on) note(account, object);
  }
  void attached(Account& account) noexcept { cycle_.attach(account.log); }
  void detaching(Account& account) { cycle_.detach(account.log); }

  std::uint64_t collect(Account& account, std::uint32_t) {
    world_.block(account);
    turn_.take();
    measured([this] { begin_and_drive(); });
    std::uint64_t const reclaimed = reclaimed_by_cycle_;
    turn_.give_back();
    world_.unblock(account);
    return reclaimed;
  }

  // A cycle may end on the heap's thread while no mutator runs; so these wait for its pauses.
  Stats stats() {
    std::lock_guard const lock(pause_mutex_);
    Stats stats = Base::stats();
    stats.collector_cpu_ns += turn_.cpu_ns();
    return stats;
  }
  void verify() {
    std::lock_guard const lock(pause_mutex_);
    verify_stopped();
  }
  void quiesce() { turn_.quiesce(); }
  void resume() { turn_.resume(); }

 private:
  // What mutators may allocate freely while a cycle marks, at least: some shares.
  static constexpr std::uint64_t least_free_bytes = 4 * collectors::BlockSpace::block_bytes;

  class Patience {
   public:
    explicit Patience(std::uint64_t ns) noexcept : end_ns_(now_ns() + ns) {}
    bool operator()() const noexcept { return now_ns() < end_ns_; }

   private:
    std::uint64_t end_ns_;
  };

  CHURN_NEVER_INLINE void note(Account& account, Ref old) {
    if (old && !space_.marks().test_beside(old.word())) cycle_.logs().note(account.log, old.word());
  }

  // Where it is to be proved right, cycles follow each other closely, however small the heap is.
  static HeapOptions collecting_often(HeapOptions options) {
    options.settings.push_back({std::string(collectors::step_parameter.name), 64});
    return options;
  }

  // ---- who drives ----

  // Begins a cycle, or waits for one. True if this mutator has driven one to its end.
  bool make_room(Account& account, std::size_t bytes, bool must) {
    if (!turn_.try_take()) {
      wait_for_cycle(account, bytes, must);
      return false;
    }
    bool done = false;
    if (must || !world_.stop(&account)) {
      measured([&] { blocked(account, [this] { begin_and_drive(); }); });
      done = true;
    } else {
      measured([&] { done = begin_stopped(); });
      world_.resume();
      if (!done && turn_.hand_over()) return false;
      // Quiesced: nobody else may.
      if (!done) measured([&] { blocked(account, [this] { drive(); }); });
      done = true;
    }
    turn_.give_back();
    return done;
  }
  void wait_for_cycle(Account& account, std::size_t bytes, bool must) {
    std::uint64_t const start_ns = now_ns();
    blocked(account, [&] {
      if (must || !extend_budget(bytes)) {
        turn_.await();
      } else {
        turn_.await(pause_ns_);
      }
    });
    pauses_.record_since(start_ns);
  }
  // Lets a mutator that is about to wait a little allocate a little then, if that does not go too
  // far.
  bool extend_budget(std::size_t bytes) {
    std::lock_guard const lock(mutex_);
    if (budget_bytes_ >= most_budget_bytes_) return false;
    budget_bytes_ = std::max(budget_bytes_, granted_ + bytes);
    return true;
  }
  template <class Work>
  void blocked(Account& account, Work work) {
    world_.block(account);
    work();
    world_.unblock(account);
  }
  // Books the CPU time of what a mutator does for the cycle.
  template <class Work>
  void measured(Work work) {
    std::uint64_t const start_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    work();
    std::lock_guard const lock(pause_mutex_);
    collector_cpu_ns_ += read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
  }

  // pre: the caller has the turn, and runs no mutator, here and below
  void begin_and_drive() {
    bool done = false;
    run_stopped([&] { done = begin_stopped(); });
    if (!done) drive();
  }
  // From the begin of a cycle to its end.
  void drive() {
    for (bool done = false; !done;) {
      if (!cycle_.mark([this] { return !turn_.ending(); })) return;
      run_stopped([&] { done = end_stopped(); });
    }
  }
  template <class Work>
  void run_stopped(Work work) {
    while (!world_.run_stopped(nullptr, work)) {
    }
  }

  // ---- the pauses ----

  bool begin_stopped() {
    std::uint64_t const start_ns = now_ns();
    std::lock_guard const lock(pause_mutex_);
    verify_stopped();
    // Where it is to be proved right, every other cycle goes on beside the mutators, however small
    // the heap is.
    bool const hurry = CHURN_VERIFYING && ++begun_ % 2 == 0;
    return pause(start_ns, cycle_.begin(Patience(hurry ? 0 : pause_ns_)));
  }
  bool end_stopped() {
    std::uint64_t const start_ns = now_ns();
    std::lock_guard const lock(pause_mutex_);
    return pause(start_ns, cycle_.end(Patience(pause_ns_)));
  }
  bool pause(std::uint64_t start_ns, bool done) {
    if (done) verify_stopped();
    pauses_.record_since(start_ns);
    return done;
  }

  // ---- the host of the cycle ----

  template <class Visit>
  void for_each_log(Visit visit) {
    for_each_account([&](Account& account) { visit(account.log); });
  }
  void began() {
    for_each_account([](Account& account) { account.leave_cursors(); });
    made_before_ = made();
    space_.begin_black();
    marker_.restart();
    std::lock_guard const lock(mutex_);
    std::uint64_t const budget = budget_bytes_;
    budget_bytes_ = granted_ + std::max<std::uint64_t>(budget / 2, least_free_bytes);
    most_budget_bytes_ = budget_bytes_ + budget;
  }
  void grey_roots() {
    visit_roots([this](Ref& root) { marker_.push(root); });
  }
  void grey(Word object) { marker_.push(Ref::of(object)); }
  template <class P>
  bool trace(P patience) {
    while (!marker_.stack().empty()) {
      if (!patience()) return false;
      marker_.run();
    }
    return true;
  }
  bool revive() {
    auto const fate = [marks = space_.marks()](Ref object) {
      return marks.test(object.word()) ? object : Ref();
    };
    for_each_account([&](Account& account) { account.weak.clear_weak(true, fate); });
    return watched_.find_dead(true, fate, [this](Ref& object) { marker_.push(object); });
  }
  void ended() {
    for_each_account([](Account& account) { account.leave_cursors(); });
    if constexpr (CHURN_VERIFYING) space_.starts().sweep(space_.marks(), space_.used_bytes());
    std::uint64_t const marked = space_.end_black(marker_.cell_bytes());
    Totals const now = made();
    reclaimed_by_cycle_ = book(generations - 1, marked + now.objects - made_before_.objects,
                               marker_.charged_bytes() + now.charged - made_before_.charged);
    for_each_account([](Account& account) { account.start_afresh(); });
    std::lock_guard const lock(mutex_);
    granted_ = 0;
    // Of what was made meanwhile nobody knows how much lives.
    set_budget(marker_.charged_bytes());
    discard_free_blocks();
  }

  std::uint64_t const pause_ns_;
  // Of the cycle; belong to whoever has the turn.
  collectors::Marker<false, true> marker_;
  Totals made_before_{};
  std::uint64_t most_budget_bytes_ = 0;
  std::uint64_t begun_ = 0, reclaimed_by_cycle_ = 0;
  std::mutex pause_mutex_;  // of the figures, and of what verify() looks at
  Cycle cycle_;
  collectors::CycleTurn turn_;  // last: its thread uses all of the above
};

struct Collector {
  using Heap = concurrent_mark::Heap;
  using Mutator = collectors::TracingMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::TracingMutator>;
  static constexpr Traits const& traits = concurrent_mark::traits;
  static constexpr std::string_view summary =
      "tracing: marks a snapshot beside running mutators, two short pauses";
  static constexpr auto const& parameters = concurrent_mark::parameters;
};

}  // namespace churn::concurrent_mark
