#include "harness/run/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "harness/core/error.hpp"

namespace churn::run {
namespace {

// Sources of the child's descriptors lie above their places, so that no dup2 overwrites one.
constexpr int first_parent_descriptor = 16;
constexpr int request_place = 3, record_place = 4, shared_place = 5;
constexpr int exec_failed_exit_status = 127;

[[noreturn]] void fail(std::string const& what) {
  throw UserError("cannot start a cell: " + what + ": " + std::strerror(errno));
}

Descriptor lifted(int number) {
  Descriptor const low(number);
  if (!low) fail("no descriptor left");
  Descriptor high(fcntl(low.number(), F_DUPFD_CLOEXEC, first_parent_descriptor));
  if (!high) fail("no descriptor left");
  return high;
}

struct Pipe {
  Descriptor read_end, write_end;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("no pipe");
  Descriptor read_end(ends[0]);
  return {std::move(read_end), lifted(ends[1])};
}

// In memory, so that the child reads it like a file and a long one fits.
Descriptor request_file(std::string const& text) {
  Descriptor file = lifted(memfd_create("churn-request", MFD_CLOEXEC));
  std::size_t written = 0;
  while (written < text.size()) {
    ssize_t const step = write(file.number(), text.data() + written, text.size() - written);
    if (step < 0 && errno == EINTR) continue;
    if (step <= 0) fail("the request cannot be written");
    written += static_cast<std::size_t>(step);
  }
  lseek(file.number(), 0, SEEK_SET);
  return file;
}

std::vector<char*> pointers(std::vector<std::string> const& strings) {
  std::vector<char*> result;
  for (auto const& each : strings) result.push_back(const_cast<char*>(each.c_str()));
  result.push_back(nullptr);
  return result;
}

// All that the child needs, made before the fork: after it only system calls are allowed.
struct Prepared {
  char const* program;
  char* const* arguments;
  char* const* environment;
  int input, words, request, record, failure;  // request and record -1: none
  std::uint64_t data_limit_bytes;
  cpu_set_t const* cpus;
  pid_t parent;
  int shared;  // -1: none
};

bool set_limit(int resource, rlim_t bytes) noexcept {
  rlimit const limit{bytes, bytes};
  return setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

bool settle(Prepared const& prepared) noexcept {
  if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  if (getppid() != prepared.parent) _exit(exec_failed_exit_status);  // it died before the prctl
  std::array<std::array<int, 2>, 5> const places{{{prepared.input, STDIN_FILENO},
                                                  {prepared.words, STDOUT_FILENO},
                                                  {prepared.words, STDERR_FILENO},
                                                  {prepared.request, request_place},
                                                  {prepared.record, record_place}}};
  for (auto const& [source, place] : places) {
    if (source >= 0 && dup2(source, place) < 0) return false;
  }
  bool const shares = prepared.shared >= 0;
  if (shares && dup2(prepared.shared, shared_place) < 0) return false;
  unsigned const first_unused = prepared.request < 0 ? request_place : shared_place;
  close_range(first_unused + (shares ? 1 : 0), ~0u, CLOSE_RANGE_CLOEXEC);
  if (prepared.cpus != nullptr) sched_setaffinity(0, sizeof *prepared.cpus, prepared.cpus);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!set_limit(RLIMIT_CORE, 0)) return false;
  return prepared.data_limit_bytes == 0 || set_limit(RLIMIT_DATA, prepared.data_limit_bytes);
}

[[noreturn]] void become(Prepared const& prepared) noexcept {
  if (settle(prepared)) execve(prepared.program, prepared.arguments, prepared.environment);
  int const error = errno;
  if (write(prepared.failure, &error, sizeof error) < 0) _exit(exec_failed_exit_status);
  _exit(exec_failed_exit_status);
}

// Returns once the child has become the program.
void await_exec(Descriptor const& failure, pid_t child, Launch const& launch) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(failure.number(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return;
  waitpid(child, nullptr, 0);
  throw UserError("cannot run " + launch.program + ": " + std::strerror(error) +
                  (launch.exchange ? "; build churn's programs again" : ""));
}

}  // namespace

Descriptor shared_page() {
  Descriptor file = lifted(memfd_create("churn-turns", MFD_CLOEXEC));
  if (ftruncate(file.number(), sysconf(_SC_PAGESIZE)) != 0) fail("no page to share");
  return file;
}

Child spawn(Launch const& launch) {
  Descriptor const input = lifted(open(launch.input.c_str(), O_RDONLY | O_CLOEXEC));
  Descriptor const request = request_file(launch.request);
  Pipe words = make_pipe(), record = make_pipe(), failure = make_pipe();
  for (Descriptor const* const end : {&words.read_end, &record.read_end}) {
    if (fcntl(end->number(), F_SETFL, O_NONBLOCK) != 0) fail("no pipe");
  }
  std::vector<char*> const arguments = pointers(launch.arguments);
  std::vector<char*> const environment = pointers(launch.environment);
  Prepared const prepared{launch.program.c_str(),
                          arguments.data(),
                          environment.data(),
                          input.number(),
                          words.write_end.number(),
                          launch.exchange ? request.number() : -1,
                          launch.exchange ? record.write_end.number() : -1,
                          failure.write_end.number(),
                          launch.data_limit_bytes,
                          launch.cpus,
                          getpid(),
                          launch.shared};
  pid_t const id = fork();
  if (id < 0) fail("no process left");
  if (id == 0) become(prepared);
  setpgid(id, id);  // in both, so that a kill of the group never comes too early
  failure.write_end.close();
  await_exec(failure.read_end, id, launch);
  Child child;
  child.id = id;
  // Not through glibc: the header of 2.36 declares pidfd_open for C alone.
  child.process = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, id, 0)));
  if (!child.process) {
    kill(-id, SIGKILL);
    waitpid(id, nullptr, 0);
    fail("this kernel has no pidfd_open, Linux 5.3 or later has");
  }
  child.record = std::move(record.read_end);
  child.words = std::move(words.read_end);
  return child;
}

}  // namespace churn::run
