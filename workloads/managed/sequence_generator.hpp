// What:  sequences of managed objects, each made element by element in a C++20 coroutine that a
//        consumer resumes.
// Why:   one half of a pair with sequence-list. A suspended frame is where roots live in programs
//        with generators: not on the machine stack and not in any order. Here the frame comes from
//        malloc, whatever the collector does, and holds a Root.
// Op:    one element: made, yielded, summed when the consumer lets it go; each sequence costs one
//        coroutine frame.
// Invariant: between units no generator exists; nothing but the consumer's window is live.
// Source: list against generator, the first advice of most texts on iterators; the pair is our own.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/sequence.hpp"
#include "workloads/parts/units.hpp"

namespace churn::sequence_generator {

inline constexpr WorkloadInfo info{
    .name = "sequence-generator",
    .summary = "the same sequences from a coroutine whose frame is one malloc and holds a root",
    .source = "list against generator; the counterpart of managed/sequence-list",
    .op = "one element made, yielded, summed once and dropped",
    .parameters = sequence::parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
};

// Owns the suspended coroutine. Each element is the consumer's to move out of `current`.
template <class M>
class Generator {
 public:
  struct promise_type {
    typename M::Local* current = nullptr;

    static void* operator new(std::size_t bytes) {
      void* const frame = std::malloc(bytes);
      if (frame == nullptr) {
        stop(Outcome::out_of_memory, "malloc(%zu) returned NULL for a coroutine frame", bytes);
      }
      return frame;
    }
    static void operator delete(void* frame) noexcept { std::free(frame); }

    Generator get_return_object() noexcept {
      return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    std::suspend_always yield_value(typename M::Local& element) noexcept {
      current = &element;
      return {};
    }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };

  Generator(Generator const&) = delete;
  Generator& operator=(Generator const&) = delete;
  ~Generator() { frame_.destroy(); }

  // False when the sequence has ended. pre: it has not ended before
  bool next() {
    frame_.resume();
    return !frame_.done();
  }
  typename M::Local& current() const noexcept { return *frame_.promise().current; }

 private:
  explicit Generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

// Not inlined: a compiler that sees both ends of a coroutine's life may put its frame on the stack.
template <class M>
CHURN_NEVER_INLINE Generator<M> generate(M& m, Random& random, std::uint32_t length) {
  typename M::Root element(m);
  for (std::uint32_t position = 0; position < length; ++position) {
    sequence::produce(m, *element, random, position);
    co_yield *element;
  }
}

template <class M>
class Workload {
 public:
  explicit Workload(WorkloadContext const& context)
      : length_(static_cast<std::uint32_t>(context["length"])),
        sequences_per_unit_(rounds_per_unit(length_)),
        seats_(seats_for<sequence::Seat<M>>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return sequences_per_unit_ * length_; }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) { seats_[thread].window.emplace(m); }

  void run(M& m, std::uint32_t thread) {
    sequence::Seat<M>& seat = seats_[thread];
    for (std::uint64_t i = 0; i < sequences_per_unit_; ++i) {
      Generator<M> generator = generate(m, seat.random, length_);
      while (generator.next()) seat.window->push(m, std::move(generator.current()));
    }
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    return seats_[thread].window->sum(m);
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    seats_[thread].window->dispose(m);
  }

  void teardown(M&, std::uint32_t thread) { seats_[thread].window.reset(); }

 private:
  std::uint32_t const length_;
  std::uint64_t const sequences_per_unit_;
  std::vector<sequence::Seat<M>> seats_;
};

}  // namespace churn::sequence_generator
