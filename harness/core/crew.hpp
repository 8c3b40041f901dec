// What:  the threads of a cell: thread 0 is the caller, the others live as long as the crew. `run`
//        makes every thread do its part of a job, started together after a barrier.
// Why:   with one thread no thread is created at all, since many allocators and libstdc++ take
//        faster paths in a single-threaded process; and starting threads must not be part of what
//        is timed.
// Cost:  one barrier a run: about 1 µs while the threads spin, 50 µs once they sleep (they spin for
//        a while first where every thread has a core of its own). `run` allocates nothing.
// Thread-safety: `run` is called by the thread that made the crew.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <type_traits>
#include <vector>

namespace churn {

class Crew {
 public:
  // Thread t is pinned to cpus[t] where there is one. A pin that the kernel refuses is ignored: the
  // affinity mask may have shrunk since it was read.
  Crew(std::uint32_t threads, std::span<int const> cpus);
  ~Crew();
  Crew(Crew const&) = delete;
  Crew& operator=(Crew const&) = delete;

  std::uint32_t size() const noexcept { return threads_; }

  // Between jobs the other threads sleep at once, instead of spinning for the next one: for a
  // process that is to use no CPU now. Lasts until the next job.
  void rest() noexcept { resting_.store(true, std::memory_order_relaxed); }

  // From the moment in which all threads were at the start to the end of the last one.
  struct Makespan {
    std::uint64_t start_ns = 0, end_ns = 0;
    std::uint64_t ns() const noexcept { return end_ns - start_ns; }
  };

  // Calls job(thread) once on each thread. The job must not throw.
  template <class Job>
  Makespan run(Job&& job) {
    return run_erased(
        [](void* erased, std::uint32_t thread) {
          (*static_cast<std::remove_reference_t<Job>*>(erased))(thread);
        },
        &job);
  }

 private:
  using Erased = void (*)(void* job, std::uint32_t thread);
  struct alignas(128) Seat {
    std::uint64_t end_ns = 0;
  };

  Makespan run_erased(Erased call, void* job);
  void work(std::uint32_t thread, int cpu);
  void take_part(std::uint32_t thread);
  void await(std::atomic<std::uint32_t>& word, std::uint32_t unwanted) const noexcept;

  std::uint32_t const threads_;
  std::uint32_t const spins_;
  Erased call_ = nullptr;  // written before round_ is advanced, read after it is seen
  void* job_ = nullptr;
  std::uint64_t start_ns_ = 0;
  std::vector<Seat> seats_;
  std::atomic<std::uint32_t> round_{0};    // counts jobs; ~0: the crew ends
  std::atomic<std::uint32_t> arrived_{0};  // of this round, reset by the last to arrive
  std::atomic<std::uint32_t> started_{0};  // rounds in which all had arrived
  std::atomic<std::uint32_t> running_{0};  // of this round, still at work
  std::atomic<bool> resting_{false};       // only ends spins early: no order is needed
  std::vector<std::thread> others_;
};

}  // namespace churn
