#include "harness/run/supervise.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "harness/core/clock.hpp"

namespace churn::run {
namespace {

constexpr std::uint64_t poll_every_ns = 50'000'000;

// One child of those that are waited for together.
class Supervision {
 public:
  static constexpr std::size_t descriptors = 3;

  Supervision(Child child, std::uint64_t spawned_ns, Limits limits)
      : child_(std::move(child)), spawned_ns_(spawned_ns), limits_(limits) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/statm", static_cast<int>(child_.id));
    memory_ = Descriptor(open(path, O_RDONLY | O_CLOEXEC));
  }

  bool over() const noexcept { return over_; }
  bool is_late() const noexcept { return over_ && ended_.how == Ended::How::out_of_time; }
  Ended take() { return std::move(ended_); }

  void add_to(std::vector<pollfd>& waits) const {
    for (int const each :
         {child_.process.number(), child_.record.number(), child_.words.number()}) {
      waits.push_back({each, POLLIN, 0});
    }
  }
  // `waits` are this child's. Drains what it wrote, and reaps it once it has ended.
  void heed(pollfd const* waits) {
    if (waits[1].revents != 0) drain_record();
    if (waits[2].revents != 0) drain_words();
    if (waits[0].revents != 0) reap();
  }
  // But for time. Memory only where `polling`.
  void enforce_limits(bool polling) {
    if (ended_.record.size() > record_most_bytes) {
      stop(Ended::How::record_too_long);
    } else if (polling && is_too_big()) {
      stop(Ended::How::out_of_memory);
    }
  }
  void stop(Ended::How how) {
    ended_.how = how;
    stopped_ = true;
    kill(-child_.id, SIGKILL);
    reap();
  }

 private:
  // The end of a pipe that its writers have closed stays readable: it is not polled any more.
  template <class Take>
  static void drain(Descriptor& pipe, Take&& take) {
    char buffer[16384];
    while (pipe) {
      ssize_t const got = read(pipe.number(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return pipe.close();
      if (!take(buffer, static_cast<std::size_t>(got))) return;
    }
  }

  void drain_record() {
    drain(child_.record, [this](char const* text, std::size_t length) {
      ended_.record.append(text, length);
      return ended_.record.size() <= record_most_bytes;
    });
  }

  void drain_words() {
    // A child that never stops talking must not keep this loop from the clock: one pipe's worth at
    // a time.
    std::size_t taken = 0;
    drain(child_.words, [&](char const* text, std::size_t length) {
      ended_.words.append(text, length);
      if (ended_.words.size() > 2 * words_kept_bytes) trim_words();
      taken += length;
      return taken < (std::size_t{64} << 10);
    });
  }

  void trim_words() {
    if (ended_.words.size() <= words_kept_bytes) return;
    ended_.words.erase(0, ended_.words.size() - words_kept_bytes);
  }

  bool is_too_big() {
    char text[128];
    ssize_t const length = pread(memory_.number(), text, sizeof text - 1, 0);
    if (length <= 0) return false;
    text[length] = '\0';
    unsigned long long all_pages = 0, resident_pages = 0;
    if (std::sscanf(text, "%llu %llu", &all_pages, &resident_pages) != 2) return false;
    std::uint64_t const bytes = resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    ended_.peak_resident_bytes = std::max(ended_.peak_resident_bytes, bytes);
    return limits_.resident_bytes != 0 && bytes > limits_.resident_bytes;
  }

  void reap() {
    over_ = true;
    // What the child may have started and left behind; before the child's own number is free again.
    kill(-child_.id, SIGKILL);
    int status = 0;
    while (waitpid(child_.id, &status, 0) < 0 && errno == EINTR) {
    }
    ended_.wall_ns = now_ns() - spawned_ns_;
    drain_record();
    drain_words();
    trim_words();
    if (stopped_) return;
    ended_.how = WIFSIGNALED(status) ? Ended::How::signalled : Ended::How::exited;
    ended_.status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (ended_.record.size() > record_most_bytes) ended_.how = Ended::How::record_too_long;
  }

  Child child_;
  std::uint64_t const spawned_ns_;
  Limits const limits_;
  Descriptor memory_;
  Ended ended_;
  bool stopped_ = false, over_ = false;
};

class Group {
 public:
  Group(std::vector<Child> children, std::uint64_t spawned_ns, Limits limits, Interrupt& interrupt)
      : deadline_ns_(limits.time_ns == 0 ? ~std::uint64_t{0} : spawned_ns + limits.time_ns),
        interrupt_(interrupt) {
    for (Child& child : children) members_.emplace_back(std::move(child), spawned_ns, limits);
  }

  std::vector<Ended> run(Together const& together) {
    std::uint64_t next_poll_ns = now_ns() + poll_every_ns;
    while (any_runs()) {
      wait_until(std::min(next_poll_ns, deadline_ns_));
      if (interrupt_.requested()) {
        stop_all(Ended::How::interrupted);
        break;
      }
      std::uint64_t const now = now_ns();
      if (now >= deadline_ns_) {
        Supervision& late = members_[together.at_work()];
        if (!late.over()) late.stop(Ended::How::out_of_time);
        stop_all(late.is_late() ? Ended::How::abandoned : Ended::How::out_of_time);
        break;
      }
      bool const polling = now >= next_poll_ns;
      if (polling) next_poll_ns = now + poll_every_ns;
      for (Supervision& each : members_) {
        if (!each.over()) each.enforce_limits(polling);
      }
      for (std::size_t i = 0; i < members_.size(); ++i) {
        if (any_runs() && members_[i].over() && !together.may_go_on(i)) {
          stop_all(Ended::How::abandoned);
        }
      }
    }
    std::vector<Ended> all;
    for (Supervision& each : members_) all.push_back(each.take());
    return all;
  }

 private:
  bool any_runs() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](Supervision const& each) { return !each.over(); });
  }
  void stop_all(Ended::How how) {
    for (Supervision& each : members_) {
      if (!each.over()) each.stop(how);
    }
  }

