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

class Supervision {
 public:
  Supervision(Child child, std::uint64_t spawned_ns, Limits limits, Interrupt& interrupt)
      : child_(std::move(child)), spawned_ns_(spawned_ns), limits_(limits), interrupt_(interrupt) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/statm", static_cast<int>(child_.id));
    memory_ = Descriptor(open(path, O_RDONLY | O_CLOEXEC));
  }

  Ended run() {
    std::uint64_t next_poll_ns = spawned_ns_ + poll_every_ns;
    while (!wait_until(next_poll_ns)) {
      if (interrupt_.requested()) {
        stop(Ended::How::interrupted);
        break;
      }
      if (ended_.record.size() > record_most_bytes) {
        stop(Ended::How::record_too_long);
        break;
      }
      std::uint64_t const now = now_ns();
      if (limits_.time_ns != 0 && now - spawned_ns_ >= limits_.time_ns) {
        stop(Ended::How::out_of_time);
        break;
      }
      if (now < next_poll_ns) continue;
      next_poll_ns = now + poll_every_ns;
      if (is_too_big()) {
        stop(Ended::How::out_of_memory);
        break;
      }
    }
    reap();
    return std::move(ended_);
  }

 private:
  // True once the child has ended. Drains what it wrote meanwhile.
  bool wait_until(std::uint64_t until_ns) {
    std::uint64_t wake_ns = until_ns;
    if (limits_.time_ns != 0) wake_ns = std::min(wake_ns, spawned_ns_ + limits_.time_ns);
    std::uint64_t const now = now_ns();
    std::uint64_t const rest_ns = wake_ns > now ? wake_ns - now : 0;
    timespec const timeout{static_cast<time_t>(rest_ns / 1'000'000'000),
                           static_cast<long>(rest_ns % 1'000'000'000)};
    std::array<pollfd, 4> waits{{{child_.process.number(), POLLIN, 0},
                                 {interrupt_.descriptor(), POLLIN, 0},
                                 {child_.record.number(), POLLIN, 0},
                                 {child_.words.number(), POLLIN, 0}}};
    if (ppoll(waits.data(), waits.size(), &timeout, nullptr) <= 0) return false;
    if (waits[2].revents != 0) drain_record();
    if (waits[3].revents != 0) drain_words();
    return waits[0].revents != 0;
  }

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

  void stop(Ended::How how) {
    ended_.how = how;
    stopped_ = true;
    kill(-child_.id, SIGKILL);
  }

  void reap() {
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
  Interrupt& interrupt_;
  Descriptor memory_;
  Ended ended_;
  bool stopped_ = false;
};

}  // namespace

Ended supervise(Child child, std::uint64_t spawned_ns, Limits limits, Interrupt& interrupt) {
  return Supervision(std::move(child), spawned_ns, limits, interrupt).run();
}

std::string spelled_signal(int signal) {
  char const* const name = sigabbrev_np(signal);
  if (name == nullptr) return "signal " + std::to_string(signal);
  return std::string("SIG") + name + " (" + strsignal(signal) + ")";
}

}  // namespace churn::run
