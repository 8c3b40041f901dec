// What:  the collector under test as properties see it. A Subject owns the heap and the main
//        thread's Hand; a Hand is one mutator that stamps what it allocates and counts it.
// Why:   the promises differ (exact counts, a cyclic rest, nothing reclaimed, released by hand),
//        the properties should not: `expect_present` asks each collector for what it promises.
// How:   where objects are released by hand, a property cannot know which are dead; all are then
//        released together when the Subject ends. The mutation test releases them one by one.
#pragma once

#include <atomic>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/conform/collector_property.hpp"
#include "harness/core/contracts.hpp"

namespace churn::conform {

// Fills a payload with what only this identity gives. Fewer than 8 bytes hold a part of it.
inline void stamp(std::byte* payload, std::uint32_t bytes, std::uint64_t identity) noexcept {
  for (std::uint32_t at = 0; at < bytes; at += 8) {
    std::uint64_t const word = identity * 0x9e3779b97f4a7c15u + at;
    std::memcpy(payload + at, &word, bytes - at < 8 ? bytes - at : 8);
  }
}
inline bool stamped(std::byte const* payload, std::uint32_t bytes,
                    std::uint64_t identity) noexcept {
  for (std::uint32_t at = 0; at < bytes; at += 8) {
    std::uint64_t const word = identity * 0x9e3779b97f4a7c15u + at;
    if (std::memcmp(payload + at, &word, bytes - at < 8 ? bytes - at : 8) != 0) return false;
  }
  return true;
}

constexpr Shape node{2, 16};  // what most properties build from
constexpr std::uint32_t full = generations - 1;

// Whether unreachable cycles come back.
template <Collector C>
constexpr bool collects_cycles = C::traits.reclaims && C::traits.cycles;

// Objects that nobody has released yet; filled only where objects are released by hand.
template <class Ref>
struct Unreleased {
  std::mutex mutex;
  std::vector<std::pair<Ref, Shape>> objects;
};

template <Collector C>
class Hand {
 public:
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  using Local = typename M::Local;

  Hand(typename C::Heap& heap, Unreleased<Ref>& unreleased) : m(heap), unreleased_(unreleased) {}
  Hand(Hand const&) = delete;
  Hand& operator=(Hand const&) = delete;
  ~Hand() {
    if (objects_.empty()) return;
    std::lock_guard const lock(unreleased_.mutex);
    unreleased_.objects.insert(unreleased_.objects.end(), objects_.begin(), objects_.end());
  }

  void allocate(Local& local, Shape shape, std::uint64_t identity) {
    m.allocate(local, shape);
    stamp(m.payload(local.get(), shape), shape.payload_bytes, identity);
    ++allocated_objects;
    allocated_bytes += requested_bytes(shape);
    if constexpr (Releases<M>) objects_.emplace_back(local.get(), shape);
  }
  void allocate(Local& local, std::uint64_t identity) { allocate(local, node, identity); }

  // pre: no GC point since `ref` was read.
  void expect_intact(Ref ref, Shape shape, std::uint64_t identity, Place place = Place::current()) {
    expect(ref != Ref{}, "a reference is null that should name an object", place);
    expect(stamped(m.payload(ref, shape), shape.payload_bytes, identity),
           "an object that is reachable has lost its payload", place);
  }
  void expect_intact(Ref ref, std::uint64_t identity, Place place = Place::current()) {
    expect_intact(ref, node, identity, place);
  }

  // A list of n objects through slot 0, identities first, first + 1, … from the head.
  void build_list(Local& head, std::uint64_t n, std::uint64_t first = 0) {
    m.clear(head);
    typename M::template Frame<1> frame(m);
    for (std::uint64_t i = n; i-- > 0;) {
      allocate(frame[0], first + i);
      m.write_new(frame[0].get(), 0, std::move(head));
      m.move(head, frame[0]);
    }
  }
  // A ring of n through slot 0; `entry` is left on one of its members. pre: n > 0
  void build_ring(Local& entry, std::uint64_t n, std::uint64_t first = 0) {
    typename M::template Frame<1> last(m);
    allocate(last[0], first + n - 1);
    m.set(entry, last[0].get());
    for (std::uint64_t i = n - 1; i-- > 0;) {
      typename M::template Frame<1> next(m);
      allocate(next[0], first + i);
      m.write_new(next[0].get(), 0, std::move(entry));
      m.move(entry, next[0]);
    }
    m.write(last[0].get(), 0, entry.get());
  }
  // Walks n objects through slot 0 from `start`, expecting identities first, first + 1, …
  Ref expect_path(Ref start, std::uint64_t n, std::uint64_t first = 0,
                  Place place = Place::current()) {
    for (std::uint64_t i = 0; i < n; ++i) {
      expect_intact(start, first + i, place);
      start = m.read(start, 0);
    }
    return start;
  }