  void wait_until(std::uint64_t until_ns) {
    std::uint64_t const now = now_ns();
    std::uint64_t const rest_ns = until_ns > now ? until_ns - now : 0;
    timespec const timeout{static_cast<time_t>(rest_ns / 1'000'000'000),
                           static_cast<long>(rest_ns % 1'000'000'000)};
    std::vector<pollfd> waits{{interrupt_.descriptor(), POLLIN, 0}};
    for (Supervision const& each : members_) each.add_to(waits);
    // Of one that is over nothing is of interest any more.
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (!members_[i].over()) continue;
      for (std::size_t j = 0; j < Supervision::descriptors; ++j) {
        waits[1 + i * Supervision::descriptors + j].fd = -1;
      }
    }
    if (ppoll(waits.data(), waits.size(), &timeout, nullptr) <= 0) return;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (!members_[i].over()) members_[i].heed(&waits[1 + i * Supervision::descriptors]);
    }
  }

  std::uint64_t const deadline_ns_;
  Interrupt& interrupt_;
  std::vector<Supervision> members_;
};

}  // namespace

std::vector<Ended> supervise_all(std::vector<Child> children, std::uint64_t spawned_ns,
                                 Limits limits, Interrupt& interrupt, Together const& together) {
  return Group(std::move(children), spawned_ns, limits, interrupt).run(together);
}

Ended supervise(Child child, std::uint64_t spawned_ns, Limits limits, Interrupt& interrupt) {
  std::vector<Child> one;
  one.push_back(std::move(child));
  Together const alone{[](std::size_t) { return true; }, [] { return std::size_t{0}; }};
  auto ended = supervise_all(std::move(one), spawned_ns, limits, interrupt, alone);
  return std::move(ended.front());
}

std::string spelled_signal(int signal) {
  char const* const name = sigabbrev_np(signal);
  if (name == nullptr) return "signal " + std::to_string(signal);
  return std::string("SIG") + name + " (" + strsignal(signal) + ")";
}

}  // namespace churn::run
