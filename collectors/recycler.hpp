// What:  reference counting beside running mutators: what they do to slots is logged, and a thread
//        of the heap's own takes references off the counts, frees, and finds dead cycles. Any
//        number of mutators.
// Why:   cycles are found without stopping anybody for longer than the end of an epoch, however
//        large what lives beside them.
// When not: no core to spare for the thread; or most objects outlive their epoch, when each costs
//        the counting on one side and the dropping on the other.
// How:   epochs, logs and fresh objects as in parts/epoch_heap.hpp. At the end of an epoch, with
//        the world stopped: what was kept is counted; then what was dropped of fresh objects; roots
//        count one for as long as some local names the object. A fresh object that then has a
//        count, and what it reaches, grows up: its slots are counted. All other fresh objects are
//        dead, cycles and all, and have cost no counting. What was dropped of grown objects is
//        handed to the thread, so that drops are counted one epoch after what was kept. The thread
//        counts them, frees what has none left, and suspects what has; parts/cycle_proof.hpp is
//        the search among those, whose proof ends with an epoch.
// When:  the thread searches when there are `candidates` suspects, or fewer and 65 536 objects have
//        grown up, but not before as many were suspected or have grown up as the last search met
//        in vain. So it meets at most one live object for each of those, and what it has not yet
//        found of the dead is at most as large as what it last met.
// Collections: collect() ends epochs until the thread has looked at every suspect. A pause is the
//        end of an epoch, and waiting: for collect(), and when more drops are handed over than the
//        thread can count (a quarter of what has grown up, or 65 536). The thread waits for no end
//        of an epoch while somebody waits for it. But the world stands still only when it has come
//        to its next poll: where others have the cores it comes late (114 ms, with 15 programs to a
//        core and nobody waiting for drops).
// Invariants: between ends of epochs a grown object's count is the number of grown objects' slots
//        that name it, plus one if it was rooted, less what the logs have kept, plus what they and
//        the thread's table have dropped. A fresh object has a count of zero.
// Cost:  as epoch_heap; a fresh object that dies one visit; one that grows up the visits of its
//        slots. A pause is in proportion to what one epoch can make, log and keep in roots.
// Source: D. F. Bacon, C. R. Attanasio, H. B. Lee, V. T. Rajan, S. Smith, Java without the coffee
//        breaks, PLDI 2001, for epochs, buffers and the thread. There each mutator ends its epoch
//        by itself; here all do together, and so fresh objects can die uncounted, which is S.
//        Blackburn and K. McKinley's idea, Ulterior reference counting, OOPSLA 2003.
#pragma once

#include <algorithm>
#include <array>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>

#include "collectors/parts/background_duty.hpp"
#include "collectors/parts/cycle_proof.hpp"
#include "collectors/parts/epoch_heap.hpp"
#include "collectors/parts/own_cores.hpp"
#include "collectors/parts/split_heap.hpp"
#include "collectors/parts/tracing_mutator.hpp"

namespace churn::recycler {

// Neither weak references nor finalizers: the thread frees what it has proved dead while mutators
// run, and a weak reference that gave one of those would be a reference that no proof knows of.
inline constexpr Traits traits{
    .concurrent = true, .counts = true, .cells_from_malloc = true, .owned_threads = 1};

inline constexpr std::array parameters{
    ParameterInfo{"candidates", 1024, 1, 1'000'000, "suspects that start a search"},
    ParameterInfo{"epoch_kib", 512, 16, 1'000'000,
                  "KiB that a mutator allocates in an epoch, or up to 8 times as many"},
};

class Heap : public collectors::EpochHeap<Heap> {
  using Base = EpochHeap;
  using Count = collectors::MarkedCount;
  using Mark = collectors::CycleMark;
  using Word = collectors::Word;
  using Buffer = collectors::PageBuffer<collectors::EpochHeader>;
  friend Base;
  friend Base::MallocHeap;

 public:
  static constexpr Traits const& traits = recycler::traits;