  M m;
  std::uint64_t allocated_objects = 0, allocated_bytes = 0;

 private:
  Unreleased<Ref>& unreleased_;
  std::vector<std::pair<Ref, Shape>> objects_;
};

template <Collector C>
class Subject {
 public:
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  using Local = typename M::Local;

  explicit Subject(HeapOptions const& options = {}) : heap(options) {
    hand = std::make_unique<Hand<C>>(heap, unreleased_);
  }
  Subject(Subject const&) = delete;
  Subject& operator=(Subject const&) = delete;
  ~Subject() {
    if constexpr (Releases<M>) {
      hand.reset();
      M last(heap);
      for (auto const& [ref, shape] : unreleased_.objects) last.release(ref, shape);
    }
  }

  // After a full collection: what is live, and of the garbage what the collector's promises leave.
  // `cyclic` counts garbage in cycles and what only they reach. pre: no other mutator runs.
  void expect_present(std::uint64_t live, std::uint64_t cyclic, std::uint64_t acyclic,
                      Place place = Place::current()) {
    hand->m.collect(full);
    verify();
    if constexpr (C::traits.reports_objects) {
      std::uint64_t const wanted = !C::traits.reclaims ? live + cyclic + acyclic
                                   : C::traits.cycles  ? live
                                                       : live + cyclic;
      std::uint64_t const present = heap.stats().present_objects();
      if (C::traits.conservative && present >= wanted) return;
      expect_equal(present, wanted, "objects present after a full collection", place);
    }
  }

  void verify() {
    typename M::Blocked const blocked(hand->m);
    heap.verify();
  }

  // The main mutator detaches and another one attaches. pre: it has no frame and no root.
  void replace_hand() {
    others_objects_ += hand->allocated_objects;
    others_bytes_ += hand->allocated_bytes;
    hand.reset();
    hand = std::make_unique<Hand<C>>(heap, unreleased_);
  }

  // body(thread) on n other threads; the main mutator is blocked meanwhile. Throws the first
  // Violation of any of them.
  template <class Body>
  void on_threads(std::uint32_t n, Body const& body) {
    typename M::Blocked const blocked(hand->m);
    std::exception_ptr failure;
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (std::uint32_t thread = 0; thread < n; ++thread) {
      threads.emplace_back([&, thread] {
        try {
          body(thread);
        } catch (...) {
          std::lock_guard const lock(mutex);
          if (!failure) failure = std::current_exception();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    if (failure) std::rethrow_exception(failure);
  }
  // body(Hand&) with a mutator of the calling thread's own.
  template <class Body>
  void with_hand(Body const& body) {
    Hand<C> own(heap, unreleased_);
    body(own);
    others_objects_ += own.allocated_objects;
    others_bytes_ += own.allocated_bytes;
  }
  // Both: body(Hand&, thread).
  template <class Body>
  void together(std::uint32_t n, Body const& body) {
    on_threads(n,
               [&](std::uint32_t thread) { with_hand([&](Hand<C>& own) { body(own, thread); }); });
  }

  // What all hands have allocated is what the heap says.
  void expect_allocated(Place place = Place::current()) {
    if constexpr (C::traits.reports_objects) {
      typename M::Blocked const blocked(hand->m);
      Stats const stats = heap.stats();
      expect_equal(stats.allocated_objects, hand->allocated_objects + others_objects_,
                   "allocated_objects", place);
      expect_equal(stats.allocated_bytes, hand->allocated_bytes + others_bytes_, "allocated_bytes",
                   place);
    }
  }

  typename C::Heap heap;
  std::unique_ptr<Hand<C>> hand;

 private:
  Unreleased<Ref> unreleased_;
  std::atomic<std::uint64_t> others_objects_{0}, others_bytes_{0};
};

}  // namespace churn::conform
