// What:  the same program linked again with its functions in another, random order.
// Why:   two builds differ in where the linker put their loops as well as in work, and where they
//        lie alone changes times by up to some per cent. Over several orders a side that works as
//        much takes as long.
// How:   the link's own command, as ninja tells it; objects and the members of whole archives in
//        random order, and in each of them the sections of functions renamed to .text.sorted.N,
//        which GNU ld sorts by name. Templates have a section each, other code one a file. The
//        result must describe itself as the original does.
// When not: for what was not built by ninja, or not by objects that are still there (an installed
//        churn, another project's allocator): those have the one layout they came with.
// Cost:  half a second a layout, made when it is first asked for.
// Errors: UserError says why a file cannot be linked again; Interrupted.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/run/interrupt.hpp"
#include "harness/run/private_directory.hpp"

namespace churn::gate {

// The build directory that a file lies in: the nearest one above it with a build.ninja; or empty.
std::string build_directory_of(std::string const& file);

class Relinker {
 public:
  Relinker(std::uint64_t seed, run::Interrupt& interrupt) : seed_(seed), interrupt_(interrupt) {}
  Relinker(Relinker const&) = delete;
  Relinker& operator=(Relinker const&) = delete;
  ~Relinker();

  // The path of one layout of a program or library. The same seed, file and number give the same
  // layout. pre: the file lies in a build directory
  // The directory that layouts are made in.
  std::string const& directory() const noexcept { return directory_.path(); }
  std::string const& layout(std::string const& file, std::uint32_t number);

 private:
  void link(std::string const& file, std::uint32_t number, std::string const& result);

  std::uint64_t const seed_;
  run::Interrupt& interrupt_;
  run::PrivateDirectory directory_;
  std::map<std::pair<std::string, std::uint32_t>, std::string> made_;
};

}  // namespace churn::gate
