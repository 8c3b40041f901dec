// What:  properties at the edges: the heap limit, no memory at all, the largest objects.
// Why:   a heap limit that is off by a collection makes two collectors' numbers incomparable, and a
//        NULL from malloc must become a row with a reason, never a crash.
// How:   whoever stops ends the process, so each runs in a child of its own; what the heap had done
//        by then is told by the stop hook, which writes to stderr before the message does.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "harness/conform/collector_child.hpp"
#include "harness/conform/collector_subject.hpp"
#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::conform {

constexpr unsigned limit_test_seconds = 60;
constexpr int stopped_exit_status = 70;

template <Collector C>
struct LimitProperties {
  using M = typename C::Mutator;
  using Ref = typename M::Ref;
  template <std::size_t n>
  using Frame = typename M::template Frame<n>;

  static constexpr Shape chunk{2, 65'536 - 16};  // 64 KiB requested
  static constexpr std::uint64_t limit_chunks = 64;
  // Half a chunk is room for the headers of all of them, and for no chunk more.
  static constexpr std::uint64_t limit_bytes = (2 * limit_chunks + 1) * requested_bytes(chunk) / 2;

  static inline Subject<C>* stopping_subject = nullptr;
  static inline std::uint64_t collections_before = 0;

  static std::uint64_t collections(Stats const& stats) {
    return stats.collections[0] + stats.collections[1] + stats.collections[2];
  }
  static void tell(Outcome, char const*) noexcept {
    Stats const stats = stopping_subject->heap.stats();
    std::fprintf(stderr, "[%llu objects, %llu collections]",
                 static_cast<unsigned long long>(stats.present_objects()),
                 static_cast<unsigned long long>(collections(stats) - collections_before));
  }

  // Live objects until it stops: all that fit below the limit, not one above it, one collection.
  static void fill_to_the_limit() {
    HeapOptions options;
    options.heap_limit_bytes = limit_bytes;
    Subject<C> subject(options);
    stopping_subject = &subject;
    set_stop_hook(tell);
    Frame<2> frame(subject.hand->m);
    for (std::uint64_t i = 0; i <= limit_chunks; ++i) {
      collections_before = collections(subject.heap.stats());
      subject.hand->allocate(frame[1], chunk, i);
      subject.hand->m.write_new(frame[1].get(), 0, std::move(frame[0]));
      subject.hand->m.move(frame[0], frame[1]);
    }
  }

  static void heap_limit_stops_after_one_collection() {
    Ending const ending = run_in_child(fill_to_the_limit, limit_test_seconds);
    expect(ending.signal == 0, "the heap limit killed the process instead of stopping it");
    expect_equal(static_cast<std::uint64_t>(ending.exit_status), stopped_exit_status,
                 "exit status at the heap limit (" + ending.errors + ")");
    unsigned long long objects = 0, forced = 0;
    char reason[256] = "";
    int const fields = std::sscanf(
        ending.errors.c_str(), "[%llu objects, %llu collections]churn: out-of-memory: %255[^\n]",
        &objects, &forced, reason);
    if (fields != 3) violated("the heap limit's message is: " + ending.errors, Place::current());
    if (std::string_view(reason).find(std::to_string(limit_bytes)) == std::string_view::npos) {
      violated("the reason does not name the limit: " + std::string(reason), Place::current());
    }
    expect_equal(forced, collects_cycles<C> ? 1 : 0, "collections forced by the heap limit");
    expect_equal(objects, limit_chunks, "live objects at the heap limit");
  }

  static void heap_limit_forces_reclamation() {
    HeapOptions options;
    options.heap_limit_bytes = limit_bytes;
    Subject<C> subject(options);
    auto& hand = *subject.hand;
    Frame<3> frame(hand.m);
    hand.allocate(frame[0], chunk, 1);
    std::uint64_t garbage = 0;
    for (std::uint64_t i = 0; i < 5 * limit_chunks; ++i, ++garbage) {
      hand.allocate(frame[1], chunk, i);
      if (!C::traits.cycles) continue;  // dropped by the next one; else a ring of one, or of two
      if (i % 2 == 0) hand.m.write(frame[1].get(), 0, frame[1].get());
      if (i % 2 == 1) hand.m.write(frame[1].get(), 0, frame[2].get());
      if (i % 2 == 1) hand.m.write(frame[2].get(), 1, frame[1].get());
      hand.m.set(frame[2], frame[1].get());
    }
    hand.expect_intact(frame[0].get(), chunk, 1);
    hand.m.clear(frame[1]);
    hand.m.clear(frame[2]);
    subject.expect_present(1, garbage * collects_cycles<C>, garbage);
  }

  static std::uint64_t address_space_pages() {
    unsigned long long pages = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
      expect(std::fscanf(file, "%llu", &pages) == 1, "/proc/self/statm does not begin with a size");
      std::fclose(file);
    }
    return pages;
  }
  // Two limits: reserved addresses are no data yet, and pages that a collector has write-protected,
  // as bdwgc does to find changes, are none any more.
  static void exhaust_memory() {
    constexpr rlim_t room = 64u << 20;
    rlimit const data{room, room};
    expect(setrlimit(RLIMIT_DATA, &data) == 0, "setrlimit(RLIMIT_DATA) failed");
    Subject<C> subject;
    rlim_t const addresses = address_space_pages() * page_bytes + room;
    rlimit const space{addresses, addresses};
    expect(setrlimit(RLIMIT_AS, &space) == 0, "setrlimit(RLIMIT_AS) failed");
    Frame<2> frame(subject.hand->m);
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      subject.hand->m.allocate(frame[1], chunk);
      subject.hand->m.write_new(frame[1].get(), 0, std::move(frame[0]));
      subject.hand->m.move(frame[0], frame[1]);
    }
  }
  static void no_memory_is_an_outcome() {
    // A sanitizer's malloc ends the process itself.
    if (sanitized()) return;
    Ending const ending = run_in_child(exhaust_memory, limit_test_seconds);
    if (ending.exit_status != stopped_exit_status ||
        ending.errors.rfind("churn: out-of-memory: ", 0) != 0) {
      violated("without memory it ends with " + ending.failure(), Place::current());
    }
  }

  static void largest_slots(std::uint32_t slots) {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    hand.allocate(frame[0], Shape{slots, 24}, 9);
    hand.allocate(frame[1], 1);
    m.write(frame[0].get(), slots - 1, std::move(frame[1]));
    m.write(frame[0].get(), 0, frame[0].get());
    m.collect(full);
    hand.expect_intact(frame[0].get(), Shape{slots, 24}, 9);
    hand.expect_intact(m.read(frame[0].get(), slots - 1), 1);
    expect(m.read(frame[0].get(), slots / 2) == Ref{}, "a slot of a large object is not null");
    subject.expect_present(2, 0, 0);
    m.write(frame[0].get(), 0, Ref{});
    m.clear(frame[0]);
    subject.expect_present(0, 0, 2);
  }
  static void a_million_slots() { largest_slots(std::min(1'000'000u, C::traits.max_slots)); }
  static void as_many_slots_as_promised() { largest_slots(C::traits.max_slots); }

  // Large objects born among small ones, with young children.
  static void large_objects_hold_young_ones() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    Frame<2> frame(m);
    constexpr Shape large{600, 20'000};
    hand.allocate(frame[0], large, 5);
    for (std::uint32_t round = 0; round < 6; ++round) {
      for (std::uint32_t i = 0; i < large.slots; ++i) {
        hand.allocate(frame[1], i + round);
        m.write(frame[0].get(), i, std::move(frame[1]));
      }
      m.collect(round % generations);
      hand.expect_intact(frame[0].get(), large, 5);
      for (std::uint32_t i = 0; i < large.slots; ++i) {
        hand.expect_intact(m.read(frame[0].get(), i), i + round);
      }
    }
    subject.expect_present(601, 0, 5 * large.slots);
    m.clear(frame[0]);
    subject.expect_present(0, 0, 601 + 5 * large.slots);
  }

  // A large object whose young children come by initialising stores, and are named by nothing else.
  static void large_objects_are_born_with_young_ones() {
    Subject<C> subject;
    auto& hand = *subject.hand;
    M& m = hand.m;
    constexpr std::uint32_t children = 8;
    constexpr Shape large{children, 20'000};
    Frame<1> frame(m);
    for (std::uint32_t generation = 0; generation < generations; ++generation) {
      Frame<children> young(m);
      for (std::uint32_t i = 0; i < children; ++i) hand.allocate(young[i], i);
      hand.allocate(frame[0], large, 5);
      for (std::uint32_t i = 0; i < children; ++i) {
        m.write_new(frame[0].get(), i, std::move(young[i]));
      }
      for (std::uint32_t i = 0; i < 4; ++i) {
        m.collect(generation);
        hand.build_list(young[0], 50);  // takes the memory of what was wrongly found dead
        m.clear(young[0]);
        hand.expect_intact(frame[0].get(), large, 5);
        for (std::uint32_t child = 0; child < children; ++child) {
          hand.expect_intact(m.read(frame[0].get(), child), child);
        }
      }
    }
    constexpr std::uint64_t passing = generations * (4 * 50) + (generations - 1) * (1 + children);
    subject.expect_present(1 + children, 0, passing);
  }

  static void list(Properties& properties) {
    if constexpr (C::traits.reports_objects) {
      properties.push_back({"heap_limit_stops_after_one_collection", "with exit status 70",
                            heap_limit_stops_after_one_collection});
      if constexpr (C::traits.reclaims) {
        properties.push_back({"heap_limit_forces_reclamation", "and what is live stays",
                              heap_limit_forces_reclamation});
      }
    }
    properties.push_back({"no_memory_is_an_outcome", "not a crash", no_memory_is_an_outcome});
    properties.push_back({"a_million_slots", "in one object", a_million_slots});
    properties.push_back(
        {"large_objects_hold_young_ones", "at any age", large_objects_hold_young_ones});
    properties.push_back({"large_objects_are_born_with_young_ones", "that nothing else names",
                          large_objects_are_born_with_young_ones});
  }
  static void list_nightly(Properties& properties) {
    properties.push_back({"as_many_slots_as_promised", "max_slots", as_many_slots_as_promised});
  }
};

}  // namespace churn::conform
