// What:  which allocators churn knows by name (allocators/catalogue.toml, compiled in), and how a
//        name or path with settings becomes a library to preload and an environment.
// Errors: UserError, before anything is measured: unknown name (nearest names offered), unknown
//        setting, a path that does not exist, is no x86-64 shared library, or defines no malloc.
// Thread-safety: const after construction.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/core/workload.hpp"

namespace churn::allocators {

// Settings that people deploy.
struct Variant {
  std::string settings;  // as between the braces
  std::string why;
};

struct AllocatorInfo {
  std::string name, summary;
  std::string library;  // absolute path once found; empty for glibc (no preload)
  std::string package;  // Debian package that has it; empty for glibc and churn's own
  std::string note;     // what a reader of the report must know, may be empty
  bool in_project = false;
  bool reuses = true;  // false: never gives memory back, so it runs work that fits
  bool available = true;
  std::string why_not;  // "libjemalloc.so.2 is not installed: apt-get install libjemalloc2"
  std::vector<ParameterInfo> parameters;  // lower-case settings, in-project libraries only
  std::vector<std::string>
      tuning;  // environment variables that it reads, "X_*" for all of a prefix
  std::vector<Variant> variants;
  std::map<std::string, std::string> known_failures;  // property of harness/conform -> why
};

// An allocator ready to run: exists, is a library, defines malloc.
struct ResolvedAllocator {
  AllocatorInfo info;
  std::map<std::string, std::string> settings;     // as given
  std::map<std::string, std::string> environment;  // what the cell's environment gets
};

class Catalogue {
 public:
  // `own_libraries` is the directory of churn's libchurn_*.so.
  explicit Catalogue(std::string const& own_libraries);

  std::vector<AllocatorInfo> const& all() const noexcept { return all_; }  // alphabetical
  // `name` is a name of the catalogue, or a path if it contains a slash.
  ResolvedAllocator resolve(std::string const& name,
                            std::map<std::string, std::string> const& settings) const;

 private:
  std::vector<AllocatorInfo> all_;
};

// Whether a program or library shows ld.so a malloc of its own, which may take the place of glibc's
// in a process; false for a file that cannot be read. Thread-safe.
bool shows_malloc(std::string const& path);

}  // namespace churn::allocators
