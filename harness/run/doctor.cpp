#include "harness/run/doctor.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <set>
#include <sstream>
#include <thread>

#include "harness/run/descriptor.hpp"

namespace churn::run {
namespace {

constexpr auto watched = std::chrono::milliseconds(250);
constexpr double busy_share_warned = 0.10, stolen_share_warned = 0.01;
constexpr std::uint64_t free_bytes_warned = std::uint64_t{1} << 30;

constexpr char cpu_directory[] = "/sys/devices/system/cpu";

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string gibibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / (1u << 30));
  return text;
}

Examination fine_or(std::string item, bool fine, std::string found, std::string how,
                    std::string fix) {
  return {std::move(item), fine ? Health::fine : Health::warning, std::move(found), std::move(how),
          fine ? "" : std::move(fix)};
}

Examination unknown(std::string item, std::string how) {
  return {std::move(item), Health::unknown, "this system does not say", std::move(how), ""};
}

Examination cores(SystemFiles const&) {
  std::uint32_t const count = usable_cores();
  return fine_or(
      "cores", count >= 2,
      std::to_string(count) + (count == 1 ? " core" : " cores") + " for this process",
      "sched_getaffinity",
      "with one core churn itself and every daemon share it with the cell; use a machine "
      "or an affinity (taskset) with two or more");
}

Examination governor(SystemFiles const& files) {
  std::string const how = std::string(cpu_directory) + "/cpu*/cpufreq/scaling_governor";
  std::set<std::string> governors;
  std::uint32_t const count = files.count_numbered(cpu_directory, "cpu");
  for (std::uint32_t i = 0; i < count; ++i) {
    auto const text = files.text(std::string(cpu_directory) + "/cpu" + std::to_string(i) +
                                 "/cpufreq/scaling_governor");
    if (text) governors.insert(*text);
  }
  if (governors.empty()) return unknown("governor", how);
  std::string found;
  for (auto const& each : governors) found += (found.empty() ? "" : ", ") + each;
  return fine_or("governor", governors == std::set<std::string>{"performance"}, found, how,
                 "the clock follows the load, so short cells run slower; as root: cpupower "
                 "frequency-set -g performance");
}

Examination turbo(SystemFiles const& files) {
  std::string const intel = "/sys/devices/system/cpu/intel_pstate/no_turbo";
  std::string const other = "/sys/devices/system/cpu/cpufreq/boost";
  std::string const fix = "the clock depends on temperature and neighbours; as root: echo ";
  if (auto const off = files.number(intel)) {
    return fine_or("turbo", *off != 0, *off != 0 ? "off" : "on", intel, fix + "1 > " + intel);
  }
  if (auto const on = files.number(other)) {
    return fine_or("turbo", *on == 0, *on == 0 ? "off" : "on", other, fix + "0 > " + other);
  }
  return unknown("turbo", intel + ", " + other);
}

Examination huge_pages(SystemFiles const& files) {
  std::string const path = "/sys/kernel/mm/transparent_hugepage/enabled";
  auto const text = files.text(path);
  if (!text) return unknown("transparent huge pages", path);
  std::string const chosen = chosen_of(*text);
  return fine_or(
      "transparent huge pages", chosen != "always", chosen, path,
      "the kernel hands out huge pages when it happens to have some, so memory and faults "
      "vary by run; as root: echo madvise > " +
          path);
}

Examination load(CpuTicks const& before, CpuTicks const& after) {
  auto const busy = static_cast<double>(after.busy - before.busy);
  auto const all = busy + static_cast<double>(after.idle - before.idle) +
                   static_cast<double>(after.stolen - before.stolen);
  if (all <= 0) return unknown("load", "/proc/stat");
  return fine_or("load", busy / all < busy_share_warned, percent(busy / all) + " of all cores busy",
                 "/proc/stat, twice", "something else is running; find it with top, and stop it");
}

Examination steal(CpuTicks const& before, CpuTicks const& after) {
  if (after.busy + after.idle == 0) return unknown("steal", "/proc/stat");
  auto const stolen = static_cast<double>(after.stolen);
  double const share = stolen / (stolen + static_cast<double>(after.busy + after.idle));
  auto const now = after.stolen - before.stolen;
  return fine_or("steal", share < stolen_share_warned && now == 0,
                 percent(share) + " since boot, " + std::to_string(now) + " ticks just now",
                 "/proc/stat",
                 "the host gives this machine's time to others; only another host helps");
}

Examination aslr(SystemFiles const& files) {
  std::string const path = "/proc/sys/kernel/randomize_va_space";
  auto const value = files.number(path);
  if (!value) return unknown("address randomisation", path);
  return fine_or("address randomisation", *value != 0,
                 *value == 0 ? "off" : "on (" + std::to_string(*value) + ")", path,
                 "off, every process has the same, perhaps lucky, layout; rounds should sample "
                 "layouts: echo 2 > " +
                     path);
}

