#include "harness/trace/record.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "harness/core/clock.hpp"
#include "harness/core/error.hpp"
#include "harness/core/page_source.hpp"
#include "harness/core/recording.hpp"
#include "harness/trace/file.hpp"

namespace churn::trace {
namespace {

constexpr std::uint64_t segment_bytes = std::uint64_t{256} << 10;
constexpr std::uint64_t most_segments = 4096, least_segments = 64;
constexpr std::uint64_t module_text_bytes = std::uint64_t{1} << 20;
constexpr int poll_ms = 20;

volatile sig_atomic_t interrupts = 0, terminations = 0;

void note_signal(int number) {
  sig_atomic_t volatile& noted = number == SIGINT ? interrupts : terminations;
  noted = 1;
}

// While one of these lives, Ctrl-C is the program's, and SIGTERM is passed on to it.
class SignalsNoted {
 public:
  SignalsNoted() {
    interrupts = 0;
    terminations = 0;
    struct sigaction action{};
    action.sa_handler = note_signal;
    for (std::size_t i = 0; i < count; ++i) sigaction(numbers[i], &action, &before_[i]);
  }
  SignalsNoted(SignalsNoted const&) = delete;
  SignalsNoted& operator=(SignalsNoted const&) = delete;
  ~SignalsNoted() { restore(); }
  void restore() const {
    for (std::size_t i = 0; i < count; ++i) sigaction(numbers[i], &before_[i], nullptr);
  }

 private:
  static constexpr std::size_t count = 3;
  static constexpr int numbers[count] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[count];
};

std::uint64_t segments_here() {
  auto const pages = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
  std::uint64_t const eighth = pages * page_bytes / 8 / segment_bytes;
  return std::clamp(eighth, least_segments, most_segments);
}

// The shared memory, and what of it has been read.
class Pool {
 public:
  Pool() : file_(memfd_create("churn-recording", MFD_CLOEXEC)) {
    std::uint64_t const segments = segments_here();
    std::uint64_t const text =
        round_up(sizeof(RecordingHeader) + segments * sizeof(std::uint32_t), page_bytes);
    std::uint64_t const first = text + module_text_bytes;
    bytes_ = first + segments * segment_bytes;
    void* start = MAP_FAILED;
    if (file_ >= 0 && ftruncate(file_, static_cast<off_t>(bytes_)) == 0) {
      start = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_, 0);
    }
    if (start == MAP_FAILED) {
      if (file_ >= 0) close(file_);
      throw UserError(std::string("no shared memory for a recording: ") + std::strerror(errno));
    }
    header_ = new (start) RecordingHeader{};
    header_->segments = segments;
    header_->segment_bytes = segment_bytes;
    header_->first_segment = first;
    header_->first_text = text;
    header_->text_bytes = module_text_bytes;
    header_->recorder_pid = static_cast<std::uint32_t>(getpid());
    header_->magic = recording_magic;
  }
  Pool(Pool const&) = delete;
  Pool& operator=(Pool const&) = delete;
  ~Pool() {
    munmap(header_, bytes_);
    close(file_);
  }

  RecordingHeader& header() const noexcept { return *header_; }
  std::string path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_);
  }

  // Full segments, while the program runs and much of the pool is used.
  void read_if_much(FileWriter& writer) {
    std::uint64_t used = 0;
    auto const* const states = states_of(header_);
    while (used < header_->segments && states[used].load(std::memory_order_relaxed) != 0) ++used;
    if (used >= header_->segments / 4) read_some(writer, false);
  }
  // All there is, when nobody who counts writes any more.
  void read_rest(FileWriter& writer) { read_some(writer, true); }

  // Lines for FileWriter::info; what was cut off by the end of the room is left out.
  std::string module_lines() const {
    std::uint64_t const used = std::min(header_->text_used.load(), header_->text_bytes);
    std::string_view text(text_of(header_), used);
    std::string result;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
      if (text.find('\0') < end) break;
      result += "module " + std::string(text.substr(0, end + 1));
      text.remove_prefix(end + 1);
    }
    return result;
  }

 private:
  // A thread's segments in their order: one that is not next waits for the one that is.
  void read_some(FileWriter& writer, bool unfinished) {
    auto* const states = states_of(header_);
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> found;
    for (std::uint64_t i = 0; i < header_->segments; ++i) {
      // Acquire: all that its thread wrote is seen (pairs with the recorder's release).
      auto const state = static_cast<SegmentState>(states[i].load(std::memory_order_acquire));
      if (state == SegmentState::free || (state == SegmentState::in_use && !unfinished)) continue;
      SegmentHeader const& segment = *segment_at(header_, i);
      found[{segment.thread, segment.order}] = i;
    }
    for (auto const& [which, index] : found) {
      std::uint64_t& next = next_order_[which.first];
      if (which.second != next) continue;
      ++next;
      read(index, writer);
      states[index].store(static_cast<std::uint32_t>(SegmentState::free),
                          std::memory_order_release);  // pairs with who claims it
    }
  }

  void read(std::uint64_t index, FileWriter& writer) {
    SegmentHeader* const segment = segment_at(header_, index);
    std::uint64_t* const words = words_of(segment);
    std::size_t const most = (segment_bytes - sizeof(SegmentHeader)) / sizeof(std::uint64_t);
    if (segment->thread < most_threads_recorded && segment->process < most_processes) {
      writer.events(segment->thread, segment->process, {words, most});
    }
    std::memset(static_cast<void*>(segment), 0, segment_bytes);
  }

  int file_;
  std::uint64_t bytes_ = 0;
  RecordingHeader* header_ = nullptr;
  std::map<std::uint32_t, std::uint64_t> next_order_;  // by thread
};

