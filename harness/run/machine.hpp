// What:  the machine a run is measured on: the facts that stand on every report, a fingerprint of
// those
//        that do not change between boots, and how many cores and bytes this process may use.
// Why:   numbers of different machines are never compared silently.
// Keeps: a fact that cannot be found has no key. Load, governor and other passing states are facts
// but
//        not part of the fingerprint.
// Cost:  some twenty small reads below /proc and /sys. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "results/store/records.hpp"

namespace churn::run {

// Text files below a root, so that tests can make up a machine.
class SystemFiles {
 public:
  explicit SystemFiles(std::string root = "") : root_(std::move(root)) {}

  // Without blanks at either end; empty where there is no such file or it cannot be read.
  std::optional<std::string> text(std::string const& path) const;
  // The first line whose key is `key`, where lines are "key<blanks>:<blanks>value".
  std::optional<std::string> field(std::string const& path, std::string const& key) const;
  std::optional<std::uint64_t> number(std::string const& path) const;
  // How many entries of a directory have names that are `prefix` and a number.
  std::uint32_t count_numbered(std::string const& directory, std::string const& prefix) const;

 private:
  std::string root_;
};

// Of "always [madvise] never": madvise. The text itself where nothing is in brackets.
std::string chosen_of(std::string const& text);

// What the container this process lives in allows; cgroup version 1 or 2. Absent: no limit.
struct ContainerLimits {
  std::optional<std::uint64_t> memory_bytes;
  std::optional<double> cores;
};
ContainerLimits container_limits(SystemFiles const& files);

std::uint32_t usable_cores();  // of this process's affinity mask, at least 1
// The machine's memory or the container's limit, whichever is less; 0 where neither can be read.
std::uint64_t usable_memory_bytes(SystemFiles const& files);

store::Machine describe_machine(SystemFiles const& files = SystemFiles());

}  // namespace churn::run
