// What:  where this churn's own programs and libraries are: beside the running binary in the build
//        tree or in an installed one. Found from /proc/self/exe, so that a moved tree works.
// Layouts
//        BUILD/harness/cli/churn    BUILD/harness/cell/churn-cell-* BUILD/allocators/libchurn_*.so
//        BUILD/harness/conform/churn-conform-malloc
//        BUILD/workloads/traces/*.trace
//        PREFIX/bin/churn           PREFIX/libexec/churn/churn-*    PREFIX/lib/churn/libchurn_*.so
//        PREFIX/share/churn/traces/*.trace
#pragma once

#include <string>

namespace churn::run {

struct Installation {
  std::string cell_programs;     // directory of churn-cell-*
  std::string malloc_libraries;  // directory of libchurn_*.so
  std::string conform_malloc;    // churn-conform-malloc
  std::string traces;            // directory of *.trace
};

// Throws UserError when the programs are not there, naming the places that were looked at.
Installation find_installation();
// The same for a churn in `directory`.
Installation installation_of(std::string const& directory);

}  // namespace churn::run
