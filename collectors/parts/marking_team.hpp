// What:  several markers on one heap: packets of work that those who have enough give to those who
//        have none, and the threads.
// Why:   marking is bound by the latency of memory, so a second core helps even where a second
//        thread shares the bandwidth; and the world waits for it.
// When not: a heap of a few megabytes: waking threads costs more than it gives.
// How:   roots are put into packets. Each marker works on a stack of its own; after each quantum it
//        looks whether somebody waits, and if so gives the older half of what it has, or half of a
//        range of slots. All is marked when every marker that has started waits. The threads are
//        oneTBB's; where CHURN_VERIFYING is set, a thread crew, since ThreadSanitizer cannot look
//        into Debian's oneTBB. No marker waits for one that has not started, so any number of
//        threads will do.
// Errors: if the kernel has no pages for a packet, stop(Outcome::out_of_memory).
// Cost:  an atomic operation a mark, where one marker needs none; a lock a packet of 510 words.
// Thread-safety: one drain() at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "collectors/parts/marker.hpp"
#include "collectors/parts/own_cores.hpp"
#include "collectors/parts/page_buffer.hpp"
#include "harness/core/clock.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/crew.hpp"

#if !CHURN_VERIFYING
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif

namespace churn::collectors {

inline constexpr ParameterInfo markers_parameter{"markers", 1, 1, 64, "threads that mark"};

// The packets.
class MarkingPool {
 public:
  MarkingPool() = default;
  MarkingPool(MarkingPool const&) = delete;
  MarkingPool& operator=(MarkingPool const&) = delete;
  ~MarkingPool() {
    for (auto* buffer : {&full_, &empty_}) {
      while (!buffer->empty()) unmap_pages(buffer->pop(), sizeof(Packet));
    }
  }

  // Moves all of a stack, or what it can spare, into packets.
  void put_all(MarkStack& stack) {
    while (!stack.empty()) put(stack, stack.size());
  }
  void share(MarkStack& stack) {
    if (stack.size() >= fewest_words) put(stack, stack.size() / 2);
  }
  // Somebody waits and finds nothing. Relaxed: a hint.
  bool hungry() const noexcept { return hungry_.load(std::memory_order_relaxed); }

  // A marker starts. False: all is done already.
  bool join() {
    std::lock_guard const lock(mutex_);
    if (done_) return false;
    ++members_;
    return true;
  }
  // Gives the stack something to do, or returns false when all is done. pre: the stack is empty
  bool take(MarkStack& stack) {
    std::unique_lock lock(mutex_);
    ++idle_;
    while (full_.empty() && !done_) {
      if (idle_ == members_) {
        done_ = true;
        changed_.notify_all();
        break;
      }
      hungry_.store(true, std::memory_order_relaxed);  // see hungry()
      changed_.wait(lock);
    }
    if (done_) return false;
    --idle_;
    Packet* const packet = full_.pop();
    stack.reserve(packet->size);
    for (std::size_t i = 0; i < packet->size; ++i) stack.push(packet->words[i]);
    empty_.push(packet);
    return true;
  }
  // Before the next drain. No marker is at work.
  void reset() noexcept {
    members_ = idle_ = 0;
    done_ = false;
    hungry_.store(false, std::memory_order_relaxed);  // see hungry()
  }

 private:
  struct Packet {
    std::size_t size;
    Word words[page_bytes / sizeof(Word) - 1];
  };
  static constexpr std::size_t fewest_words = 4;
  static constexpr std::uint32_t shortest_range = 512;

