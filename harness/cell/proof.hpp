// What:  the proof of the back end: malloc and its family must lie in the file that was asked for.
//        ld.so only warns about a preload that it ignores, and glibc's figures would be filed under
//        its name.
#pragma once

#include <map>
#include <string>

#include "harness/cell/request.hpp"

namespace churn::cell {

struct Proof {
  std::map<std::string, std::string> files;  // entry point → file it lies in
  std::string failure;                       // empty: proved
};

// `library` none: glibc is asked for.
Proof prove(std::optional<LibraryFile> const& library);

}  // namespace churn::cell
