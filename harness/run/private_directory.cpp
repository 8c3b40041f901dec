#include "harness/run/private_directory.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "harness/core/error.hpp"

namespace churn::run {
namespace {

std::string parent_directory() {
  char const* const wanted = std::getenv("TMPDIR");
  if (wanted == nullptr || wanted[0] != '/' || std::strpbrk(wanted, " :\t\n") != nullptr) {
    return "/tmp";
  }
  return wanted;
}

}  // namespace

PrivateDirectory::PrivateDirectory() {
  std::string path = parent_directory() + "/churn-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    throw UserError("cannot make a directory for this run, " + path + ": " + std::strerror(errno) +
                    "; set TMPDIR to a directory that can be written");
  }
  path_ = path;
}

PrivateDirectory::~PrivateDirectory() {
  for (auto const& [library, link] : links_) unlink(link.c_str());
  rmdir(path_.c_str());
}

std::string PrivateDirectory::link_to(std::string const& library) {
  if (library.empty()) return "";
  if (auto const found = links_.find(library); found != links_.end()) return found->second;
  char name[16];
  std::snprintf(name, sizeof name, "/%05zu.so", links_.size());
  std::string const link = path_ + name;
  if (symlink(library.c_str(), link.c_str()) != 0) {
    throw UserError("cannot link " + link + " to " + library + ": " + std::strerror(errno));
  }
  links_.emplace(library, link);
  return link;
}

}  // namespace churn::run
