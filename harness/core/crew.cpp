#include "harness/core/crew.hpp"

#include <sched.h>

#include <algorithm>

#include "harness/core/clock.hpp"

namespace churn {
namespace {

constexpr std::uint32_t end_of_crew = ~0u;

void pin(int cpu) noexcept {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

std::uint32_t usable_cores() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

}  // namespace

Crew::Crew(std::uint32_t threads, std::span<int const> cpus)
    : threads_(threads), spins_(threads <= usable_cores() ? 20'000 : 0), seats_(threads) {
  auto const cpu_of = [&](std::uint32_t thread) {
    return thread < cpus.size() ? cpus[thread] : -1;
  };
  others_.reserve(threads - 1);
  for (std::uint32_t thread = 1; thread < threads; ++thread) {
    others_.emplace_back([this, thread, cpu = cpu_of(thread)] { work(thread, cpu); });
  }
  pin(cpu_of(0));
}

Crew::~Crew() {
  round_.store(end_of_crew, std::memory_order_release);  // pairs with the acquire in await
  round_.notify_all();
  for (auto& other : others_) other.join();
}

Crew::Makespan Crew::run_erased(Erased call, void* job) {
  call_ = call;
  job_ = job;
  if (threads_ == 1) {
    std::uint64_t const start_ns = now_ns();
    call(job, 0);
    return {start_ns, now_ns()};
  }
  resting_.store(false, std::memory_order_relaxed);
  running_.store(threads_, std::memory_order_relaxed);  // published by round_ below
  round_.fetch_add(1, std::memory_order_release);       // pairs with the acquire in await
  round_.notify_all();
  take_part(0);
  for (std::uint32_t left; (left = running_.load(std::memory_order_acquire)) != 0;) {
    await(running_, left);
  }
  std::uint64_t end_ns = 0;
  for (auto const& seat : seats_) end_ns = std::max(end_ns, seat.end_ns);
  return {start_ns_, end_ns};
}

void Crew::work(std::uint32_t thread, int cpu) {
  pin(cpu);
  for (std::uint32_t seen = 0;;) {
    await(round_, seen);
    seen = round_.load(std::memory_order_acquire);
    if (seen == end_of_crew) return;
    take_part(thread);
  }
}

void Crew::take_part(std::uint32_t thread) {
  std::uint32_t const before = started_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);  // published by started_
    start_ns_ = now_ns();
    started_.store(before + 1, std::memory_order_release);  // pairs with the acquire in await
    started_.notify_all();
  } else {
    await(started_, before);
  }
  call_(job_, thread);
  seats_[thread].end_ns = now_ns();
  if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_all();
}

void Crew::await(std::atomic<std::uint32_t>& word, std::uint32_t unwanted) const noexcept {
  for (std::uint32_t i = 0; i < spins_ && !resting_.load(std::memory_order_relaxed); ++i) {
    if (word.load(std::memory_order_acquire) != unwanted) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  while (word.load(std::memory_order_acquire) == unwanted) {
    word.wait(unwanted, std::memory_order_acquire);
  }
}

}  // namespace churn
