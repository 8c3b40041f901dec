// What:  this process's memory as the kernel counts it, read without allocating, so that reading
//        does not change what is read. One open file each, kept for the process's life.
// Cost:  one system call a reading: 1–2 µs for resident_bytes, more for the peak.
#pragma once

#include <cstdint>
#include <optional>

namespace churn::cell {

class MemoryMeter {
 public:
  MemoryMeter() noexcept;
  ~MemoryMeter();
  MemoryMeter(MemoryMeter const&) = delete;
  MemoryMeter& operator=(MemoryMeter const&) = delete;

  // Makes the present resident size the peak. False where the kernel does not allow it: then there
  // is no peak_bytes either, since start-up would be part of it.
  bool reset_peak() noexcept;
  std::uint64_t resident_bytes() const noexcept;
  std::optional<std::uint64_t> peak_bytes() const noexcept;

 private:
  int statm_, status_;
  bool peak_is_ours_ = false;
  std::uint64_t page_bytes_;
};

}  // namespace churn::cell
