// What planning reads: names, matrices, cell programs' descriptions, and the machine.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/core/error.hpp"
#include "harness/run/doctor.hpp"
#include "harness/run/installation.hpp"
#include "harness/run/machine.hpp"
#include "harness/run/matrix.hpp"
#include "harness/run/names.hpp"
#include "harness/run/programs.hpp"

namespace churn::run {
namespace {

namespace fs = std::filesystem;

template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (UserError const& error) {
    return error.what();
  }
  return "no error";
}

testing::AssertionResult says(std::string const& message,
                              std::initializer_list<char const*> parts) {
  for (char const* const part : parts) {
    if (message.find(part) != std::string::npos) continue;
    return testing::AssertionFailure() << "\"" << message << "\" lacks \"" << part << "\"";
  }
  return testing::AssertionSuccess();
}

std::string refusal_of_name(std::string_view text) {
  return message_of([&] { parse_name(text); });
}

TEST(Names, SettingsStandInBraces) {
  store::Named const named = parse_name("jemalloc{MALLOC_CONF=narenas:1,tcache:false;b=}");
  EXPECT_EQ(named.name, "jemalloc");
  EXPECT_EQ(named.settings.at("MALLOC_CONF"), "narenas:1,tcache:false");
  EXPECT_EQ(named.settings.at("b"), "");
  EXPECT_EQ(parse_name("./my-lib.so.2").name, "./my-lib.so.2");
}

TEST(Names, ListsAreSplitAtCommasOutsideBraces) {
  auto const names = parse_names(" a{x=1,2} ,b, managed/c{K=v;k=w}");
  ASSERT_EQ(names.size(), 3u);
  EXPECT_EQ(store::spelled(names[0]), "a{x=1,2}");
  EXPECT_EQ(store::spelled(names[2]), "managed/c{K=v;k=w}");
}

TEST(Names, ErrorsPointAtTheCharacter) {
  EXPECT_EQ(refusal_of_name(""), "\"\", character 1: a name is missing at the end");
  EXPECT_TRUE(says(refusal_of_name("a{"), {"\"a{\", character 2: '{' is never closed"}));
  EXPECT_TRUE(says(refusal_of_name("a{k=v"), {"character 2", "never closed"}));
  EXPECT_TRUE(says(refusal_of_name("a{}"), {"character 3", "{key=value;key=value}"}));
  EXPECT_TRUE(says(refusal_of_name("a{k}"), {"character 3", "{key=value;key=value}"}));
  EXPECT_TRUE(says(refusal_of_name("a{=v}"), {"character 3", "key is missing"}));
  EXPECT_TRUE(says(refusal_of_name("a{Key=v}"), {"character 4", "upper-case"}));
  EXPECT_TRUE(says(refusal_of_name("a{1=v}"), {"character 3", "letter"}));
  EXPECT_TRUE(says(refusal_of_name("a{k=v;k=w}"), {"character 7", "k is set twice"}));
  EXPECT_TRUE(says(refusal_of_name("a{k={}}"), {"character 5", "cannot hold"}));
  EXPECT_TRUE(says(refusal_of_name("a{k=v}b"), {"character 7", "nothing may follow"}));
  EXPECT_TRUE(says(refusal_of_name("a b"), {"character 2", "nothing may follow"}));
  EXPECT_TRUE(says(message_of([] { parse_names("a,,b"); }), {"character 3", "name is missing"}));
  EXPECT_TRUE(says(message_of([] { parse_names("a,"); }), {"character 3", "at the end"}));
  EXPECT_TRUE(says(message_of([] { parse_names("a;b"); }), {"character 2", "commas"}));
  EXPECT_EQ(refusal_of_name("\x1b[2J{").find('\x1b'), std::string::npos);
}

TEST(Names, CellsComeBackFromTheirSpelling) {
  for (char const* const text :
       {"glibc/malloc/larson@1", "jemalloc/refcount/managed/cycle-churn{live=16;ring=10}@2",
        "./lib/malloc/mine.so{A=/malloc/x}/refcount{k=1}/managed/trees@4 in 1000 bytes"}) {
    EXPECT_EQ(store::spelled(parse_cell(text)), text);
  }
  store::CellKey const key = parse_cell("./a/b.so/gen/managed/trees");
  EXPECT_EQ(key.allocator.name, "./a/b.so");
  EXPECT_EQ(key.collector.name, "gen");
  EXPECT_EQ(key.threads, 0u);
}

TEST(Names, BrokenCellsSayWhatIsMissing) {
  auto const refusal = [](char const* text) { return message_of([&] { parse_cell(text); }); };
  EXPECT_TRUE(says(refusal("glibc/refcount"), {"malloc/ or managed/"}));
  EXPECT_TRUE(says(refusal("glibc/managed/trees@1"), {"needs a collector"}));
  EXPECT_TRUE(says(refusal("glibc/malloc/larson@0"), {"character 21", "threads"}));
  EXPECT_TRUE(says(refusal("glibc/malloc/larson@1x"), {"character 22", "nothing may follow"}));
  EXPECT_TRUE(says(refusal("glibc/x/malloc/larson@1 in 5"), {"\" bytes\" expected"}));
  EXPECT_TRUE(says(refusal("/malloc/larson"), {"character 1", "name is missing"}));
}

TEST(Matrices, AreReadWhole) {
  Matrix const matrix = parse_matrix(
      "summary = 's'\nrounds = 5\nsamples = 7\nseconds = 2\nbaseline = 'b'\n"
      "[[star]]\nallocators = ['*', 'x{K=v}']\ncollectors = ['c']\nworkloads = ['managed/w']\n"
      "threads = [1, 2]\nheap = '64Mi'\n[[star]]\nworkloads = ['malloc/v']\nheap = 1000\n",
      "m.toml");
  EXPECT_EQ(matrix.rounds, 5u);
  EXPECT_EQ(matrix.samples, 7u);
  EXPECT_EQ(matrix.seconds, 2);
  EXPECT_EQ(matrix.baseline, "b");
  ASSERT_EQ(matrix.stars.size(), 2u);
  EXPECT_EQ(store::spelled(matrix.stars[0].allocators.at(1)), "x{K=v}");
  EXPECT_EQ(matrix.stars[0].threads, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(matrix.stars[0].heap_limit_bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(matrix.stars[1].heap_limit_bytes, 1000u);
}

TEST(Matrices, ErrorsNameFileLineAndWhatThereIs) {
  auto const refusal = [](char const* text) {
    return message_of([&] { parse_matrix(text, "m.toml"); });
  };
  EXPECT_EQ(refusal("rounds = 2\n\n[[star]]\nallocater = ['glibc']\n"),
            "m.toml:4: unknown key \"allocater\"; did you mean allocators? (the keys of a star are "
            "allocators, collectors, heap, memory_life, threads, workloads)");
  EXPECT_TRUE(says(refusal("x = 1\n"), {"m.toml:1: unknown key \"x\"", "baseline, rounds"}));
  EXPECT_TRUE(says(refusal("rounds = \n"), {"m.toml:1: "}));
  EXPECT_TRUE(
      says(refusal("\nrounds = 'many'"), {"m.toml:2: rounds must be a whole number, not a text"}));
  EXPECT_TRUE(says(refusal("rounds = 2.5"), {"m.toml:1: rounds", "not a number"}));
  EXPECT_TRUE(says(refusal("rounds = 0"), {"m.toml:1: rounds is 0", "from 1 to"}));
  EXPECT_TRUE(says(refusal("rounds = -1"), {"rounds is -1"}));
  EXPECT_TRUE(says(refusal("seconds = nan"), {"seconds must be from"}));
  EXPECT_TRUE(says(refusal("seconds = 1e9"), {"seconds must be from"}));
  EXPECT_TRUE(says(refusal("rounds = 1"), {"m.toml:1: there is no [[star]]"}));
  EXPECT_TRUE(says(refusal("[star]\nworkloads = ['a']"), {"[[star]]", "a table"}));
  EXPECT_TRUE(says(refusal("star = 1"), {"[[star]]", "a whole number"}));
  EXPECT_TRUE(says(refusal("[[star]]"), {"m.toml:1: this star names no workloads"}));
  EXPECT_TRUE(says(refusal("[[star]]\nworkloads = 'a'"), {"m.toml:2: workloads must be a list"}));
  EXPECT_TRUE(says(refusal("[[star]]\nworkloads = []"), {"m.toml:2: workloads is an empty list"}));
  EXPECT_TRUE(says(refusal("[[star]]\nworkloads = [1]"), {"m.toml:2: each of workloads must be"}));
  EXPECT_TRUE(
      says(refusal("[[star]]\nworkloads = ['a{']"), {"m.toml:2: workloads: \"a{\"", "closed"}));
  EXPECT_TRUE(
      says(refusal("[[star]]\nworkloads = ['a']\nthreads = [0]"), {"m.toml:3: threads is 0"}));
  EXPECT_TRUE(
      says(refusal("[[star]]\nworkloads = ['a']\nheap = '2x'"), {"m.toml:3: heap is \"2x\""}));
  EXPECT_TRUE(
      says(message_of([] { find_matrix("nowhere.toml"); }), {"nowhere.toml", "No such file"}));
}

// A directory that goes with the test; also a made-up root of /proc and /sys.
class Directory : public testing::Test {
 protected:
  Directory() {
    char name[] = "/tmp/churn-planning-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~Directory() override { fs::remove_all(root_); }

  void write(std::string const& path, std::string const& text) const {
    fs::path const whole(root_ + path);
    fs::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  SystemFiles files() const { return SystemFiles(root_); }

  std::string root_;
};

using Installations = Directory;

TEST_F(Installations, AreFoundInBothLayouts) {
  write("/build/harness/cell/churn-cell-malloc", "");
  write("/build/harness/cli/churn", "");
  Installation const built = installation_of(root_ + "/build/harness/cli");
  EXPECT_EQ(built.cell_programs, root_ + "/build/harness/cell");
  EXPECT_EQ(built.malloc_libraries, root_ + "/build/allocators");
  write("/usr/libexec/churn/churn-cell-malloc", "");
  Installation const installed = installation_of(root_ + "/usr/bin");
  EXPECT_EQ(installed.cell_programs, root_ + "/usr/libexec/churn");
  EXPECT_EQ(installed.malloc_libraries, root_ + "/usr/lib/churn");
  std::string const message = message_of([&] { installation_of(root_ + "/else/bin"); });
  EXPECT_TRUE(says(message, {"/else/libexec/churn", "build them"}));
}

using Programs = Directory;

TEST_F(Programs, OtherProgramsAreRefusedByName) {
  std::string const path = root_ + "/churn-cell-odd";
  auto const refusal = [&](char const* script) {
    write("/churn-cell-odd", std::string("#!/bin/sh\n") + script);
    fs::permissions(path, fs::perms::owner_all);
    return message_of([&] { describe_program(path); });
  };
  EXPECT_TRUE(says(refusal("exit 3"), {path.c_str(), "exit status 3"}));
  EXPECT_TRUE(says(refusal("kill -9 $$"), {path.c_str(), "signal 9"}));
  EXPECT_TRUE(says(refusal("echo hello"), {path.c_str(), "does not describe itself"}));
  EXPECT_TRUE(says(refusal("echo '{}'"), {path.c_str(), "protocol"}));
  EXPECT_TRUE(says(refusal("echo '{\"protocol\": 99}'"), {path.c_str(), "speaks protocol 99"}));
  EXPECT_TRUE(
      says(message_of([&] { describe_program(root_ + "/none"); }), {"/none", "No such file"}));
  write("/churn-cell-odd.p/part.o", "");
  write("/churn-cell-plain", "not executable");
  EXPECT_TRUE(says(message_of([&] { describe_programs(root_); }), {"speaks protocol 99"}));
}

TEST(Descriptions, HaveReasonsForWhatCannotRun) {
  ProgramDescription const program = parse_description(
      R"({"protocol": 1, "collector": {"name": "c", "summary": "s", "parameters": [
            {"name": "p", "summary": "q", "standard": 2, "minimum": 1, "maximum": 3},
            {"name": "v", "summary": "w", "standard": 0, "minimum": 0, "maximum": 1,
             "words": ["3.11", "3.13"]}],
          "traits": {"cycles": 1, "max_mutators": 4294967295}},
          "workloads": [{"name": "managed/w", "summary": "", "source": "", "op": "o",
            "parameters": [], "min_threads": 1, "max_threads": 2, "disposes": true,
            "makes_cycles": false, "why_not": "because"}]})",
      "/p");
  EXPECT_EQ(program.collector, "c");
  EXPECT_TRUE(program.has("cycles"));
  EXPECT_FALSE(program.has("moves"));
  EXPECT_EQ(program.parameters.at(0).maximum, 3);
  EXPECT_TRUE(program.parameters.at(0).words.empty());
  EXPECT_EQ(program.parameters.at(1).words, (std::vector<std::string>{"3.11", "3.13"}));
  EXPECT_TRUE(program.workloads.at(0).disposes);
  EXPECT_EQ(program.not_applicable.at("managed/w"), "because");
}

using Machines = Directory;

TEST_F(Machines, LimitsOfVersion2HoldFromAnyAncestor) {
  write("/proc/meminfo", "MemTotal:  16000000 kB\nMemAvailable: 100 kB\n");
  EXPECT_EQ(usable_memory_bytes(files()), 16'384'000'000u);
  write("/proc/self/cgroup", "0::/a/b\n");
  write("/sys/fs/cgroup/a/memory.max", "3000000000\n");
  write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  write("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(container_limits(files()).memory_bytes, 3'000'000'000u);
  EXPECT_EQ(container_limits(files()).cores, 1.5);
  EXPECT_EQ(usable_memory_bytes(files()), 3'000'000'000u);
}

TEST_F(Machines, LimitsOfVersion1AreFoundByController) {
  write("/proc/self/cgroup", "5:cpuset:/\n4:memory:/job\n1:cpuacct,cpu:/job\n");
  write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000\n");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(container_limits(files()).memory_bytes, 2'000'000'000u);
  EXPECT_FALSE(container_limits(files()).cores);
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
  EXPECT_EQ(container_limits(files()).cores, 0.5);
}

TEST_F(Machines, FingerprintsOutliveWhatPasses) {
  write("/proc/cpuinfo", "processor : 0\nmodel name\t: Some CPU @ 2 GHz\nflags : fpu hypervisor\n");
  write("/proc/loadavg", "0.50 0.1 0.1 1/2 3\n");
  fs::create_directories(root_ + "/sys/devices/system/cpu/cpu0");
  fs::create_directories(root_ + "/sys/devices/system/cpu/cpufreq");
  store::Machine const first = describe_machine(files());
  EXPECT_EQ(first.facts.at("cpu_model"), "Some CPU @ 2 GHz");
  EXPECT_EQ(first.facts.at("cores"), "1");
  EXPECT_EQ(first.facts.at("virtualisation"), "yes");
  EXPECT_EQ(first.facts.at("load"), "0.50");
  EXPECT_FALSE(first.facts.contains("governor"));
  write("/proc/loadavg", "9.00 0.1 0.1 1/2 3\n");
  write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  store::Machine const later = describe_machine(files());
  EXPECT_EQ(later.facts.at("thp"), "madvise");
  EXPECT_EQ(later.fingerprint, first.fingerprint);
  write("/proc/cpuinfo", "model name : Another\n");
  EXPECT_NE(describe_machine(files()).fingerprint, first.fingerprint);
}

using Doctor = Directory;

Examination const& item(std::vector<Examination> const& items, std::string const& name) {
  for (auto const& each : items) {
    if (each.item == name) return each;
  }
  throw std::out_of_range(name);
}

TEST_F(Doctor, WarnsWithTheFix) {
  for (char const* const cpu : {"cpu0", "cpu1"}) {
    write(std::string("/sys/devices/system/cpu/") + cpu + "/cpufreq/scaling_governor",
          "powersave\n");
  }
  write("/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
  write("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  write("/proc/sys/kernel/randomize_va_space", "0\n");
  write("/proc/meminfo", "MemAvailable: 1000 kB\n");
  auto const items = examine(files(), {100, 900, 0}, {180, 920, 5});
  for (char const* const name : {"governor", "turbo", "transparent huge pages",
                                 "address randomisation", "free memory", "load", "steal"}) {
    EXPECT_EQ(item(items, name).health, Health::warning) << name;
    EXPECT_FALSE(item(items, name).fix.empty()) << name;
    EXPECT_FALSE(item(items, name).how.empty()) << name;
  }
  EXPECT_EQ(item(items, "governor").found, "powersave");
  EXPECT_EQ(item(items, "load").found, "76.2 % of all cores busy");
  EXPECT_EQ(item(items, "clock source").health, Health::unknown);
}

TEST_F(Doctor, IsContentWithAQuietMachine) {
  write("/proc/stat", "cpu  100 0 100 9000 10 0 0 0 0 0\ncpu0 1 2 3\n");
  write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  write("/sys/devices/system/cpu/cpufreq/boost", "0\n");
  CpuTicks const before = read_cpu_ticks(files());
  EXPECT_EQ(before.busy, 200u);
  EXPECT_EQ(before.idle, 9010u);
  auto const items = examine(files(), before, {201, 9100, 0});
  for (char const* const name : {"governor", "turbo", "load", "steal"}) {
    EXPECT_EQ(item(items, name).health, Health::fine) << name << item(items, name).found;
    EXPECT_TRUE(item(items, name).fix.empty()) << name;
  }
}

}  // namespace
}  // namespace churn::run