Examination container(SystemFiles const& files) {
  ContainerLimits const limits = container_limits(files);
  std::string found = "no limit";
  if (limits.cores) {
    char text[64];
    std::snprintf(text, sizeof text, "%.2f cores of time", *limits.cores);
    found = text;
  }
  if (limits.memory_bytes) {
    found = (limits.cores ? found + ", " : "") + gibibytes(*limits.memory_bytes) + " of memory";
  }
  return fine_or("container limits", !limits.cores, found, "cgroup files of this process",
                 "a quota of CPU time stops the process for parts of each period, which shows as "
                 "pauses; start the container without --cpus, with --cpuset-cpus instead");
}

Examination perf_counters(SystemFiles const& files) {
  std::string const path = "/proc/sys/kernel/perf_event_paranoid";
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  Descriptor const counter(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0)));
  int const error = counter ? 0 : errno;
  bool const forbidden = error == EACCES || error == EPERM;
  auto const level = files.text(path);
  std::string const found = (error == 0 ? std::string("instructions can be counted")
                                        : std::string("not available: ") + std::strerror(error)) +
                            (level ? " (perf_event_paranoid " + *level + ")" : "");
  return fine_or("perf counters", error == 0, found, "perf_event_open",
                 "counts of instructions and cache misses are absent; " +
                     (forbidden ? "as root: echo 1 > " + path
                                : std::string("this CPU or its hypervisor offers none")));
}

Examination smt(SystemFiles const& files) {
  std::string const path = "/sys/devices/system/cpu/smt/active";
  auto const active = files.number(path);
  if (!active) return unknown("hyper-threading", path);
  return fine_or("hyper-threading", *active == 0, *active == 0 ? "off" : "on", path,
                 "two threads may share one core's execution units; as root: echo off > "
                 "/sys/devices/system/cpu/smt/control");
}

Examination free_memory(SystemFiles const& files) {
  auto const text = files.field("/proc/meminfo", "MemAvailable");
  if (!text) return unknown("free memory", "/proc/meminfo");
  std::uint64_t const bytes = std::strtoull(text->c_str(), nullptr, 10) * 1024;
  return fine_or("free memory", bytes >= free_bytes_warned, gibibytes(bytes), "/proc/meminfo",
                 "cells may swap or be killed; close what uses the memory, or lower --memory-cap");
}

Examination clock_source(SystemFiles const& files) {
  std::string const path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  auto const text = files.text(path);
  if (!text) return unknown("clock source", path);
  static std::set<std::string> const quick{"tsc", "kvm-clock", "arch_sys_counter",
                                           "hyperv_clocksource_tsc_page"};
  return fine_or("clock source", quick.contains(*text), *text, path,
                 "reading this clock enters the kernel and costs a microsecond; boot with "
                 "clocksource=tsc where the CPU has a stable one");
}

Examination numa(SystemFiles const& files) {
  std::uint32_t const nodes = files.count_numbered("/sys/devices/system/node", "node");
  if (nodes == 0) return unknown("NUMA", "/sys/devices/system/node");
  return fine_or("NUMA", nodes == 1, std::to_string(nodes) + (nodes == 1 ? " node" : " nodes"),
                 "/sys/devices/system/node",
                 "memory may lie on another socket than its thread; run churn under numactl "
                 "--cpunodebind=0 --membind=0");
}

}  // namespace

std::string_view name_of(Health health) noexcept {
  switch (health) {
    case Health::fine:
      return "ok";
    case Health::warning:
      return "warn";
    case Health::unknown:
      break;
  }
  return "unknown";
}

CpuTicks read_cpu_ticks(SystemFiles const& files) {
  std::istringstream line(files.text("/proc/stat").value_or(""));
  std::string name;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, io = 0, irq = 0, soft = 0, stolen = 0;
  line >> name >> user >> nice >> system >> idle >> io >> irq >> soft >> stolen;
  if (!line || name != "cpu") return {};
  return {user + nice + system + irq + soft, idle + io, stolen};
}

std::vector<Examination> examine(SystemFiles const& files, CpuTicks const& before,
                                 CpuTicks const& after) {
  return {cores(files),         governor(files),      turbo(files),       huge_pages(files),
          load(before, after),  steal(before, after), aslr(files),        container(files),
          perf_counters(files), smt(files),           free_memory(files), clock_source(files),
          numa(files)};
}

std::vector<Examination> examine_machine() {
  SystemFiles const files;
  CpuTicks const before = read_cpu_ticks(files);
  std::this_thread::sleep_for(watched);  // a measurement: what happens meanwhile is the load
  return examine(files, before, read_cpu_ticks(files));
}

}  // namespace churn::run