std::vector<std::string> environment_of(RecordOptions const& options, Pool const& pool) {
  std::vector<std::string> result;
  std::string preload = "LD_PRELOAD=" + options.recorder;
  for (char** each = environ; *each != nullptr; ++each) {
    std::string_view const entry = *each;
    if (entry.starts_with("LD_PRELOAD=")) {
      preload += ":" + std::string(entry.substr(sizeof "LD_PRELOAD=" - 1));
    } else if (!entry.starts_with(recording_variable)) {
      result.emplace_back(entry);
    }
  }
  result.push_back(std::move(preload));
  result.push_back(std::string(recording_variable) + "=" + pool.path());
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string> const& words) {
  std::vector<char*> result;
  for (auto const& each : words) result.push_back(const_cast<char*>(each.c_str()));
  result.push_back(nullptr);
  return result;
}

pid_t start(RecordOptions const& options, Pool const& pool, SignalsNoted const& signals) {
  std::string const program = find_program(options.command.front());
  if (std::string const why = why_not_preloadable(program); !why.empty()) {
    throw UserError(program + " " + why + ", so its allocations cannot be recorded");
  }
  auto const environment = environment_of(options, pool);
  auto const arguments = pointers_to(options.command), variables = pointers_to(environment);
  int said[2];
  if (pipe2(said, O_CLOEXEC) != 0) throw UserError(std::string("pipe: ") + std::strerror(errno));
  pid_t const child = fork();
  if (child == 0) {
    signals.restore();
    pool.header().root_pid = static_cast<std::uint32_t>(getpid());
    execve(program.c_str(), arguments.data(), variables.data());
    int const error = errno;
    [[maybe_unused]] auto const wrote = write(said[1], &error, sizeof error);
    _exit(127);
  }
  int const fork_error = errno;
  close(said[1]);
  int error = 0;
  bool const failed = child > 0 && read(said[0], &error, sizeof error) == sizeof error;
  close(said[0]);
  if (child < 0) throw UserError(std::string("cannot fork: ") + std::strerror(fork_error));
  if (failed) {
    waitpid(child, nullptr, 0);
    throw UserError("cannot start " + program + ": " + std::strerror(error));
  }
  return child;
}

// Until the program has ended, reading along where it writes much.
int attend(pid_t child, Pool& pool, FileWriter& writer) {
  auto const process = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  sig_atomic_t passed_on = 0;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (terminations != passed_on) {
      passed_on = terminations;
      kill(child, SIGTERM);
    }
    pollfd ended{process, POLLIN, 0};
    poll(&ended, process >= 0 ? 1 : 0, poll_ms);
    pool.read_if_much(writer);
  }
  if (process >= 0) close(process);
  return status;
}

std::string joined(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& each : words) text += (text.empty() ? "" : " ") + each;
  return text;
}

Trace description_of(RecordOptions const& options, RecordingHeader const& header) {
  Trace about;
  about.command = joined(options.command);
  about.bytes_per_stack = options.bytes_per_stack;
  std::uint32_t const count = std::min(header.processes.load(), most_processes);
  for (std::uint32_t i = 0; i < count; ++i) {
    char const* const name = header.process[i].command;
    about.processes.push_back({header.process[i].pid,
                               std::string(name, strnlen(name, sizeof header.process[i].command))});
  }
  return about;
}

}  // namespace

Recorded record(RecordOptions const& options) {
  Pool pool;
  RecordingHeader& header = pool.header();
  header.children = options.children ? 1 : 0;
  header.bytes_per_stack = options.bytes_per_stack;
  FileWriter writer(options.output);
  Recorded result;
  {
    SignalsNoted const signals;
    std::uint64_t const began_ns = now_ns();
    pid_t const child = start(options, pool, signals);
    result.wait_status = attend(child, pool, writer);
    result.seconds = static_cast<double>(now_ns() - began_ns) / 1e9;
    result.interrupted = interrupts != 0 || terminations != 0;
    if (header.processes.load() == 0) {
      throw UserError(options.command.front() +
                      " made no call that the recorder saw: it has a malloc of its own, or none");
    }
    pool.read_rest(writer);
    writer.info(info_of(description_of(options, header)) + pool.module_lines());
    writer.finish(header.lost.load());
  }
  result.calls = writer.calls();
  result.bytes = writer.bytes();
  result.lost = header.lost.load();
  result.processes = std::min(header.processes.load(), most_processes);
  result.threads = header.threads.load();
  return result;
}

}  // namespace churn::trace
