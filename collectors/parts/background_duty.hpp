// What:  the work of a heap's own thread: who posts it, who waits for it, when it rests, when it
//        ends.
// Why:   a wake-up that is lost shows as a program that hangs once in a month.
// How:   posts are numbered; the thread takes all there are at once, under the lock, and says when
//        it is done with them. What is posted as urgent is done even while the thread rests.
// Cost:  a lock a post, a switch of threads where somebody waits.
// Thread-safety: next and done by the thread alone, all else by any thread. `Policy` (Mutex,
//        Condition) is a parameter so that a scheduler can drive it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace churn::collectors {

template <class Policy>
class BackgroundDutyOf {
  using Lock = std::unique_lock<typename Policy::Mutex>;

 public:
  using Number = std::uint64_t;

  struct Task {
    Number number = 0;
    bool urgent = false;
  };

  Number post() { return post(false); }
  Number post_urgently() { return post(true); }
  // Until all up to this one is done.
  void await(Number number) {
    Lock lock(mutex_);
    while (done_ < number) finished_.wait(lock);
  }

  // Done with all that was posted, and nothing more is begun until work() unless it is urgent.
  void rest() {
    Lock lock(mutex_);
    resting_ = false;
    wake_.notify_all();
    Number const number = posted_;
    while (done_ < number) finished_.wait(lock);
    resting_ = true;
  }
  void work() {
    Lock const lock(mutex_);
    resting_ = false;
    wake_.notify_all();
  }
  // next() gives false from now on. What was posted before is not done any more.
  void end() {
    Lock const lock(mutex_);
    ending_ = true;
    wake_.notify_all();
  }

  // Waits for something to do; false: the thread is to end.
  bool next(Task& task) {
    Lock lock(mutex_);
    while (!ending_ && !(resting_ ? urgent_ > done_ : posted_ > done_)) wake_.wait(lock);
    task = {posted_, urgent_ > done_};
    return !ending_;
  }
  void done(Task const& task) {
    Lock const lock(mutex_);
    done_ = task.number;
    finished_.notify_all();
  }

 private:
  Number post(bool urgent) {
    Lock const lock(mutex_);
    ++posted_;
    if (urgent) urgent_ = posted_;
    wake_.notify_all();
    return posted_;
  }

  typename Policy::Mutex mutex_;
  typename Policy::Condition wake_, finished_;
  Number posted_ = 0, urgent_ = 0, done_ = 0;
  bool resting_ = false, ending_ = false;
};

struct DutyPolicy {
  using Mutex = std::mutex;
  using Condition = std::condition_variable;
};
using BackgroundDuty = BackgroundDutyOf<DutyPolicy>;

}  // namespace churn::collectors
