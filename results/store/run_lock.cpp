#include "results/store/run_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "harness/core/error.hpp"

namespace churn::store {
namespace {

// Two names of one store (links) must meet at one lock.
std::string lock_path(std::string const& store_path) {
  std::error_code error;
  auto const resolved = std::filesystem::weakly_canonical(store_path, error);
  return (error ? store_path : resolved.string()) + ".lock";
}

std::string holder(int descriptor) {
  char text[32];
  auto const length = pread(descriptor, text, sizeof text - 1, 0);
  std::string pid;
  for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i) pid += text[i];
  return pid.empty() ? "" : " (pid " + pid + ")";
}

// The former holder removes the file as it leaves: a lock on a file that no longer has the name is
// worthless.
bool still_named(int descriptor, std::string const& path) {
  struct stat opened, named;
  return fstat(descriptor, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

RunLock::RunLock(std::string const& store_path) : path_(lock_path(store_path)) {
  while (true) {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor_ < 0) {
      throw UserError("cannot write beside the store '" + store_path + "': " + path_ + ": " +
                      std::strerror(errno) + "; give a writable place with --db FILE");
    }
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      bool const held = errno == EWOULDBLOCK;
      std::string const text =
          held ? "another churn run" + holder(descriptor_) + " is writing to '" + store_path +
                     "'; wait for it to end, or give another file with --db FILE"
               : "cannot lock " + path_ + ": " + std::strerror(errno) +
                     "; give a store on a local disk with --db FILE";
      close(descriptor_);
      throw UserError(text);
    }
    if (still_named(descriptor_, path_)) break;
    close(descriptor_);
  }
  std::string const pid = std::to_string(getpid()) + "\n";
  // Without its number the lock holds all the same, so a full disk is no reason to give up here.
  if (ftruncate(descriptor_, 0) == 0) (void)!pwrite(descriptor_, pid.data(), pid.size(), 0);
}

RunLock::~RunLock() {
  unlink(path_.c_str());
  close(descriptor_);
}

}  // namespace churn::store
