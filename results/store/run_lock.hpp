// What:  holds "one `churn run` per store": an advisory lock (flock) on FILE.lock beside the store,
//        with the holder's process id in it for the message to whoever comes second.
// Why:   the kernel drops the lock when its process ends, however it ends. The store file itself is
//        not locked: closing a second descriptor of it would drop SQLite's own locks.
// When not: for single writes; SQLite orders those.
#pragma once

#include <string>

namespace churn::store {

class RunLock {
 public:
  // Throws UserError when another process holds it, or when the side file cannot be made.
  explicit RunLock(std::string const& store_path);
  RunLock(RunLock const&) = delete;
  RunLock& operator=(RunLock const&) = delete;
  ~RunLock();

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace churn::store
