// What:  the most time that pauses took within any 1, 10 and 100 ms: 1 − that / window is the
//        minimum mutator utilization (MMU).
// Why:   ten pauses of 1 ms in a row stop a program as one of 10 ms does; a maximum pause does not
//        show it.
// How:   the busiest window ends where some pause ends: moved further right it gains nothing, moved
//        left it gains until there. So each pause, when it ends, looks back over three windows. A
//        ring holds the recent pauses, merged where they overlap, with the paused time before each.
// Invariant: entries are disjoint, in order of time, and reach back at least the longest window,
//        unless more than `entries` pauses lie in it: then the oldest of them are forgotten.
// Cost:  amortised constant per pause, 1.5 MiB that is touched as it is used.
// Source: P. Cheng and G. Blelloch, A parallel, real-time garbage collector, PLDI 2001, section 4.
// Thread-safety: none; the caller's lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

class PausedWindows {
 public:
  static constexpr std::size_t entries = std::size_t{1} << 16;

  PausedWindows() noexcept : ring_(static_cast<Pause*>(map_pages(bytes))) {
    if (ring_ == nullptr) {
      stop(Outcome::out_of_memory, "the log of pauses, %zu bytes, could not be mapped", bytes);
    }
  }
  PausedWindows(PausedWindows const&) = delete;
  PausedWindows& operator=(PausedWindows const&) = delete;
  ~PausedWindows() { unmap_pages(ring_, bytes); }

  // Windows begin here: what was paused before does not count.
  void start_line(std::uint64_t at_ns) noexcept {
    first_ = next_ = 0;
    heads_.fill(0);
    most_ns_.fill(0);
    start_line_ns_ = at_ns;
  }

  // pre: calls come in the order of `end_ns`, and start_ns <= end_ns
  void add(std::uint64_t start_ns, std::uint64_t end_ns) noexcept {
    start_ns = std::max(start_ns, start_line_ns_);
    if (end_ns <= start_ns) return;
    while (next_ != first_ && at(next_ - 1).end_ns >= start_ns) {
      start_ns = std::min(start_ns, at(next_ - 1).start_ns);
      --next_;
    }
    std::uint64_t before_ns = 0;
    if (next_ != first_) {
      Pause const& last = at(next_ - 1);
      before_ns = last.before_ns + (last.end_ns - last.start_ns);
    }
    at(next_) = {start_ns, end_ns, before_ns};
    ++next_;
    if (next_ - first_ > entries) first_ = next_ - entries;
    for (std::size_t i = 0; i < pause_windows_ns.size(); ++i) look_back(i, end_ns);
  }

  std::array<std::uint64_t, pause_windows_ns.size()> const& most_ns() const noexcept {
    return most_ns_;
  }

 private:
  struct Pause {
    std::uint64_t start_ns, end_ns;
    std::uint64_t before_ns;  // paused before it, since some moment
  };
  static constexpr std::size_t bytes = entries * sizeof(Pause);
  static_assert(bytes % page_bytes == 0);

  Pause& at(std::uint64_t index) noexcept { return ring_[index % entries]; }

  // The window that ends with the newest pause.
  void look_back(std::size_t window, std::uint64_t end_ns) noexcept {
    std::uint64_t const length_ns = pause_windows_ns[window];
    std::uint64_t const from_ns = end_ns > length_ns ? end_ns - length_ns : 0;
    std::uint64_t& head = heads_[window];
    head = std::clamp(head, first_, next_ - 1);
    while (at(head).end_ns <= from_ns) ++head;  // ends at the newest, whose end is later
    Pause const& oldest = at(head);
    Pause const& newest = at(next_ - 1);
    std::uint64_t paused_ns = newest.before_ns + (newest.end_ns - newest.start_ns);
    paused_ns -= oldest.before_ns;
    if (oldest.start_ns < from_ns) paused_ns -= from_ns - oldest.start_ns;
    most_ns_[window] = std::max(most_ns_[window], paused_ns);
  }

  Pause* const ring_;
  std::uint64_t first_ = 0, next_ = 0;  // only grow, but for merging
  std::array<std::uint64_t, pause_windows_ns.size()> heads_{}, most_ns_{};
  std::uint64_t start_line_ns_ = 0;
};

}  // namespace churn::collectors
