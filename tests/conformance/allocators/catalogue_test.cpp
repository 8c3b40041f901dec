// The catalogue, what it makes of names and settings, and which files it takes for a malloc
// library.
#include "allocators/catalogue.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "allocators/catalogue_data.hpp"
#include "allocators/malloc_library.hpp"
#include "harness/core/error.hpp"
#include "harness/core/random.hpp"

namespace churn::tests {
namespace {

namespace stdfs = std::filesystem;
using allocators::Catalogue;
using allocators::why_no_malloc_library;
using Settings = std::map<std::string, std::string>;

std::string own_libraries() {
  char const* const directory = std::getenv("CHURN_TEST_MALLOC_LIBRARIES");
  return directory != nullptr ? directory : "/nonexistent";
}

Catalogue const& catalogue() {
  static Catalogue const instance(own_libraries());
  return instance;
}

std::string refusal(std::string const& name, Settings const& settings = {}) {
  try {
    catalogue().resolve(name, settings);
  } catch (UserError const& error) {
    return error.what();
  }
  return {};
}

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

// The file of the library that has this function.
std::string library_of(char const* function) {
  Dl_info info{};
  return dladdr(dlsym(RTLD_DEFAULT, function), &info) != 0 ? info.dli_fname : "";
}

// A copy that a test may spoil.
class Copy {
 public:
  explicit Copy(std::string const& original) {
    std::string pattern = stdfs::temp_directory_path() / "churn-test-XXXXXX";
    descriptor_ = mkstemp(pattern.data());
    path_ = pattern;
    stdfs::copy_file(original, path_, stdfs::copy_options::overwrite_existing);
    close(descriptor_);
    descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~Copy() {
    close(descriptor_);
    stdfs::remove(path_);
  }
  Copy(Copy const&) = delete;
  Copy& operator=(Copy const&) = delete;
  std::string const& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  std::string path_;
  int descriptor_ = -1;
};

TEST(Catalogue, IsAlphabeticalAndSaysWhatEachOneIs) {
  auto const& all = catalogue().all();
  EXPECT_TRUE(
      std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; }));
  for (auto const& each : all) {
    EXPECT_NE(each.summary, "") << each.name;
    EXPECT_TRUE(each.in_project || each.name == "glibc" || !each.package.empty()) << each.name;
    EXPECT_EQ(each.available, each.why_not.empty()) << each.name;
    if (each.available && each.name != "glibc") {
      EXPECT_EQ(why_no_malloc_library(each.library), "");
    }
    if (!each.available && !each.in_project) {
      EXPECT_TRUE(contains(each.why_not, "apt-get install " + each.package)) << each.why_not;
    }
  }
}

TEST(Catalogue, HasEveryAllocatorOfOurOwn) {
  for (auto const& own : allocators::own_allocators) {
    auto const& all = catalogue().all();
    auto const found =
        std::find_if(all.begin(), all.end(), [&](auto& each) { return each.name == own.name; });
    ASSERT_NE(found, all.end()) << own.name;
    EXPECT_TRUE(found->in_project);
    EXPECT_EQ(found->reuses, own.reuses);
    EXPECT_EQ(found->parameters.size(), own.parameters.size());
  }
}

TEST(Catalogue, OffersNearNamesOrAll) {
  EXPECT_TRUE(contains(refusal("jemaloc"), "did you mean jemalloc?")) << refusal("jemaloc");
  EXPECT_TRUE(contains(refusal("qqqqqq"), "glibc, jemalloc, mimalloc")) << refusal("qqqqqq");
}

TEST(Catalogue, TakesOnlyEnvironmentThatTheAllocatorReads) {
  auto const resolved = catalogue().resolve("glibc", {{"MALLOC_ARENA_MAX", "1"}});
  EXPECT_EQ(resolved.environment, (Settings{{"MALLOC_ARENA_MAX", "1"}}));
  EXPECT_TRUE(contains(refusal("glibc", {{"MALOC_ARENA_MAX", "1"}}), "GLIBC_TUNABLES, MALLOC_*"));
  EXPECT_TRUE(contains(refusal("glibc", {{"LD_PRELOAD", "x"}}), "not for users"));
  EXPECT_TRUE(contains(refusal("glibc", {{"arenas", "1"}}), "no parameters"));
}

TEST(Catalogue, ChecksParametersOfOurOwn) {
  auto const& all = catalogue().all();
  auto const bump =
      std::find_if(all.begin(), all.end(), [](auto& each) { return each.name == "bump"; });
  ASSERT_NE(bump, all.end());
  if (!bump->available) GTEST_SKIP() << bump->why_not;
  auto const resolved = catalogue().resolve("bump", {{"prefault", "1Gi"}});
  EXPECT_EQ(resolved.environment, (Settings{{"CHURN_ALLOCATOR", "prefault=1Gi"}}));
  EXPECT_TRUE(contains(refusal("bump", {{"prefalt", "1G"}}), "did you mean prefault?"));
  EXPECT_TRUE(contains(refusal("bump", {{"prefault", "-1"}}), "from 0 to"));
  EXPECT_TRUE(contains(refusal("bump", {{"prefault", "much"}}), "whole number"));
  EXPECT_TRUE(contains(refusal("bump", {{"CHURN_ALLOCATOR", "x"}}), "not for users"));
}

TEST(Catalogue, RefusesPathsThatAreNoMallocLibrary) {
  EXPECT_TRUE(contains(refusal("./no-such-library.so"), "does not exist"));
  EXPECT_TRUE(contains(refusal("/tmp"), "is a directory"));
  EXPECT_TRUE(contains(refusal("/etc/passwd"), "is not an ELF file"));
  EXPECT_TRUE(contains(refusal("/proc/self/exe"), "not a library") ||
              contains(refusal("/proc/self/exe"), "not a shared library"));
  EXPECT_TRUE(contains(refusal("/dev/null"), "is not a file"));
  EXPECT_TRUE(contains(refusal(library_of("cosh")), "defines no malloc"))
      << refusal(library_of("cosh"));
}

TEST(MallocLibrary, TakesTheCLibraryButNoPartOfIt) {
  Copy const copy(library_of("getppid"));
  ASSERT_EQ(why_no_malloc_library(copy.path()), "");
  auto const size = static_cast<std::int64_t>(stdfs::file_size(copy.path()));
  // Section headers and debug information come last and are not loaded: begin before them.
  for (std::int64_t left = size / 2; left > 0; left = left * 4 / 5) {
    ASSERT_EQ(ftruncate(copy.descriptor(), left), 0);
    EXPECT_NE(why_no_malloc_library(copy.path()), "") << left << " of " << size << " bytes";
  }
  ASSERT_EQ(ftruncate(copy.descriptor(), 0), 0);
  EXPECT_EQ(why_no_malloc_library(copy.path()), "is empty");
}

TEST(MallocLibrary, SurvivesAnySingleDamage) {
  Copy const copy(library_of("getppid"));
  Random random(11);
  for (int i = 0; i < 3000; ++i) {
    // Headers and tables lie in the first 128 KiB.
    auto const offset = static_cast<off_t>(random.below(i % 2 == 0 ? 2048 : 128 * 1024));
    unsigned char before = 0;
    ASSERT_EQ(pread(copy.descriptor(), &before, 1, offset), 1);
    auto const damaged = static_cast<unsigned char>(random.next());
    ASSERT_EQ(pwrite(copy.descriptor(), &damaged, 1, offset), 1);
    std::string const answer = why_no_malloc_library(copy.path());
    EXPECT_LT(answer.size(), 200u);
    ASSERT_EQ(pwrite(copy.descriptor(), &before, 1, offset), 1);
  }
  EXPECT_EQ(why_no_malloc_library(copy.path()), "");
}

}  // namespace
}  // namespace churn::tests
