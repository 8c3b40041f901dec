// What:  complete binary trees, built bottom-up, summed while the next one already stands, dropped
//        whole; beside them one tree that lives as long as the run.
// Why:   much acyclic garbage that dies together next to old data that a generational collector
//        should leave alone, and that a full collection must trace. Nothing here is cyclic.
// Op:    one node: allocated, linked, summed, dropped. A unit is one tree of 2^(depth+1) - 1 nodes,
//        or several while that makes fewer than 1000.
// Invariant: between units each thread has its last short-lived tree and its long-lived one.
// Recursion goes as deep as the tree, 26 at most.
// Source: H. Boehm's GCBench, after J. Ellis and P. Kovac; "binary-trees" of the Computer Language
//        Benchmarks Game is the same shape.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/seats.hpp"
#include "workloads/parts/units.hpp"

namespace churn::binary_trees {

inline constexpr std::array parameters{
    ParameterInfo{"depth", 9, 0, 24, "of the trees that come and go; 0 is a single node"},
    ParameterInfo{"live_depth", 14, 0, 26, "of the tree that lives as long as the run"},
};

inline constexpr WorkloadInfo info{
    .name = "binary-trees",
    .summary = "complete binary trees built, summed and dropped beside one that stays",
    .source = "GCBench by H. Boehm, after J. Ellis and P. Kovac",
    .op = "one tree node allocated, linked, summed once and dropped",
    .parameters = parameters,
    .min_threads = 1,
    .max_threads = 64,
    .disposes = true,
    .splits = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : depth_(static_cast<std::uint32_t>(context["depth"])),
        live_depth_(static_cast<std::uint32_t>(context["live_depth"])),
        trees_per_unit_(rounds_per_unit(nodes(depth_))),
        seats_(seats_for<Seat>(context)) {}

  std::uint64_t ops_per_unit() const noexcept { return trees_per_unit_ * nodes(depth_); }

  [[gnu::cold]] void setup(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    seat.roots.emplace(m);
    build(m, *seat.roots->lasting, live_depth_, seat.random.next());
    build(m, *seat.roots->passing, depth_, seat.random.next());
  }

  void run(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    for (std::uint64_t i = 0; i < trees_per_unit_; ++i) {
      typename M::template Frame<1> tree(m);
      build(m, tree[0], depth_, seat.random.next());
      Local& old = *seat.roots->passing;
      seat.sum = mix(seat.sum, total<Releases<M>>(m, old.get(), depth_));
      m.move(old, tree[0]);
    }
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t thread) {
    Seat& seat = seats_[thread];
    std::uint64_t const passing = total<false>(m, (*seat.roots->passing).get(), depth_);
    return mix(mix(seat.sum, passing), total<false>(m, (*seat.roots->lasting).get(), live_depth_));
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t thread)
    requires Releases<M>
  {
    Seat& seat = seats_[thread];
    total<true>(m, (*seat.roots->passing).get(), depth_);
    total<true>(m, (*seat.roots->lasting).get(), live_depth_);
  }

  void teardown(M&, std::uint32_t thread) { seats_[thread].roots.reset(); }

 private:
  static constexpr Shape node{2, 8};

  struct Roots {
    explicit Roots(M& m) : passing(m), lasting(m) {}
    typename M::Root passing, lasting;
  };
  struct alignas(128) Seat {
    Random random{0};
    std::uint64_t sum = 0;
    std::optional<Roots> roots;
  };

  static constexpr std::uint64_t nodes(std::uint32_t depth) noexcept {
    return (std::uint64_t{2} << depth) - 1;
  }

  // Children first. A subtree's payloads follow from its root's, `value`.
  CHURN_NEVER_INLINE static void build(M& m, Local& out, std::uint32_t depth, std::uint64_t value) {
    if (depth == 0) {
      m.allocate(out, node);
      set_word(m.payload(out.get(), node), value);
      return;
    }
    typename M::template Frame<2> children(m);
    build(m, children[0], depth - 1, 2 * value + 1);
    build(m, children[1], depth - 1, 2 * value + 2);
    m.allocate(out, node);
    Ref const parent = out.get();
    set_word(m.payload(parent, node), value);
    m.write_new(parent, 0, std::move(children[0]));
    m.write_new(parent, 1, std::move(children[1]));
  }

  // Left and right weigh differently, so that exchanged subtrees show.
  template <bool releasing>
  CHURN_NEVER_INLINE static std::uint64_t total(M& m, Ref tree, std::uint32_t depth) {
    std::uint64_t sum = word(m.payload(tree, node));
    if (depth > 0) {
      sum += 3 * total<releasing>(m, m.read(tree, 0), depth - 1);
      sum += 5 * total<releasing>(m, m.read(tree, 1), depth - 1);
    }
    if constexpr (releasing) m.release(tree, node);
    return sum;
  }

  std::uint32_t const depth_, live_depth_;
  std::uint64_t const trees_per_unit_;
  std::vector<Seat> seats_;
};

}  // namespace churn::binary_trees
