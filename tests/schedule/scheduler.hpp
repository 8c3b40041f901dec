// What:  runs a few small threads through every interleaving of their atomic operations.
// Why:   a race that a stress test meets once in a million runs is met here for certain, on the
//        same schedule each time, which the failure prints.
// How:   the code under test takes its atomic as a template parameter and is given ScheduledRef,
//        each operation of which first hands control to the scheduler. One thread runs at a time.
//        The choices of a run form a path in a tree; the next run takes the next path, depth first.
//        A weak compare-exchange may fail for no reason, which is a choice too. A thread that
//        relaxes is not chosen again before another one has written something, unless all that are
//        left relax. One that awaits something is not chosen before that holds.
// When not: to test memory orders: all interleavings are sequentially consistent. ThreadSanitizer
//        and reading are for that. More than a dozen operations per thread do not end today.
// Cost:  about 10 µs an operation. The number of runs grows exponentially with operations.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/conform/collector_property.hpp"

namespace churn::schedule {

// A std::binary_semaphore that does not spin: where the machine is busy, each of its sched_yields
// lets all others go first.
class Baton {
 public:
  void release() {
    {
      std::lock_guard const lock(mutex_);
      there_ = true;
    }
    condition_.notify_one();
  }
  void acquire() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return there_; });
    there_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool there_ = false;
};

class Scheduler {
 public:
  using Body = std::function<void()>;

  struct Scenario {
    std::vector<Body> threads;
    Body check;  // after all threads have ended; throws a Violation
  };

  // Explores every schedule of the scenario that `make` builds afresh for each. Returns how many
  // there were; throws the first Violation, with its schedule. A deadlock ends the process with its
  // schedule.
  template <class Make>
  static std::uint64_t explore(Make const& make) {
    Scheduler scheduler;
    std::uint64_t runs = 0;
    do {
      Scenario const scenario = make();
      scheduler.run(scenario);
      ++runs;
    } while (scheduler.next_path());
    return runs;
  }

  // Called by the scheduled threads alone.
  static Scheduler& current() { return *current_; }
  // Whether the calling thread is one of them.
  static bool scheduled() { return current_ != nullptr; }
  void before_operation() { hand_over(State::ready); }
  void relax() { hand_over(State::relaxing); }
  // Goes on, sooner or later, at a time when condition() holds. It must not change anything.
  void await(std::function<bool()> condition) {
    seats_[running_]->condition = std::move(condition);
    hand_over(State::awaiting);
  }
  void wrote() {
    fruitless_wakes_ = 0;
    for (auto& seat : seats_) {
      if (seat->state == State::relaxing) seat->state = State::ready;
    }
  }
  // Whether this weak compare-exchange is to fail without a reason: at most once in a schedule.
  bool fails_spuriously() {
    if (spurious_failures_ > 0 || choose(2) == 0) return false;
    ++spurious_failures_;
    return true;
  }

 private:
  enum class State { ready, relaxing, awaiting, ended };
  struct Seat {
    std::thread thread;
    Baton go;
    State state = State::ready;
    std::function<bool()> condition;  // of one that awaits it
  };
  struct Choice {
    std::size_t taken, options;
  };

  void run(Scenario const& scenario) {
    depth_ = spurious_failures_ = fruitless_wakes_ = 0;
    failure_ = nullptr;
    seats_.clear();
    trace_.clear();
    for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
      seats_.push_back(std::make_unique<Seat>());
    }
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      seats_[i]->thread = std::thread([this, i, &body = scenario.threads[i]] { live(i, body); });
    }
    while (step()) {
    }
    for (auto& seat : seats_) seat->thread.join();
    try {
      if (failure_) std::rethrow_exception(failure_);
      scenario.check();
    } catch (conform::Violation& violation) {
      violation.text += ", schedule " + trace_;
      throw;
    }
  }

  void live(std::size_t index, Body const& body) {
    current_ = this;
    running_ = index;
    seats_[index]->go.acquire();
    try {
      body();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
    seats_[index]->state = State::ended;
    back_.release();
  }

  // Lets one thread go on to its next operation. False when all have ended.
  bool step() {
    std::vector<std::size_t> ready = able_to_run();
    if (ready.empty()) {
      ready = in_state(State::relaxing);
      if (ready.empty() && in_state(State::awaiting).empty()) return false;
      // One may have relaxed without need; once all have looked again, they wait for ever.
      if (ready.empty() || fruitless_wakes_++ > 2 * seats_.size()) {
        std::fprintf(stderr, "deadlock: every thread waits, schedule %s\n", trace_.c_str());
        std::abort();
      }
    }
    std::size_t const chosen = ready[choose(ready.size())];
    trace_ += static_cast<char>('A' + chosen);
    seats_[chosen]->go.release();
    back_.acquire();
    return true;
  }
  std::vector<std::size_t> able_to_run() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      Seat const& seat = *seats_[i];
      bool const goes_on = seat.state == State::awaiting && seat.condition();
      if (seat.state == State::ready || goes_on) found.push_back(i);
    }
    return found;
  }
  std::vector<std::size_t> in_state(State state) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      if (seats_[i]->state == state) found.push_back(i);
    }
    return found;
  }

  void hand_over(State state) {
    Seat& seat = *seats_[running_];
    seat.state = state;
    back_.release();
    seat.go.acquire();
  }

  std::size_t choose(std::size_t options) {
    if (depth_ == path_.size()) path_.push_back({0, options});
    return path_[depth_++].taken;
  }
  bool next_path() {
    while (!path_.empty() && path_.back().taken + 1 == path_.back().options) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().taken;
    return true;
  }

  static inline thread_local Scheduler* current_ = nullptr;
  static inline thread_local std::size_t running_ = 0;

  std::vector<std::unique_ptr<Seat>> seats_;
  Baton back_;
  std::vector<Choice> path_;
  std::size_t depth_ = 0;
  std::size_t spurious_failures_ = 0, fruitless_wakes_ = 0;
  std::exception_ptr failure_;
  std::string trace_;  // which thread was chosen, one letter a step
};

// As std::atomic_ref, as far as collectors use it.
template <class T>
class ScheduledRef {
 public:
  explicit ScheduledRef(T& value) noexcept : value_(value) {}

  T load(std::memory_order = std::memory_order_seq_cst) const {
    Scheduler::current().before_operation();
    return value_;
  }
  void store(T wanted, std::memory_order = std::memory_order_seq_cst) const {
    Scheduler::current().before_operation();
    Scheduler::current().wrote();
    value_ = wanted;
  }
  T fetch_add(T more, std::memory_order = std::memory_order_seq_cst) const {
    Scheduler::current().before_operation();
    Scheduler::current().wrote();
    return std::exchange(value_, value_ + more);
  }
  T fetch_sub(T less, std::memory_order = std::memory_order_seq_cst) const {
    Scheduler::current().before_operation();
    Scheduler::current().wrote();
    return std::exchange(value_, value_ - less);
  }
  T exchange(T wanted, std::memory_order = std::memory_order_seq_cst) const {
    Scheduler::current().before_operation();
    Scheduler::current().wrote();
    return std::exchange(value_, wanted);
  }
  bool compare_exchange_weak(T& expected, T wanted, std::memory_order, std::memory_order) const {
    Scheduler::current().before_operation();
    if (value_ == expected && !Scheduler::current().fails_spuriously()) {
      Scheduler::current().wrote();
      value_ = wanted;
      return true;
    }
    expected = value_;
    return false;
  }

 private:
  T& value_;
};

struct ScheduledRelax {
  void operator()() { Scheduler::current().relax(); }
};

}  // namespace churn::schedule