  explicit Heap(HeapOptions const& options)
      : Base(options,
             static_cast<std::uint64_t>(options.setting(parameters[1].name, parameters[1].standard))
                 << 10),
        least_candidates_(
            static_cast<std::size_t>(options.setting(parameters[0].name, parameters[0].standard))),
        thread_([this] { live(); }) {}
  ~Heap() {
    duty_.end();
    thread_.join();
  }

  // The generation does not matter. Returns the objects that were freed meanwhile.
  std::uint64_t collect(Account& member, std::uint32_t generation) {
    return collect(*member.seat, generation);
  }

  void quiesce() { duty_.rest(); }
  void resume() { duty_.work(); }

  Stats stats() {
    Stats stats = Base::stats();
    // Relaxed: a figure.
    stats.collector_cpu_ns += thread_cpu_ns_.load(std::memory_order_relaxed);
    return stats;
  }

  // No mutator runs, or only the caller's.
  void verify() {
    duty_.rest();
    check_totals();
    if (CHURN_VERIFYING) verify_counts();
    duty_.work();
  }

 private:
  // ---- the end of an epoch: the world is stopped, by a mutator ----

  void end_epoch(Seat& own) {
    for_each_seat([this](Seat& seat) {
      for (Header* const header : seat.kept) gain(header);
      seat.kept.clear();
    });
    for_each_seat([this](Seat& seat) {
      for (Header* const header : seat.dropped) {
        if (header->is(Header::fresh)) {
          header->count -= Count::one;
        } else {
          dropped_.push(header);
        }
      }
      seat.dropped.clear();
    });
    take_roots();
    grow_up();
    for_each_seat([this, &own](Seat& seat) {
      for (Header* const header : seat.fresh) {
        if (header->is(Header::fresh)) free_cell(own, header);
      }
      seat.fresh.clear();
    });
    ++epochs_;
    auto const number = duty_.post();
    bool const too_many = dropped_.size() > std::max<std::uint64_t>(least_overrun, grown_ / 4);
    overrun_.store(too_many ? number : 0, std::memory_order_relaxed);  // see after_epoch
  }
  // Hook of the base: the world goes on.
  void after_epoch(Seat& seat, std::uint64_t) {
    // Relaxed: a number too small or too large waits too short or too long.
    auto const number = overrun_.load(std::memory_order_relaxed);
    if (number == 0) return;
    std::uint64_t const start_ns = now_ns();
    await(seat, number);
    pauses_.record_since(start_ns);
  }

  void gain(Header* header) {
    CHURN_ASSERT(Count::value(header->count) < Mark::most_references);
    header->count += Count::one;
    if (header->is(Header::fresh)) {
      growing_.push(header);
    } else {
      collectors::CycleProof::rise(header);
    }
  }

  // What is rooted counts one, once.
  void take_roots() {
    for_each_root([this](Header* header) {
      if (header->is(Header::listed)) return;
      if (!header->is(Header::rooted)) gain(header);
      header->change(0, Header::listed);
      now_rooted_.push(header);
    });
    for (Header* const header : rooted_) {
      if (header->is(Header::listed)) continue;
      header->change(Header::rooted, 0);
      dropped_.push(header);
    }
    for (Header* const header : now_rooted_) header->change(Header::listed, Header::rooted);
    rooted_.clear();
    rooted_.swap(now_rooted_);
  }

  // Fresh objects that are named, and what they reach.
  void grow_up() {
    std::size_t named = 0;
    for (Header* const header : growing_) {
      bool const counts = header->is(Header::fresh) && Count::value(header->count) != 0;
      if (!counts) continue;
      grow(header);
      growing_[named++] = header;
    }
    growing_.set_end(growing_.begin() + named);
    for (std::size_t next = 0; next < growing_.size(); ++next) {
      Base::for_each_child(growing_[next], [this](Header* child) {
        child->count += Count::one;
        if (child->is(Header::fresh)) {
          grow(child);
          growing_.push(child);
        } else {
          collectors::CycleProof::rise(child);
        }
      });
    }
    choose_length(growing_.size());
    grown_ += growing_.size();
    recently_grown_ += growing_.size();
    growing_.clear();
  }
  // The longer an epoch, the fewer objects outlive it; the more outlive it, the longer the pause.
  void choose_length(std::size_t growing) noexcept {
    std::size_t fresh = 0;
    for_each_seat([&fresh](Seat& seat) { fresh += seat.fresh.size(); });
    if (growing > most_growing) {
      extra_polls_ /= 2;
    } else if (growing > fresh / 8) {
      extra_polls_ = std::min(2 * extra_polls_ + 1, most_extra_polls);
    } else if (growing < fresh / 32) {
      extra_polls_ /= 2;
    }
  }
  static void grow(Header* header) noexcept {
    header->change(Header::fresh, 0);
    if (header->slot_count() == 0) Mark::set(header, Mark::atom);
  }

