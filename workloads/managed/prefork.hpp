// What:  a server that builds its heap once and forks workers, which share its pages until they
//        write, and only read: how many pages does reading cost?
// Why:   counts in objects make every read a write, mark bits and generation links in headers make
//        every collection one; each copies a page for each worker. Large services in Python turned
//        their collector off for that reason, and freeze() was added to save what it can.
// Op:    one object read by a worker through a local of its own. A unit forks `workers` workers,
//        one after another; each walks all objects, then collects `collections` times, then is
//        gone. The CPU time of an op is the parent's alone.
// How:   the objects are a table of records that link to each other, met in a random order. Locals,
//        not bare references, name what is read, as variables of a program do: that is what counts
//        count. A worker measures what it came to own by the growth of its private dirty pages and
//        sends that and its sum through a pipe.
// Settings: freeze=1 freezes the heap before the first fork, on collectors that can.
// Checksum: of what the workers read. A worker that dies spoils it.
// Invariant: the parent's heap does not change between forks; children never return from here.
// Source: C. Morgan and the Instagram engineering blog, "Dismissing Python garbage collection at
//        Instagram", 2017, and Z. Hu on gc.freeze, bpo-31558.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/check.hpp"
#include "harness/core/contracts.hpp"
#include "harness/core/random.hpp"
#include "harness/core/workload.hpp"
#include "workloads/parts/payload.hpp"
#include "workloads/parts/private_pages.hpp"
#include "workloads/parts/shuffle.hpp"

namespace churn::prefork {

inline constexpr std::array parameters{
    ParameterInfo{"objects", 50'000, 1, 10'000'000, "of the heap that the workers share"},
    ParameterInfo{"workers", 1, 1, 64, "forked in a unit, one after another"},
    ParameterInfo{"collections", 1, 0, 100, "full collections of each worker, after it has read"},
    ParameterInfo{"freeze", 0, 0, 1, "1 freezes the heap before forking, where it can be frozen"},
};

inline constexpr WorkloadInfo info{
    .name = "prefork",
    .summary = "forked workers that only read a heap: the pages that counts and marks unshare",
    .source = "Dismissing Python garbage collection at Instagram, 2017; gc.freeze, bpo-31558",
    .op = "one object read by a worker, its share of the fork and of the worker's collections",
    .parameters = parameters,
    .disposes = true,
    .allocates = false,
    .forks = true,
};

template <class M>
class Workload {
  using Ref = typename M::Ref;
  using Local = typename M::Local;

 public:
  explicit Workload(WorkloadContext const& context)
      : objects_(static_cast<std::uint32_t>(context["objects"])),
        workers_(static_cast<std::uint32_t>(context["workers"])),
        collections_(static_cast<std::uint32_t>(context["collections"])),
        freezes_(context["freeze"] == 1),
        random_(Random::fork(context.seed, 0)) {
    if (freezes_ && !Controls<M>) {
      stop(Outcome::not_applicable, "freeze=1: this collector cannot freeze its heap");
    }
  }

  std::uint64_t ops_per_unit() const noexcept { return std::uint64_t{workers_} * objects_; }

  [[gnu::cold]] void setup(M& m, std::uint32_t) {
    table_.emplace(m);
    Local& table = **table_;
    m.allocate(table, table_shape());
    typename M::template Frame<1> fresh(m);
    for (std::uint32_t i = 0; i < objects_; ++i) {
      m.allocate(fresh[0], record);
      Ref const added = fresh[0].get();
      set_word(m.payload(added, record), random_.next());
      if (i > 0) m.write_new(added, earlier, m.read(table.get(), i - 1));
      m.write(table.get(), i, std::move(fresh[0]));
    }
    m.collect(generations - 1);
    if constexpr (Controls<M>) {
      if (freezes_) m.freeze();
    }
  }

  void run(M& m, std::uint32_t) {
    for (std::uint32_t i = 0; i < workers_; ++i) {
      Message const told = from_worker(m, random_.next());
      sum_ = mix(sum_, told.sum);
      if (told.pages_known) {
        pages_ += told.pages;
        ++pages_of_;
      }
    }
  }

  [[gnu::cold]] std::uint64_t check(M& m, std::uint32_t) {
    return mix(sum_, read_all(m, Shuffle(objects_, sum_)));
  }

  void start_line() { pages_ = pages_of_ = 0; }
  // The mean over the workers.
  std::vector<Figure> figures() {
    if (pages_of_ == 0) return {};
    return {{"unshared_pages", (pages_ + pages_of_ / 2) / pages_of_}};
  }

  [[gnu::cold]] void dispose(M& m, std::uint32_t)
    requires Releases<M>
  {
    Ref const table = (**table_).get();
    for (std::uint32_t i = 0; i < objects_; ++i) m.release(m.read(table, i), record);
    m.release(table, table_shape());
  }

  [[gnu::cold]] void teardown(M& m, std::uint32_t) {
    if constexpr (Controls<M>) {
      if (freezes_) m.unfreeze();
    }
    table_.reset();
  }

 private:
  static constexpr Shape record{1, 40};  // a small object of an interpreter
  static constexpr std::uint32_t earlier = 0;

  struct Message {
    std::uint64_t sum = 0, pages = 0;
    bool pages_known = false;
  };

  Shape table_shape() const noexcept { return {objects_, 0}; }

  std::uint64_t read_all(M& m, Shuffle const& order) {
    typename M::template Frame<2> frame(m);
    Local &here = frame[0], &there = frame[1];
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < objects_; ++i) {
      m.set(here, m.read((**table_).get(), order[i]));
      m.set(there, m.read(here.get(), earlier));
      sum = 3 * sum + word(m.payload(here.get(), record));
      if (there.get() != Ref{}) sum += 5 * word(m.payload(there.get(), record));
    }
    return sum;
  }

  // One worker from its birth to its death.
  Message from_worker(M& m, std::uint64_t order) {
    int ends[2];
    if (pipe(ends) != 0) stop(Outcome::crashed, "no pipe for a worker");
    pid_t const worker = fork();
    if (worker < 0) stop(Outcome::out_of_memory, "no process for a worker");
    if (worker == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      set_stop_hook(nullptr);  // the record is the parent's
      work(m, order, ends[1]);
      _exit(0);
    }
    close(ends[1]);
    Message told;
    ssize_t got;
    while ((got = read(ends[0], &told, sizeof told)) < 0 && errno == EINTR) {
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(worker, &status, 0) < 0 && errno == EINTR) {
    }
    if (got != sizeof told || status != 0) stop(Outcome::crashed, "a worker died while it read");
    return told;
  }

  CHURN_NEVER_INLINE void work(M& m, std::uint64_t order, int to_parent) {
    std::optional<std::uint64_t> const before = private_dirty_pages();
    Message told;
    told.sum = read_all(m, Shuffle(objects_, order));
    for (std::uint32_t i = 0; i < collections_; ++i) m.collect(generations - 1);
    std::optional<std::uint64_t> const after = private_dirty_pages();
    told.pages_known = before && after;
    if (told.pages_known && *after > *before) told.pages = *after - *before;
    // A pipe takes a message of this size whole.
    if (write(to_parent, &told, sizeof told) != sizeof told) _exit(1);
  }

  std::uint32_t const objects_, workers_, collections_;
  bool const freezes_;
  Random random_;
  std::optional<typename M::Root> table_;
  std::uint64_t sum_ = 0, pages_ = 0, pages_of_ = 0;
};

}  // namespace churn::prefork
