// What:  a directory of one run's own, with one symbolic link per library to preload; removed at
//        the end.
// Why:   LD_PRELOAD splits at spaces and colons, so a library's own path may not do; and a link's
//        path has the same length for every library, which keeps environments alike.
// When not: for anything that must survive the run. After a kill -9 the directory stays behind.
// Not thread-safe.
#pragma once

#include <map>
#include <string>

namespace churn::run {

class PrivateDirectory {
 public:
  // Below $TMPDIR, or below /tmp where that is unset or has a space or a colon. Throws UserError.
  PrivateDirectory();
  PrivateDirectory(PrivateDirectory const&) = delete;
  PrivateDirectory& operator=(PrivateDirectory const&) = delete;
  ~PrivateDirectory();

  std::string const& path() const noexcept { return path_; }
  // The path of the link to a library, made at the first call for it; empty for an empty path.
  // Throws UserError.
  std::string link_to(std::string const& library);

 private:
  std::string path_;
  std::map<std::string, std::string> links_;  // library -> link
};

}  // namespace churn::run