  // ---- the thread: it lets the world be stopped in poll alone ----

  void live() {
    collectors::use_all_cores();
    world_.attach(self_);
    collectors::BackgroundDuty::Task task;
    while (await_task(task)) {
      work(task.urgent);
      bool const more = proof_.has_members() || proof_.candidates() != 0 || !dropped_.empty();
      unfinished_.store(more, std::memory_order_relaxed);  // see collect
      // Relaxed: a figure.
      thread_cpu_ns_.store(read_clock_ns(CLOCK_THREAD_CPUTIME_ID), std::memory_order_relaxed);
      duty_.done(task);
    }
    world_.detach(self_);
  }
  bool await_task(collectors::BackgroundDuty::Task& task) {
    world_.block(self_);
    bool const goes_on = duty_.next(task);
    world_.unblock(self_);
    return goes_on;
  }
  auto poll() noexcept {
    return [this] { world_.poll(self_); };
  }

  void work(bool search_all) {
    if (proof_.has_members() && !settle()) return;
    count_drops();
    while (search_all ? proof_.candidates() != 0 : is_worth_a_search()) {
      std::size_t const enough = search_all ? ~std::size_t{0} : batch_objects;
      recently_grown_ = recently_suspected_ = 0;
      in_vain_ = proof_.guess(enough, poll());
      proof_.prove(poll());
      if (!proof_.has_members()) continue;
      proved_in_ = epochs_;
      proofs_ = 0;
      return;  // the next end of an epoch decides
    }
  }
  bool is_worth_a_search() const noexcept {
    std::size_t const fresh_work = recently_grown_ + recently_suspected_;
    bool const enough = proof_.candidates() >= least_candidates_ ||
                        (proof_.candidates() != 0 && recently_grown_ >= most_unsearched);
    return enough && fresh_work >= in_vain_;
  }

  // What to do about the members. False: they wait for another end of an epoch.
  bool settle() {
    if (proved_in_ == epochs_) return false;
    if (!proof_.is_proved(poll())) {
      if (++proofs_ < most_proofs) {
        proof_.prove(poll());
        proved_in_ = epochs_;
        return !proof_.has_members();
      }
      proof_.give_up();
      return true;
    }
    free_members();
    return true;
  }
  void free_members() {
    Buffer& members = proof_.members();
    for (Header* const header : members) {
      for_each_named(header, [this](Header* child) {
        if (!Mark::is_member(child)) drop(child);
      });
    }
    for (Header* const header : members) give_back(header);
    members.clear();
  }

  void count_drops() {
    counting_.swap(dropped_);
    while (!counting_.empty()) {
      drop(counting_.pop());
      world_.poll(self_);
    }
    counting_.clear();
  }
  void drop(Header* header) {
    if (lose(header)) reclaim(header);
  }
  bool lose(Header* header) {
    header->count -= Count::one;
    if (Count::value(header->count) == 0) {
      if (Mark::is_place(header)) proof_.forget(header);
      return true;
    }
    if (Mark::of(header) == Mark::none) {
      proof_.suspect(header);
      ++recently_suspected_;
    }
    return false;
  }
  // The dead wait in a list through their counts for their slots to be dropped.
  void reclaim(Header* dead) {
    dead->count = 0;
    while (dead != nullptr) {
      auto* next = reinterpret_cast<Header*>(dead->count);
      for_each_named(dead, [&](Header* child) {
        if (!lose(child)) return;
        child->count = reinterpret_cast<Word>(next);
        next = child;
      });
      give_back(dead);
      dead = next;
    }
  }
  // Of the dead, whose slots do not change.
  template <class Visit>
  void for_each_named(Header* header, Visit visit) {
    Word const* const slots = slots_of(header);
    for (std::uint32_t i = 0; i < header->slot_count(); ++i) {
      if (i % slots_between_polls == 0) world_.poll(self_);
      if (slots[i] != 0) visit(header_of(slots[i]));
    }
  }
  void give_back(Header* header) {
    --grown_;
    free_cell(thread_seat_, header);
    world_.poll(self_);
  }

