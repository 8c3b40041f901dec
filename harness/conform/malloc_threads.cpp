// Properties of blocks that go from thread to thread. Built with -fno-builtin like
// malloc_blocks.cpp.
#include <stdint.h>
#include <string.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "harness/conform/malloc_properties.hpp"
#include "harness/conform/marked_block.hpp"
#include "harness/core/random.hpp"

namespace churn::conform {
namespace {

constexpr int threads = 3;
constexpr size_t places = 512;
using Places = std::array<std::atomic<MarkedBlock*>, places>;

// A thread that says goodbye to the malloc under test, as pthreads does to that of the process.
template <class Work>
std::thread start_thread(Malloc const& m, Work work) {
  return std::thread([&m, work] {
    work();
    m.thread_exit();
  });
}

// Threads put their blocks into places of all three, and free whatever they find there.
void freed_by_others(Malloc const& m) {
  auto rings = std::make_unique<std::array<Places, threads>>();
  auto const work = [&](int self) {
    Random random = Random::fork(3, static_cast<uint64_t>(self));
    for (int i = 0; i < 30'000; ++i) {
      auto& ring = (*rings)[static_cast<size_t>((self + i) % threads)];
      MarkedBlock* const fresh = MarkedBlock::make(m, random);
      // Release publishes the marks, acquire sees those of whoever was here before.
      MarkedBlock* const old =
          ring[random.below(places)].exchange(fresh, std::memory_order_acq_rel);
      if (old != nullptr) old->release(m);
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.push_back(start_thread(m, [&work, i] { work(i); }));
  for (auto& worker : workers) worker.join();
  for (auto& ring : *rings) {
    for (auto& place : ring) {
      if (MarkedBlock* const block = place.load(std::memory_order_relaxed)) block->release(m);
    }
  }
}

// Threads die with live blocks, which stay good and can be freed by others, many times over.
void thread_death(Malloc const& m) {
  for (uint64_t round = 0; round < 100; ++round) {
    std::vector<MarkedBlock*> left(200);
    start_thread(m, [&] {
      Random random = Random::fork(4, round);
      for (auto& block : left) block = MarkedBlock::make(m, random);
      for (size_t i = 0; i < left.size(); i += 2) left[i]->release(m);
    }).join();
    for (size_t i = 1; i < left.size(); i += 2) left[i]->release(m);
  }
}

// One thread makes all blocks and never frees, the other frees all and never makes: what comes back
// must be found again by the first.
void one_way(Malloc const& m) {
  Places ring{};
  std::atomic<bool> done{false};
  std::thread consumer = start_thread(m, [&] {
    for (bool last = false; !last;) {
      last = done.load(std::memory_order_acquire);  // pairs with the release below: one more look
      for (auto& place : ring) {
        if (MarkedBlock* const block = place.exchange(nullptr, std::memory_order_acquire))
          block->release(m);
      }
    }
  });
  Random random(7);
  for (int i = 0; i < 60'000; ++i) {
    MarkedBlock* const fresh = MarkedBlock::make(m, random);
    MarkedBlock* expected = nullptr;
    // A place that is still taken means that the consumer is behind: this one is freed here.
    if (!ring[random.below(places)].compare_exchange_strong(
            expected, fresh, std::memory_order_release, std::memory_order_relaxed)) {
      fresh->release(m);
    }
  }
  done.store(true, std::memory_order_release);
  consumer.join();
}

constexpr std::array properties{
    Property{"freed-by-others", "a block may be freed by any thread", freed_by_others},
    Property{"thread-death", "blocks outlive the thread that made them", thread_death},
    Property{"one-way", "one thread may make all blocks and another free them", one_way},
};

}  // namespace

std::span<Property const> thread_properties() noexcept { return properties; }

}  // namespace churn::conform
