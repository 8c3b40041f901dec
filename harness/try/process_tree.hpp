// What:  the processes of a program that is being tried, its children and theirs: which there are,
//        how much memory they hold, and whether each really has the allocator that it should.
// Why:   ld.so only warns about a preload that it ignores, and a child that was started with an
//        emptied environment, or that is statically linked, has none without a word. What
//        /proc/PID/maps says is what the kernel mapped.
// How:   looks at /proc: new processes are asked for their parent once. This process must be a
//        subreaper (PR_SET_CHILD_SUBREAPER), so that what lost its parent comes to it and stays in
//        the tree. A process is taken for another one once it has executed another program.
// Proof: ld.so maps what is preloaded before it maps glibc, so a process with glibc and without the
//        library has not got it. Until glibc is mapped nothing is decided.
// Memory: of one process its resident bytes. Of several, resident sizes would count twice what a
//        fork shares, and proportional ones (PSS) would depend on who else on the machine uses the
//        same libraries and jump when a second process comes: so the proportional sizes of what
//        belongs to no file (a page that n of them share counts n times an nth), and once the pages
//        of files and shared memory of that process that has most of them.
// Cost:  with 128 processes on the machine, in CPU time: 44 µs a look at one process, whatever it
//        holds; 0.3 ms at four that share 10 MB, 2.3 ms at 100 MB, 33 ms at 1 GB, since the kernel
//        walks their page tables for a proportional size. So who looks waits a hundred times as
//        long (attempt.cpp), and the time line of a large tree is a coarse one.
// Misses: what lives shorter than the time between two looks.
// Not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace churn::trial {

// What each process must have.
struct Expectation {
  std::string library;  // real path of what is preloaded; empty: nothing is
  // Not empty: the library is one that everybody has (glibc). The root was started with this in
  // front of its LD_PRELOAD, and every other process must have begun with it.
  std::string preload;
};

enum class Proof { open, proved, lacking };

// One program that a process executed.
struct Image {
  pid_t process = 0;
  std::string name;  // as the kernel has it: at most 15 letters
  Proof proof = Proof::open;
  std::string why_lacking;      // "is statically linked"
  std::uint64_t cpu_ticks = 0;  // its own, without its children's
};

class ProcessTree {
 public:
  // Processes that are there now are no part of it. `survey`: note what is mapped.
  ProcessTree(Expectation expectation, bool survey);

  // A child of this process. Before anything else is asked.
  void begin(pid_t root);
  // A process that is a child of this one and no part of the tree, with all that it starts.
  void leave_out(pid_t process);

  void look();

  std::uint64_t memory_bytes() const noexcept { return memory_bytes_; }  // at the last look
  Proof root_proof() const;
  std::string const& why_root_lacks() const;
  std::vector<Image> images() const;  // all that were ever seen, with their proofs
  std::vector<pid_t> alive() const;   // at the last look, zombies aside
  std::set<std::string> const& mapped_files() const noexcept { return mapped_files_; }

 private:
  struct Member {
    Image image;
    std::uint64_t start_code = 0;  // differs from image to image
    std::uint64_t ticks_before = 0;
    bool alive = true, zombie = false;
    bool first = true;  // it has executed nothing else since
  };
  struct Status;

  static bool read_status(pid_t process, Status& status);
  void find_new(std::vector<pid_t> const& all);
  void update(pid_t process, Member& member);
  void prove(pid_t process, Image& image, bool started_by_us);
  void weigh();

  pid_t root_ = 0;
  Expectation const expectation_;
  bool const survey_;
  std::map<pid_t, Member> members_;
  std::set<pid_t> strangers_;
  std::vector<Image> past_;
  std::set<std::string> mapped_files_;
  std::uint64_t memory_bytes_ = 0;
  Image root_image_;  // as it was last seen
};

}  // namespace churn::trial