  void put(MarkStack& stack, std::size_t words) {
    std::lock_guard const lock(mutex_);
    Packet* const packet = empty_.empty() ? new_packet() : empty_.pop();
    packet->size =
        stack.split_oldest_range(packet->words, shortest_range)
            ? 2
            : stack.take_oldest(packet->words, std::min(words, std::size(packet->words)));
    full_.push(packet);
    hungry_.store(false, std::memory_order_relaxed);  // see hungry()
    changed_.notify_one();
  }
  static Packet* new_packet() {
    auto* const packet = static_cast<Packet*>(map_pages(sizeof(Packet)));
    if (packet == nullptr) stop(Outcome::out_of_memory, "no page for a packet of a marker");
    return packet;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  PageBuffer<Packet> full_, empty_;
  std::uint32_t members_ = 0, idle_ = 0;
  bool done_ = false;
  std::atomic<bool> hungry_{false};
};

// The markers of one heap. A marking is begin(), roots pushed, drain(), perhaps more pushed and
// drained, and then the figures.
class MarkingTeam {
 public:
  MarkingTeam(MarkView marks, std::uint64_t markers)
      : markers_(static_cast<std::uint32_t>(markers)), alone_(marks) {
    if (markers_ == 1) return;
    for (std::uint32_t i = 0; i < markers_; ++i) {
      several_.push_back(std::make_unique<Marker<true>>(marks));
    }
  }

  // A small heap is marked by the calling thread alone.
  void begin(bool large) noexcept {
    others_cpu_ns_.store(0, std::memory_order_relaxed);  // before there are threads
    together_ = markers_ > 1 && (large || CHURN_VERIFYING);
    alone_.restart();
    for (auto& marker : several_) marker->restart();
  }
  void push(Ref object) {
    if (!together_) return alone_.push(object);
    several_[0]->push(object);
  }
  // Until everything is marked that is reachable from what was pushed.
  void drain() {
    if (!together_) return alone_.drain();
    pool_.reset();
    pool_.put_all(several_[0]->stack());
    auto const caller = std::this_thread::get_id();
    run_on_threads([this, caller](std::uint32_t index) {
      bool const is_caller = std::this_thread::get_id() == caller;
      if (!is_caller) use_all_cores();
      std::uint64_t const start_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
      work(*several_[index]);
      if (is_caller) return;
      // Relaxed: read after all have been joined.
      others_cpu_ns_.fetch_add(read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns,
                               std::memory_order_relaxed);
    });
  }

  // Of all that was marked since begin().
  std::uint64_t charged_bytes() const noexcept {
    std::uint64_t sum = alone_.charged_bytes();
    for (auto const& marker : several_) sum += marker->charged_bytes();
    return sum;
  }
  std::uint64_t cell_bytes() const noexcept {
    std::uint64_t sum = alone_.cell_bytes();
    for (auto const& marker : several_) sum += marker->cell_bytes();
    return sum;
  }
  // Of threads other than the caller's.
  std::uint64_t others_cpu_ns() const noexcept {
    return others_cpu_ns_.load(std::memory_order_relaxed);
  }

 private:
  void work(Marker<true>& marker) {
    if (!pool_.join()) return;
    while (pool_.take(marker.stack())) {
      while (!marker.stack().empty()) {
        marker.run();
        if (pool_.hungry()) pool_.share(marker.stack());
      }
      marker.stack().release();
    }
  }

#if CHURN_VERIFYING
  template <class Job>
  void run_on_threads(Job job) {
    Crew(markers_, {}).run(job);
  }
#else
  template <class Job>
  void run_on_threads(Job job) {
    if (!arena_) {
      // oneTBB has as many threads as the calling thread has cores, and that one may be pinned.
      threads_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                       markers_);
      arena_ = std::make_unique<tbb::task_arena>(static_cast<int>(markers_));
    }
    arena_->execute(
        [&] { tbb::parallel_for(std::uint32_t{0}, markers_, job, tbb::simple_partitioner()); });
  }
  std::unique_ptr<tbb::global_control> threads_;
  std::unique_ptr<tbb::task_arena> arena_;
#endif

  std::uint32_t const markers_;
  bool together_ = false;
  Marker<false> alone_;
  std::vector<std::unique_ptr<Marker<true>>> several_;
  MarkingPool pool_;
  std::atomic<std::uint64_t> others_cpu_ns_{0};
};

}  // namespace churn::collectors
