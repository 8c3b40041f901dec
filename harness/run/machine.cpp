#include "harness/run/machine.hpp"

#include <gnu/libc-version.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "harness/run/build_info.hpp"

namespace churn::run {
namespace {

constexpr std::uint64_t page_bytes_of_no_limit = std::uint64_t{1} << 60;

std::string trimmed(std::string const& text) {
  static constexpr char blanks[] = " \t\r\n";
  std::size_t const first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<std::uint64_t> parse_whole(std::string const& text) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has_word(std::string const& list, char separator, std::string const& word) {
  std::istringstream words(list);
  for (std::string each; std::getline(words, each, separator);) {
    if (each == word) return true;
  }
  return false;
}

template <class T>
void lower(std::optional<T>& limit, T value) {
  limit = limit ? std::min(*limit, value) : value;
}

// This process's group in a hierarchy: of version 2 where `controller` is empty.
std::optional<std::string> own_group(SystemFiles const& files, std::string const& controller) {
  std::istringstream lines(files.text("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::size_t const first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string const controllers = line.substr(first + 1, second - first - 1);
    bool const is_it =
        controller.empty() ? controllers.empty() : has_word(controllers, ',', controller);
    if (is_it) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The group's own directory and all above it, since a limit of any of them holds. Within a
// container the path may name a directory that only the host sees; the mounted root is what holds
// then.
template <class Visit>
void each_ancestor(std::string const& mount, std::string group, Visit&& visit) {
  while (true) {
    visit(mount + (group == "/" ? "" : group));
    std::size_t const slash = group.find_last_of('/');
    if (slash == std::string::npos || group.size() <= 1) return;
    group = slash == 0 ? "/" : group.substr(0, slash);
  }
}

void add_limits_of_version_1(SystemFiles const& files, ContainerLimits& limits) {
  if (auto const group = own_group(files, "memory")) {
    each_ancestor("/sys/fs/cgroup/memory", *group, [&](std::string const& directory) {
      auto const bytes = files.number(directory + "/memory.limit_in_bytes");
      if (bytes && *bytes < page_bytes_of_no_limit) lower(limits.memory_bytes, *bytes);
    });
  }
  if (auto const group = own_group(files, "cpu")) {
    each_ancestor("/sys/fs/cgroup/cpu", *group, [&](std::string const& directory) {
      auto const quota = files.number(directory + "/cpu.cfs_quota_us");  // -1: none
      auto const period = files.number(directory + "/cpu.cfs_period_us");
      if (!quota || !period || *period == 0) return;
      lower(limits.cores, static_cast<double>(*quota) / static_cast<double>(*period));
    });
  }
}

void add_limits_of_version_2(SystemFiles const& files, ContainerLimits& limits) {
  auto const group = own_group(files, "");
  if (!group) return;
  each_ancestor("/sys/fs/cgroup", *group, [&](std::string const& directory) {
    if (auto const bytes = files.number(directory + "/memory.max")) {
      lower(limits.memory_bytes, *bytes);
    }
    std::istringstream quota(files.text(directory + "/cpu.max").value_or(""));
    double allowed = 0, period = 0;
    if (quota >> allowed >> period && period > 0) lower(limits.cores, allowed / period);
  });
}

// Source: G. Fowler, L. C. Noll, K.-P. Vo; 64 bits, variant 1a.
std::string fingerprint_of(std::map<std::string, std::string> const& facts) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  auto const add = [&](std::string const& text) {
    for (char const each : text + '\n') {
      hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3u;
    }
  };
  for (auto const& [key, value] : facts) {
    add(key);
    add(value);
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

using Facts = std::map<std::string, std::string>;

void add(Facts& facts, char const* key, std::optional<std::string> value) {
  if (value && !value->empty()) facts[key] = std::move(*value);
}

std::optional<std::string> spelled(std::optional<std::uint64_t> number) {
  if (!number) return std::nullopt;
  return std::to_string(*number);
}

// What stays as it is between boots.
Facts lasting_facts(SystemFiles const& files) {
  Facts facts;
  utsname names{};
  uname(&names);
  add(facts, "architecture", names.machine);
  auto model = files.field("/proc/cpuinfo", "model name");
  if (!model) model = files.field("/proc/cpuinfo", "CPU part");
  add(facts, "cpu_model", model);
  std::uint32_t const cores = files.count_numbered("/sys/devices/system/cpu", "cpu");
  if (cores != 0) add(facts, "cores", std::to_string(cores));
  std::uint32_t const nodes = files.count_numbered("/sys/devices/system/node", "node");
  if (nodes != 0) add(facts, "numa_nodes", std::to_string(nodes));
  if (auto const total = files.field("/proc/meminfo", "MemTotal")) {
    if (auto const kib = parse_whole(total->substr(0, total->find(' ')))) {
      add(facts, "memory_bytes", std::to_string(*kib * 1024));
    }
  }
  bool const hypervisor =
      has_word(files.field("/proc/cpuinfo", "flags").value_or(""), ' ', "hypervisor");
  auto vendor = files.text("/sys/hypervisor/type");
  if (!vendor) vendor = files.text("/sys/class/dmi/id/sys_vendor");
  add(facts, "virtualisation", hypervisor ? vendor.value_or("yes") : "none seen");
  return facts;
}

void add_passing_facts(SystemFiles const& files, Facts& facts) {
  utsname names{};
  uname(&names);
  add(facts, "kernel", std::string(names.sysname) + " " + names.release);
  add(facts, "glibc", gnu_get_libc_version());
  add(facts, "usable_cores", std::to_string(usable_cores()));
  if (auto const thp = files.text("/sys/kernel/mm/transparent_hugepage/enabled")) {
    add(facts, "thp", chosen_of(*thp));
  }
  add(facts, "governor", files.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  add(facts, "aslr", files.text("/proc/sys/kernel/randomize_va_space"));
  add(facts, "clock_source",
      files.text("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  if (auto const off = files.text("/sys/devices/system/cpu/intel_pstate/no_turbo")) {
    add(facts, "turbo", *off == "0" ? "on" : "off");
  } else if (auto const on = files.text("/sys/devices/system/cpu/cpufreq/boost")) {
    add(facts, "turbo", *on == "0" ? "off" : "on");
  }
  add(facts, "smt", files.text("/sys/devices/system/cpu/smt/active"));
  if (auto const load = files.text("/proc/loadavg"))
    add(facts, "load", load->substr(0, load->find(' ')));
  ContainerLimits const limits = container_limits(files);
  add(facts, "container_memory_bytes", spelled(limits.memory_bytes));
  if (limits.cores) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", *limits.cores);
    add(facts, "container_cores", text);
  }
  add(facts, "compiler", std::string(compiler()));
  add(facts, "compiler_flags", std::string(compiler_flags()));
}

}  // namespace

std::optional<std::string> SystemFiles::text(std::string const& path) const {
  std::ifstream file(root_ + path);
  if (!file) return std::nullopt;
  std::string const text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return std::nullopt;
  return trimmed(text);
}

std::optional<std::string> SystemFiles::field(std::string const& path,
                                              std::string const& key) const {
  std::istringstream lines(text(path).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::size_t const colon = line.find(':');
    if (colon == std::string::npos || trimmed(line.substr(0, colon)) != key) continue;
    return trimmed(line.substr(colon + 1));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> SystemFiles::number(std::string const& path) const {
  auto const found = text(path);
  return found ? parse_whole(*found) : std::nullopt;
}

std::uint32_t SystemFiles::count_numbered(std::string const& directory,
                                          std::string const& prefix) const {
  std::uint32_t count = 0;
  std::error_code error;
  for (auto each = std::filesystem::directory_iterator(root_ + directory, error);
       !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    std::string const name = each->path().filename();
    if (name.starts_with(prefix) && parse_whole(name.substr(prefix.size()))) ++count;
  }
  return count;
}

std::string chosen_of(std::string const& text) {
  std::size_t const open = text.find('['), close = text.find(']', open);
  if (open == std::string::npos || close == std::string::npos) return text;
  return text.substr(open + 1, close - open - 1);
}

ContainerLimits container_limits(SystemFiles const& files) {
  ContainerLimits limits;
  add_limits_of_version_1(files, limits);
  add_limits_of_version_2(files, limits);
  return limits;
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

std::uint64_t usable_memory_bytes(SystemFiles const& files) {
  auto const total = files.field("/proc/meminfo", "MemTotal");
  std::uint64_t bytes = 0;
  if (total) bytes = parse_whole(total->substr(0, total->find(' '))).value_or(0) * 1024;
  auto const limit = container_limits(files).memory_bytes;
  if (limit && (bytes == 0 || *limit < bytes)) bytes = *limit;
  return bytes;
}

store::Machine describe_machine(SystemFiles const& files) {
  store::Machine machine;
  machine.facts = lasting_facts(files);
  machine.fingerprint = fingerprint_of(machine.facts);
  add_passing_facts(files, machine.facts);
  return machine;
}

}  // namespace churn::run
