#include "harness/cell/memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace churn::cell {
namespace {

// The number behind `key` in a /proc file of "key: number kB" lines; 0 if it is not there.
std::uint64_t field_kib(int file, char const* key) noexcept {
  char text[4096];
  ssize_t const length = pread(file, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = '\0';
  char const* const at = std::strstr(text, key);
  return at == nullptr ? 0 : std::strtoull(at + std::strlen(key), nullptr, 10);
}

}  // namespace

MemoryMeter::MemoryMeter() noexcept
    : statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      status_(open("/proc/self/status", O_RDONLY | O_CLOEXEC)),
      page_bytes_(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))) {}

MemoryMeter::~MemoryMeter() {
  if (statm_ >= 0) close(statm_);
  if (status_ >= 0) close(status_);
}

bool MemoryMeter::reset_peak() noexcept {
  int const file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  peak_is_ours_ = write(file, "5", 1) == 1;  // 5: reset VmHWM, proc(5)
  close(file);
  return peak_is_ours_;
}

std::uint64_t MemoryMeter::resident_bytes() const noexcept {
  char text[256];
  ssize_t const length = pread(statm_, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = '\0';
  char const* const second = std::strchr(text, ' ');
  return second == nullptr ? 0 : std::strtoull(second, nullptr, 10) * page_bytes_;
}

std::optional<std::uint64_t> MemoryMeter::peak_bytes() const noexcept {
  if (!peak_is_ours_) return std::nullopt;
  std::uint64_t const kib = field_kib(status_, "VmHWM:");
  if (kib == 0) return std::nullopt;
  return kib * 1024;
}

}  // namespace churn::cell
