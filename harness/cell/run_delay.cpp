#include "harness/cell/run_delay.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace churn::cell {

// proc(5): time on a processor, time waiting for one, number of turns; in ns but for the last.
std::optional<std::uint64_t> own_run_delay_ns() noexcept {
  int const file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  char text[128];
  ssize_t const length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return std::nullopt;
  text[length] = '\0';
  char* second = nullptr;
  std::strtoull(text, &second, 10);
  char* end = nullptr;
  std::uint64_t const waited_ns = std::strtoull(second, &end, 10);
  if (end == second) return std::nullopt;
  return waited_ns;
}

}  // namespace churn::cell
