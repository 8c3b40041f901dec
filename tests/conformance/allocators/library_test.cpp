// Malloc libraries as the cells use them: preloaded. Our own and every installed one of the
// catalogue.
#include <cxxabi.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "allocators/catalogue.hpp"

namespace churn::tests {
namespace {

namespace stdfs = std::filesystem;
using ::testing::HasSubstr;

// Places that the build hands over; see meson.build beside this file.
std::string place(char const* variable) {
  char const* const value = std::getenv(variable);
  if (value == nullptr)
    throw std::runtime_error(std::string("run through meson test: no ") + variable);
  return value;
}
std::string malloc_library(std::string const& name) {
  return place("CHURN_TEST_MALLOC_LIBRARIES") + "/libchurn_" + name + ".so";
}

struct Ending {
  int status = 0;  // exit status, or 128 plus the signal
  std::string output;
};

// `environment` is "A=1 B=2". Both streams come back.
Ending run(std::string const& command, std::string const& environment) {
  std::string const line = "exec env " + environment + " " + command + " 2>&1";
  FILE* const stream = popen(line.c_str(), "re");
  Ending ending;
  if (stream == nullptr) throw std::runtime_error("popen: " + line);
  char part[4096];
  for (size_t bytes; (bytes = fread(part, 1, sizeof part, stream)) > 0;)
    ending.output.append(part, bytes);
  int const status = pclose(stream);
  ending.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return ending;
}
Ending run_on(std::string const& library, std::string const& command) {
  return run(command, library.empty() ? "" : "LD_PRELOAD=" + library);
}

// Why the catalogue says that this one does not hold. What is not in it must hold.
char const* why_known(allocators::AllocatorInfo const& info, std::string const& property) {
  if (!info.reuses && property == "reuse") return "never reuses, and says so";
  auto const found = info.known_failures.find(property);
  return found == info.known_failures.end() ? nullptr : found->second.c_str();
}

// The names in the rows "FAIL  NAME  reason".
std::set<std::string> failed_properties(std::string const& output) {
  std::set<std::string> failed;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string verdict, name;
    if (words >> verdict >> name && verdict == "FAIL") failed.insert(name);
  }
  return failed;
}

// GoogleTest allows no '-' in the names of tests.
std::string test_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<allocators::AllocatorInfo> all_allocators() {
  return allocators::Catalogue(place("CHURN_TEST_MALLOC_LIBRARIES")).all();
}

class Conforms : public ::testing::TestWithParam<allocators::AllocatorInfo> {};

TEST_P(Conforms, WhenPreloaded) {
  auto const& info = GetParam();
  if (!info.available) GTEST_SKIP() << info.why_not;
  Ending const ending = run_on(info.library, place("CHURN_TEST_CONFORM_MALLOC"));
  ASSERT_THAT(ending.status, ::testing::AnyOf(0, 1)) << ending.output;
  std::string const first_line = ending.output.substr(0, ending.output.find('\n'));
  if (info.library.empty()) {
    EXPECT_THAT(first_line, HasSubstr("libc.so"));
  } else {
    EXPECT_EQ(first_line, "malloc of " + info.library);
  }
  auto const failed = failed_properties(ending.output);
  EXPECT_EQ(ending.status, failed.empty() ? 0 : 1);
  for (auto const& property : failed) {
    char const* const reason = why_known(info, property);
    EXPECT_NE(reason, nullptr) << ending.output;
    if (reason != nullptr)
      printf("known: %s: %s: %s\n", info.name.c_str(), property.c_str(), reason);
  }
  for (auto const& [property, reason] : info.known_failures) {
    if (failed.contains(property)) continue;
    printf("no longer so here: %s: %s: %s\n", info.name.c_str(), property.c_str(), reason.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Conforms, ::testing::ValuesIn(all_allocators()),
                         [](auto const& each) { return test_name(each.param.name); });

TEST(Canary, BrokenLibrariesFailWhereTheyAreBroken) {
  struct Canary {
    char const *library, *property;
  };
  for (Canary const& canary : {Canary{"misaligned", "aligned"}, Canary{"overlapping", "disjoint"},
                               Canary{"unwashed", "zeroed"}}) {
    std::string const library =
        place("CHURN_TEST_BROKEN_LIBRARIES") + "/libbroken_" + canary.library + ".so";
    Ending const ending = run_on(library, place("CHURN_TEST_CONFORM_MALLOC"));
    EXPECT_EQ(ending.status, 1) << canary.library << "\n" << ending.output;
    EXPECT_TRUE(failed_properties(ending.output).contains(canary.property)) << ending.output;
    EXPECT_THAT(ending.output, HasSubstr("NOT a correct malloc"));
  }
}

TEST(ConformMalloc, CallsItsAnswerByItsExitStatusAndInJson) {
  std::string const program = place("CHURN_TEST_CONFORM_MALLOC");
  Ending const json = run(program + " --json", "");
  EXPECT_EQ(json.status, 0);
  EXPECT_THAT(json.output, HasSubstr("\"failed\": 0"));
  EXPECT_EQ(run(program + " --property nonsense", "").status, 2);
  EXPECT_EQ(run(program + " --nonsense", "").status, 2);
  EXPECT_EQ(run(program + " --help", "").status, 0);
}

std::vector<std::string> own_names() {
  std::vector<std::string> names{"count"};
  for (auto const& each : all_allocators()) {
    if (each.in_project) names.push_back(each.name);
  }
  return names;
}

class OwnLibrary : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, OwnLibrary, ::testing::ValuesIn(own_names()),
                         [](auto const& each) { return test_name(each.param); });

TEST_P(OwnLibrary, ShowsTheMallocFamilyAndNothingElse) {
  Ending const listing = run("nm -D --defined-only " + malloc_library(GetParam()), "");
  ASSERT_EQ(listing.status, 0) << listing.output;
  std::set<std::string> c_names;
  int news = 0, deletes = 0;
  std::istringstream lines(listing.output);
  for (std::string address, kind, name; lines >> address >> kind >> name;) {
    int status = 0;
    char* const plain = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
    std::string const demangled = status == 0 ? plain : name;
    std::free(plain);
    if (demangled.starts_with("operator new")) {
      ++news;
    } else if (demangled.starts_with("operator delete")) {
      ++deletes;
    } else {
      c_names.insert(demangled);
    }
  }
  std::set<std::string> expected{
      "malloc",        "free",   "calloc",  "realloc",        "reallocarray",      "memalign",
      "aligned_alloc", "valloc", "pvalloc", "posix_memalign", "malloc_usable_size"};
  if (GetParam() == "count") expected.insert({"churn_count_read", "churn_count_reset"});
  EXPECT_EQ(c_names, expected);
  EXPECT_EQ(news, 8);
  EXPECT_EQ(deletes, 12);
}

TEST_P(OwnLibrary, RunsPython) {
  if (!stdfs::exists("/usr/bin/python3")) GTEST_SKIP() << "/usr/bin/python3 is not installed";
  Ending const ending =
      run_on(malloc_library(GetParam()),
             "/usr/bin/python3 -c 'import json, threading\n"
             "out = []\n"
             "def work(k): out.append(len(json.dumps({str(i): [i] * k for i in range(9000)})))\n"
             "threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]\n"
             "[t.start() for t in threads]; [t.join() for t in threads]\n"
             "print(sorted(out))'");
  EXPECT_EQ(ending.status, 0);
  EXPECT_EQ(ending.output, run("/usr/bin/python3 -c 'import json\n"
                               "print([len(json.dumps({str(i): [i] * k for i in range(9000)})) "
                               "for k in (1, 2, 3)])'",
                               "")
                               .output);
}

TEST_P(OwnLibrary, RunsSqlite) {
  if (!stdfs::exists("/usr/bin/sqlite3")) GTEST_SKIP() << "/usr/bin/sqlite3 is not installed";
  Ending const ending =
      run_on(malloc_library(GetParam()),
             "/usr/bin/sqlite3 :memory: 'create table t(a integer primary key, b text);"
             "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)"
             " insert into t select i, hex(i * i) from n; create index x on t(b);"
             "delete from t where a % 3 = 0; select count(*), sum(length(b)) > 0, max(a) from t;'");
  EXPECT_EQ(ending.status, 0);
  EXPECT_EQ(ending.output, "13334|1|20000\n");
}

TEST_P(OwnLibrary, RunsTheCompiler) {
  stdfs::path const directory =
      stdfs::temp_directory_path() / ("churn-test-compiler-" + GetParam());
  stdfs::create_directories(directory);
  std::ofstream(directory / "hello.cpp") << "#include <map>\n#include <string>\n"
                                            "std::map<std::string, int> m{{\"hello\", 42}};\n"
                                            "int main() { return m.at(\"hello\"); }\n";
  std::string const program = directory / "hello";
  Ending const compiled = run_on(malloc_library(GetParam()),
                                 "g++ -o " + program + " " + std::string(directory / "hello.cpp"));
  EXPECT_EQ(compiled.status, 0) << compiled.output;
  EXPECT_EQ(compiled.output, "");
  EXPECT_EQ(run_on(malloc_library(GetParam()), program).status, 42);
  stdfs::remove_all(directory);
}

TEST_P(OwnLibrary, RefusesSettingsThatItDoesNotHave) {
  for (std::string const settings : {"nonsense=1", "nonsense", "=", ";", "prefault=much"}) {
    Ending const ending = run("/bin/true", "LD_PRELOAD=" + malloc_library(GetParam()) +
                                               " 'CHURN_ALLOCATOR=" + settings + "'");
    EXPECT_EQ(ending.status, 71) << settings;
    EXPECT_THAT(ending.output, HasSubstr("churn: CHURN_ALLOCATOR: setting '")) << settings;
  }
}

TEST(Bump, PrefaultTouchesItsMemoryBeforeMain) {
  auto const resident_kib = [](std::string const& environment) {
    Ending const ending = run("/bin/grep VmRSS /proc/self/status",
                              "LD_PRELOAD=" + malloc_library("bump") + " " + environment);
    long kib = 0;
    EXPECT_EQ(std::sscanf(ending.output.c_str(), "VmRSS: %ld", &kib), 1) << ending.output;
    return kib;
  };
  EXPECT_LT(resident_kib(""), 32 * 1024);
  EXPECT_GT(resident_kib("CHURN_ALLOCATOR=prefault=64Mi"), 64 * 1024);
  Ending const refused =
      run("/bin/true", "LD_PRELOAD=" + malloc_library("bump") + " CHURN_ALLOCATOR=prefault=1T");
  EXPECT_EQ(refused.status, 71) << "a machine with 2 TB of memory?";
}

TEST(Count, IsACorrectMalloc) {
  Ending const ending = run_on(malloc_library("count"), place("CHURN_TEST_CONFORM_MALLOC"));
  EXPECT_EQ(ending.status, 0) << ending.output;
}

TEST(Count, IsReadByTheProcessThatItCounts) {
  if (!stdfs::exists("/usr/bin/python3")) GTEST_SKIP() << "/usr/bin/python3 is not installed";
  Ending const ending =
      run_on(malloc_library("count"),
             "/usr/bin/python3 -c 'import ctypes\n"
             "class Count(ctypes.Structure):\n"
             "  _fields_ = [(n, ctypes.c_uint64) for n in (\"peak\", \"total\", \"calls\")]\n"
             "c = ctypes.CDLL(None)\n"
             "c.churn_count_read.restype = Count\n"
             "c.malloc.restype = ctypes.c_void_p; c.free.argtypes = [ctypes.c_void_p]\n"
             "c.churn_count_reset()\n"
             "c.free(c.malloc(100000000)); n = c.churn_count_read()\n"
             "print(100000000 <= n.peak < 101000000, n.total >= n.peak, n.calls >= 1)'");
  EXPECT_EQ(ending.output, "True True True\n");
}

}  // namespace
}  // namespace churn::tests