  // ---- mutators that wait for it ----

  std::uint64_t collect(Seat& seat, std::uint32_t) {
    std::uint64_t const start_ns = now_ns();
    std::uint64_t const before = accounts_.sum(&Seat::reclaimed_objects);
    for (int round = 0; round < most_rounds; ++round) {
      epoch(seat, false);
      await(seat, duty_.post_urgently());
      // Relaxed: ordered by await; what a later task says is as good.
      if (!unfinished_.load(std::memory_order_relaxed)) break;
    }
    std::uint64_t const found = accounts_.sum(&Seat::reclaimed_objects) - before;
    std::lock_guard const lock(booking_);
    return book(collectors::full_collection, found, start_ns);
  }
  void await(Seat& seat, collectors::BackgroundDuty::Number number) {
    world_.block(*seat.member);
    duty_.await(number);
    world_.unblock(*seat.member);
  }

  void verify_counts() {
    recount_epoch({dropped_.begin(), dropped_.end()},
                  [](Header const* header, Word named, Word kept) {
                    Word const count = Count::value(header->count);
                    bool const counts_and_logs_agree_with_slots =
                        count + kept == named + header->is(Header::rooted);
                    CHURN_CHECK(counts_and_logs_agree_with_slots);
                    CHURN_CHECK(count == 0 || !header->is(Header::fresh));
                  });
  }

  static constexpr std::uint32_t slots_between_polls = 512;
  static constexpr std::size_t batch_objects = 1u << 16, least_overrun = 1u << 16;
  static constexpr std::uint64_t most_unsearched = 1u << 16;
  static constexpr int most_proofs = 4, most_rounds = 16;
  static constexpr std::size_t most_growing = 24'576;  // about 1 ms
  static constexpr std::uint64_t most_extra_polls = 7;

  // Of the end of an epoch.
  Buffer growing_, rooted_, now_rooted_;
  std::atomic<collectors::BackgroundDuty::Number> overrun_{0};  // what to wait for

  // Of the thread, or of the end of an epoch, which exclude each other.
  struct ThreadMember : collectors::World::Member {
  } self_;
  Buffer dropped_, counting_;
  collectors::CycleProof proof_;
  std::uint64_t epochs_ = 0, proved_in_ = 0;
  std::uint64_t grown_ = 0;  // present objects that are not fresh
  std::uint64_t recently_grown_ = 0, recently_suspected_ = 0, in_vain_ = 0;  // since a search
  int proofs_ = 0;
  std::atomic<bool> unfinished_{false};
  std::mutex booking_;
  std::size_t const least_candidates_;
  std::atomic<std::uint64_t> thread_cpu_ns_{0};

  collectors::BackgroundDuty duty_;
  Seat& thread_seat_ = Base::MallocHeap::attach();
  std::thread thread_;  // last: it uses all of the above
};

struct Collector {
  using Heap = recycler::Heap;
  using Mutator = collectors::TracingMutator<Heap>;
  using Split = collectors::SplitOf<Heap, collectors::TracingMutator>;
  static constexpr Traits const& traits = recycler::traits;
  static constexpr std::string_view summary =
      "counts in epochs; a thread beside the program frees and finds cycles";
  static constexpr std::span<ParameterInfo const> parameters{recycler::parameters};
};

}  // namespace churn::recycler
