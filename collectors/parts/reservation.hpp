// What:  a stretch of address space that becomes memory from its start upwards, as it is needed.
// Why:   a heap that never moves can be looked up by subtraction: the mark bit of an address, the
//        block of an address. Tables beside it grow with it and stay where they are.
// When not: memory whose size is known, or that is given back as a whole: map_pages.
// How:   reserved without access, committed in steps. Where address space is limited, half as much
//        is tried until something is had.
// Invariants: [start, start + committed) is readable and writable, and zero when it is committed.
// Cost:  one system call a step; nothing for what is only reserved.
// Errors: grow gives false where the kernel has no more, or the reservation is used up.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "harness/core/check.hpp"
#include "harness/core/page_source.hpp"

namespace churn::collectors {

class Reservation {
 public:
  // pre: alignment is a power of two, bytes a multiple of it. Stops where there is nothing to be
  // had.
  Reservation(std::size_t bytes, std::size_t alignment) noexcept : bytes_(bytes) {
    while (bytes_ >= alignment) {
      start_ = static_cast<std::byte*>(reserve_pages(bytes_, alignment));
      if (start_ != nullptr) return;
      bytes_ = bytes_ / 2 / alignment * alignment;
    }
    stop(Outcome::out_of_memory, "no address space for a heap could be reserved");
  }
  Reservation(Reservation const&) = delete;
  Reservation& operator=(Reservation const&) = delete;
  ~Reservation() { unmap_pages(start_, bytes_); }

  std::byte* start() const noexcept { return start_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t committed() const noexcept { return committed_; }

  // Commits at least the first `wanted` bytes, in whole steps as far as there is room for them.
  bool grow(std::size_t wanted, std::size_t step) noexcept {
    if (wanted <= committed_) return true;
    if (wanted > bytes_) return false;
    std::size_t const end = std::min(round_up(wanted, step), bytes_);
    if (commit(end)) return true;
    return commit(round_up(wanted, page_bytes));
  }

  // Twice what the machine has at most, so that a heap is never short of addresses alone.
  static std::size_t as_much_as_could_be_used() noexcept {
    std::size_t const physical = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                                 static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::size_t bytes = least_bytes;
    while (bytes < 2 * physical) bytes *= 2;
    return bytes;
  }

 private:
  static constexpr std::size_t least_bytes = std::size_t{1} << 30;

  bool commit(std::size_t end) noexcept {
    if (!commit_pages(start_ + committed_, end - committed_)) return false;
    committed_ = end;
    return true;
  }

  std::byte* start_ = nullptr;
  std::size_t bytes_, committed_ = 0;
};

}  // namespace churn::collectors
